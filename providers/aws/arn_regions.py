"""Resources of other regions that a stack names, where AWS takes only its own."""

from collections.abc import Iterator

from components.errors import Problem
from components.spec.stack import StackSpec
from providers.aws.regions import regions
from providers.aws.settings import AwsSpec


def region_problems(spec: StackSpec, settings: AwsSpec) -> Iterator[Problem]:
    """Reservations, training plans, models and images in another region than the stack's."""
    region = spec.cluster.region
    if region not in regions():
        return
    for path, named, there in (*_reservations(spec), *_of_sagemaker(settings), *_of_bedrock(settings)):
        if there and there != region:
            message = f"{named!r} is in {there}, and the stack in {region}; name one there, or change cluster.region"
            yield Problem(path=path, message=message)


Named = tuple[str, str, str]
"""Path, what stands there, and its region; empty where it tells none."""


def _reservations(spec: StackSpec) -> Iterator[Named]:
    """Resource groups of reservations; an id tells no region."""
    for pool in spec.cluster.node_pools:
        for kind, held in (("reservation", pool.capacity.reservation), ("capacityBlock", pool.capacity.capacity_block)):
            if held is not None:
                yield f"cluster.nodePools.{pool.name}.capacity.{kind}.id", held.id, _region_of(held.id)


def _of_sagemaker(settings: AwsSpec) -> Iterator[Named]:
    """SageMaker API, ContainerDefinition.Image: in the region of the model and the endpoint."""
    if settings.hyper_pod is not None and (plan := settings.hyper_pod.training_plan):
        yield "aws.hyperPod.trainingPlan", plan, _region_of(plan)
    for endpoint in settings.endpoints:
        host, _, _ = endpoint.image.partition("/")
        there = host.split(".")[3] if ".dkr.ecr." in host else ""
        yield f"aws.endpoints.{endpoint.name}.image", endpoint.image, there


def _of_bedrock(settings: AwsSpec) -> Iterator[Named]:
    for model in settings.custom_models:
        yield f"aws.customModels.{model.name}.baseModel", model.base_model, _region_of(model.base_model)
    for throughput in settings.throughput:
        yield f"aws.throughput.{throughput.name}.model", throughput.model, _region_of(throughput.model)


def _region_of(arn: str) -> str:
    """`arn:partition:service:region:...`."""
    parts = arn.split(":")
    return parts[3] if parts[0] == "arn" and len(parts) > 4 else ""
