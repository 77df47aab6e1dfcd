"""Plans the serving that AWS alone has: names, sizes, and problems."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from components.errors import Problem, SpecError
from components.plan.part import BillLine, Decision, PartPlan
from components.spec.explain import suggestion
from components.spec.stack import StackSpec
from providers.aws.sagemaker_machine_types import ENDPOINT_MACHINE_TYPES
from providers.aws.serving.types import (
    Asynchronous,
    CustomModelPlan,
    EndpointPlan,
    GlobalAcceleratorPlan,
    RealTime,
    Serverless,
    ServingPlan,
    ThroughputPlan,
)
from providers.aws.settings import (
    AcceleratorSpec,
    AsynchronousSpec,
    AwsSpec,
    CustomModelSpec,
    EndpointSpec,
    RealTimeSpec,
    ServerlessSpec,
    ThroughputSpec,
)
from providers.aws.types import AwsNodePoolPlan

_REQUESTS_PER_MACHINE = 8
"""That a growing endpoint aims at."""

_BACKLOG_PER_MACHINE = 5
"""Waiting requests that an asynchronous endpoint aims at (SageMaker Developer Guide, autoscaling example)."""

_LONGEST_NAME = 54
"""SageMaker and Bedrock take 63 characters; nine are for a revision or for what a role is for."""

_LONGEST_ACCELERATOR_NAME = 64
_MOST_PORTS = 10
"""Port ranges of one listener (Global Accelerator API)."""

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<name>[a-z0-9._/-]+?)[:@].+"
)
_MODEL_ARN = re.compile(r"arn:aws[-a-z]*:bedrock:[a-z0-9-]{1,20}:(\d{12})?:[a-z-]+/.+")


def plan_serving(settings: AwsSpec, stack: str) -> ServingPlan:
    """Plans the serving that the settings ask for. SpecError with all that AWS would refuse of it."""
    problems = [*_duplicates(settings), *chain.from_iterable(_problems(settings, stack))]
    if problems:
        raise SpecError(problems)
    return ServingPlan(
        endpoints=tuple(_endpoint(asked, stack) for asked in settings.endpoints),
        custom_models=tuple(_custom_model(asked, stack) for asked in settings.custom_models),
        throughput=tuple(_throughput(asked, stack) for asked in settings.throughput),
        global_accelerators=tuple(_accelerator(asked, stack) for asked in settings.global_accelerators),
        decisions=tuple(_decided(settings)),
    )


def bill(plan: ServingPlan, region: str) -> tuple[BillLine, ...]:
    """A line for each thing that costs by the hour. SageMaker's and Bedrock's prices are not known here."""
    return tuple(_bill_lines(plan, region))


def part(plan: ServingPlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """Endpoints, models, throughput and accelerators of AWS's own."""
    lines = bill(plan, spec.cluster.region or "")
    return PartPlan(decisions=plan.decisions, bill=lines, warnings=tuple(warnings(plan)))


def warnings(plan: ServingPlan) -> Iterator[str]:
    """Resources that stay on the bill after a destroy."""
    for units in plan.throughput:
        if units.commitment is not None:
            yield (
                f"aws.throughput.{units.key}.commitment: {units.commitment} is paid to its end, `pulumi destroy` or "
                "not; remove it to pay by the hour"
            )


def _problems(settings: AwsSpec, stack: str) -> Iterator[Iterator[Problem]]:
    for endpoint in settings.endpoints:
        yield _endpoint_problems(endpoint, stack)
    for model in settings.custom_models:
        yield _custom_model_problems(model, stack)
    for throughput in settings.throughput:
        yield _throughput_problems(throughput, settings.custom_models, stack)
    for accelerator in settings.global_accelerators:
        yield _accelerator_problems(accelerator, stack)


def _duplicates(settings: AwsSpec) -> Iterator[Problem]:
    asked: dict[str, Sequence[EndpointSpec | CustomModelSpec | ThroughputSpec | AcceleratorSpec]] = {
        "endpoints": settings.endpoints,
        "customModels": settings.custom_models,
        "throughput": settings.throughput,
        "globalAccelerators": settings.global_accelerators,
    }
    for key, entries in asked.items():
        names = [entry.name for entry in entries]
        for name in sorted({name for name in names if names.count(name) > 1}):
            what = f"{names.count(name)} entries have the name {name!r}; give each a name of its own"
            yield Problem(path=f"aws.{key}.{name}", message=what)


