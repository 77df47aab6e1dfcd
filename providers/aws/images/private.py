"""Images that nodes of a network without a way out do not reach. Pure."""

from collections.abc import Iterator

from components.errors import Problem
from components.images import is_in_stack_registry
from components.spec.cluster import Nat
from components.spec.stack import StackSpec
from providers.aws.settings import AwsBatchSpec, AwsSpec, EksSpec

ECR = ".dkr.ecr."
"""Part of the hosts that the network's endpoints of ECR answer for (ECR User Guide, Interface VPC endpoints)."""


def private_problems(spec: StackSpec, settings: AwsSpec, stack: str) -> Iterator[Problem]:
    """Public registries that add-ons or jobs are to be pulled from, where there is no NAT."""
    if spec.cluster.network.nat is not Nat.NONE:
        return
    why = "with cluster.network.nat none, nodes reach no registry but ECR"
    if isinstance(settings.control_plane, EksSpec) and spec.platform.registry_mirror is None:
        what = f"is missing: {why}, and add-ons are pulled from public ones"
        remedy = f"set it to stack.registry, to which `penstock images push {stack}` copies them, or nat to single"
        yield Problem(path="platform.registryMirror", message=f"{what}; {remedy}")
    plane = settings.control_plane
    batch = plane.image if isinstance(plane, AwsBatchSpec) else None
    asked = (
        ("training.image", spec.training.image if spec.training else None),
        ("inference.image", spec.inference.image if spec.inference else None),
        ("aws.controlPlane.image", batch),
    )
    for path, image in asked:
        if image and not is_in_stack_registry(image) and ECR not in image.partition("/")[0]:
            name = image.rpartition("/")[2]
            remedy = f"push it there and write stack.registry/{name}, or leave it out for penstock's own"
            yield Problem(path=path, message=f"{image!r} is out of reach: {why}; {remedy}")
