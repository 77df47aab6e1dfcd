"""Resources of other regions and partitions that a stack names, where AWS takes only its own."""

from collections.abc import Iterator

from components.errors import Problem
from components.spec.stack import StackSpec
from providers.aws.known_names import partition_called
from providers.aws.regions import regions
from providers.aws.settings import AwsAccountSpec, AwsBatchSpec, AwsSpec, EksSpec

Named = tuple[str, str]
"""Path, and the ARN or the image that stands there."""


def place_problems(spec: StackSpec, settings: AwsSpec) -> Iterator[Problem]:
    """Things in another partition of AWS than the stack, or where that matters in another region."""
    region = spec.cluster.region or ""
    if region not in regions():
        return
    for path, named in (*_of_any_region(spec, settings), *_of_the_region(spec, settings)):
        if called := partition_called(_partition_of(named)):
            message = f"{named!r} is of {called}, whose accounts and resources reach nothing in {region}"
            yield Problem(path=path, message=f"{message}; name one of AWS's usual partition (arn:aws:...)")
    for path, named in _of_the_region(spec, settings):
        there = _region_of(named)
        if there and there != region and not partition_called(_partition_of(named)):
            message = f"{named!r} is in {there}, and the stack in {region}; name one there, or change cluster.region"
            yield Problem(path=path, message=message)


def _of_the_region(spec: StackSpec, settings: AwsSpec) -> Iterator[Named]:
    """Reservations, training plans, models and images: only those of the stack's region are taken."""
    yield from _reservations(spec)
    yield from _of_sagemaker(settings)
    yield from _of_bedrock(settings)


def _of_any_region(spec: StackSpec, settings: AwsSpec) -> Iterator[Named]:
    """Identities, which have no region, and what is taken from any: an accelerator's load balancers, images of jobs."""
    if isinstance(settings.control_plane, EksSpec):
        for index, arn in enumerate(settings.control_plane.admins):
            yield f"aws.controlPlane.admins.{index}", arn
    if isinstance(spec.account, AwsAccountSpec) and spec.account.role_arn:
        yield "aws:assumeRole", spec.account.role_arn
    if isinstance(settings.control_plane, AwsBatchSpec) and settings.control_plane.image:
        yield "aws.controlPlane.image", settings.control_plane.image
    for key, asked in (("training", spec.training), ("inference", spec.inference)):
        if asked is not None and asked.image:
            yield f"{key}.image", asked.image
    for accelerator in settings.global_accelerators:
        yield f"aws.globalAccelerators.{accelerator.name}.loadBalancerArn", accelerator.load_balancer_arn


def _reservations(spec: StackSpec) -> Iterator[Named]:
    """Resource groups of reservations; an id tells no region."""
    for pool in spec.cluster.node_pools:
        for kind, held in (("reservation", pool.capacity.reservation), ("capacityBlock", pool.capacity.capacity_block)):
            if held is not None:
                yield f"cluster.nodePools.{pool.name}.capacity.{kind}.id", held.id


def _of_sagemaker(settings: AwsSpec) -> Iterator[Named]:
    """SageMaker API, ContainerDefinition.Image: in the region of the model and the endpoint."""
    if settings.hyper_pod is not None and (plan := settings.hyper_pod.training_plan):
        yield "aws.hyperPod.trainingPlan", plan
    for endpoint in settings.endpoints:
        yield f"aws.endpoints.{endpoint.name}.image", endpoint.image


def _of_bedrock(settings: AwsSpec) -> Iterator[Named]:
    for model in settings.custom_models:
        yield f"aws.customModels.{model.name}.baseModel", model.base_model
    for throughput in settings.throughput:
        yield f"aws.throughput.{throughput.name}.model", throughput.model


def _partition_of(named: str) -> str:
    """`arn:PARTITION:service:region:...`; of an image that of its registry's host."""
    parts = named.split(":")
    if parts[0] == "arn" and len(parts) > 4:
        return parts[1]
    host = named.partition("/")[0]
    return "aws-cn" if host.endswith(".amazonaws.com.cn") else "aws-us-gov" if ".us-gov-" in host else "aws"


def _region_of(named: str) -> str:
    """Empty where it tells none."""
    parts, host = named.split(":"), named.partition("/")[0]
    if ".dkr.ecr." in host:
        return host.split(".")[3]
    return parts[3] if parts[0] == "arn" and len(parts) > 4 else ""