def _endpoint_problems(asked: EndpointSpec, stack: str) -> Iterator[Problem]:
    path = f"aws.endpoints.{asked.name}"
    yield from _name_problems(path, f"{stack}-{asked.name}", _LONGEST_NAME)
    if not _IMAGE.fullmatch(asked.image):
        what = f"{asked.image!r} is not an image in ECR, the only registry that SageMaker pulls from"
        example = "123456789012.dkr.ecr.us-east-2.amazonaws.com/serve:1.0"
        yield Problem(path=f"{path}.image", message=f"{what}; push it there and write it as {example}")
    if asked.model_data is not None and not asked.model_data.endswith(".tar.gz"):
        what = f"{asked.model_data!r} is not one archive, which is what SageMaker unpacks; name a .tar.gz"
        yield Problem(path=f"{path}.modelData", message=what)
    match asked.serve:
        case RealTimeSpec(machine_type=machine_type, count=count, max_count=most):
            yield from _machine_type_problems(f"{path}.serve", machine_type)
            if most is not None and most < count:
                what = f"{most} is less than count {count}; give {count} or more, or leave it out"
                yield Problem(path=f"{path}.serve.maxCount", message=what)
        case AsynchronousSpec(machine_type=machine_type):
            yield from _machine_type_problems(f"{path}.serve", machine_type)
        case ServerlessSpec(provisioned_concurrency=provisioned, max_concurrency=most):
            if provisioned is not None and provisioned > most:
                what = f"{provisioned} is more than maxConcurrency {most}; give {most} at most"
                yield Problem(path=f"{path}.serve.provisionedConcurrency", message=what)


def _machine_type_problems(path: str, machine_type: str) -> Iterator[Problem]:
    if machine_type not in ENDPOINT_MACHINE_TYPES:
        hint = suggestion(machine_type, sorted(ENDPOINT_MACHINE_TYPES)) or "; see SageMaker's list for endpoints"
        yield Problem(path=f"{path}.machineType", message=f"{machine_type!r} is not one for SageMaker endpoints{hint}")


def _custom_model_problems(asked: CustomModelSpec, stack: str) -> Iterator[Problem]:
    path = f"aws.customModels.{asked.name}"
    yield from _name_problems(path, f"{stack}-{asked.name}", _LONGEST_NAME)
    if not _MODEL_ARN.fullmatch(asked.base_model):
        example = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k"
        what = f"{asked.base_model!r} is not the ARN of a model; write it as {example}"
        yield Problem(path=f"{path}.baseModel", message=what)


def _throughput_problems(asked: ThroughputSpec, models: Sequence[CustomModelSpec], stack: str) -> Iterator[Problem]:
    path = f"aws.throughput.{asked.name}"
    yield from _name_problems(path, f"{stack}-{asked.name}", _LONGEST_NAME)
    if _MODEL_ARN.fullmatch(asked.model):
        return
    trained = {model.name: model.trained for model in models}
    if asked.model not in trained:
        hint = suggestion(asked.model, list(trained)) or "; give an ARN, or train it under aws.customModels"
        what = f"{asked.model!r} is neither the ARN of a model nor one of aws.customModels{hint}"
        yield Problem(path=f"{path}.model", message=what)
    elif not trained[asked.model]:
        what = f"{asked.model!r} is trained by a job that takes hours, and has no throughput before it is done"
        remedy = (
            f"leave this entry out until then, then set aws.customModels.{asked.model}.trained and run `up --refresh`"
        )
        yield Problem(path=f"{path}.model", message=f"{what}; {remedy}")


def _accelerator_problems(asked: AcceleratorSpec, stack: str) -> Iterator[Problem]:
    path = f"aws.globalAccelerators.{asked.name}"
    yield from _name_problems(path, f"{stack}-{asked.name}", _LONGEST_ACCELERATOR_NAME)
    repeated = sorted({port for port in asked.ports if asked.ports.count(port) > 1})
    if repeated:
        what = f"{', '.join(map(str, repeated))} is given more than once; name each port once"
        yield Problem(path=f"{path}.ports", message=what)
    if not 1 <= len(asked.ports) <= _MOST_PORTS:
        what = f"{len(asked.ports)} ports, but a listener has 1 to {_MOST_PORTS}; use a second accelerator for more"
        yield Problem(path=f"{path}.ports", message=what)


def _name_problems(path: str, name: str, longest: int) -> Iterator[Problem]:
    """Bedrock and Global Accelerator take no two dashes together; SageMaker does, and loses nothing by it."""
    if "--" in name:
        yield Problem(path=f"{path}.name", message=f"{name!r} has two dashes together; use one")
    if len(name) > longest:
        what = f"{name!r} (stack and name) has {len(name)} characters, and AWS takes {longest}; shorten one of them"
        yield Problem(path=f"{path}.name", message=what)


def _endpoint(asked: EndpointSpec, stack: str) -> EndpointPlan:
    image = _IMAGE.fullmatch(asked.image)
    assert image is not None
    return EndpointPlan(
        name=f"{stack}-{asked.name}",
        key=asked.name,
        revision=hashlib.sha256(asked.model_dump_json().encode()).hexdigest()[:8],
        image=asked.image,
        repository_arn=f"arn:aws:ecr:{image['region']}:{image['account']}:repository/{image['name']}",
        model_data=asked.model_data,
        serve=_serve(asked.serve),
    )


def _serve(asked: RealTimeSpec | ServerlessSpec | AsynchronousSpec) -> RealTime | Serverless | Asynchronous:
    match asked:
        case RealTimeSpec(machine_type=machine_type, count=count, max_count=most):
            return RealTime(
                machine_type=machine_type,
                count=count,
                max_count=most or count,
                requests_per_machine=_REQUESTS_PER_MACHINE,
            )
        case AsynchronousSpec(machine_type=machine_type, max_count=most, output=output):
            return Asynchronous(
                machine_type=machine_type,
                max_count=most,
                output=output,
                backlog_per_machine=_BACKLOG_PER_MACHINE,
            )
        case ServerlessSpec():
            return Serverless(
                memory_mib=asked.memory_mib,
                max_concurrency=asked.max_concurrency,
                provisioned_concurrency=asked.provisioned_concurrency,
            )


def _custom_model(asked: CustomModelSpec, stack: str) -> CustomModelPlan:
    return CustomModelPlan(
        name=f"{stack}-{asked.name}",
        key=asked.name,
        base_model_arn=asked.base_model,
        training_data=asked.training_data,
        output=asked.output,
        hyperparameters=tuple(sorted(asked.hyperparameters.items())),
    )


def _throughput(asked: ThroughputSpec, stack: str) -> ThroughputPlan:
    is_arn = _MODEL_ARN.fullmatch(asked.model) is not None
    return ThroughputPlan(
        name=f"{stack}-{asked.name}",
        key=asked.name,
        model_arn=asked.model if is_arn else None,
        custom_model=None if is_arn else asked.model,
        units=asked.units,
        commitment=asked.commitment,
    )


def _accelerator(asked: AcceleratorSpec, stack: str) -> GlobalAcceleratorPlan:
    return GlobalAcceleratorPlan(
        name=f"{stack}-{asked.name}",
        key=asked.name,
        load_balancer_arn=asked.load_balancer_arn,
        region=asked.load_balancer_arn.split(":")[3],
        ports=asked.ports,
    )


def _decided(settings: AwsSpec) -> Iterator[Decision]:
    for asked in settings.endpoints:
        path = f"aws.endpoints.{asked.name}.serve"
        match asked.serve:
            case RealTimeSpec(count=count, max_count=None):
                reason = "no maxCount is given: the endpoint does not grow with its requests"
                yield Decision(path=f"{path}.maxCount", value=str(count), reason=reason)
            case RealTimeSpec():
                value = f"{_REQUESTS_PER_MACHINE} requests at a time for each machine"
                reason = "the load that sets the number of machines, between count and maxCount"
                yield Decision(path=f"{path}.scaling", value=value, reason=reason)
            case AsynchronousSpec():
                reason = "no machine while the queue is empty; the first request waits minutes for one"
                yield Decision(path=f"{path}.minCount", value="0", reason=reason)
            case _:
                pass
    for throughput in settings.throughput:
        path = f"aws.throughput.{throughput.name}.commitment"
        if throughput.commitment is None:
            reason = "can be returned at any time, at the highest price"
            yield Decision(path=path, value="none", reason=reason)
        else:
            reason = "Bedrock takes none back before its end: it outlives a destroy and is billed until then"
            yield Decision(path=path, value=throughput.commitment, reason=reason)


def _bill_lines(plan: ServingPlan, region: str) -> Iterator[BillLine]:
    for endpoint in plan.endpoints:
        match endpoint.serve:
            case RealTime(machine_type=machine_type, count=count):
                what = f"endpoint {endpoint.name}, {machine_type} in {region}"
                yield BillLine(what=what, count=count, unit_usd_per_hour=None, source=_unpriced("SageMaker"))
            case Serverless(provisioned_concurrency=int(provisioned)):
                what = f"endpoint {endpoint.name}, provisioned concurrency in {region}"
                yield BillLine(what=what, count=provisioned, unit_usd_per_hour=None, source=_unpriced("SageMaker"))
            case _:
                pass
    for units in plan.throughput:
        what = f"Bedrock model units of {units.name} in {region}, commitment {units.commitment or 'none'}"
        yield BillLine(what=what, count=units.units, unit_usd_per_hour=None, source=_unpriced("Bedrock"))
    for accelerator in plan.global_accelerators:
        what = f"Global Accelerator {accelerator.name}"
        yield BillLine(what=what, count=1, unit_usd_per_hour=None, source=_unpriced("Global Accelerator"))


def _unpriced(service: str) -> str:
    return f"{service}'s prices are not in penstock's tables"
