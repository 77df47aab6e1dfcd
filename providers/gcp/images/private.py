"""Images that nodes of a network without a way out do not reach. Pure."""

from collections.abc import Iterator

from components.errors import Problem
from components.images import is_in_stack_registry
from components.spec.cluster import Nat
from components.spec.stack import StackSpec
from providers.gcp.images.address import HOST

GOOGLES = ("gke.gcr.io", "gcr.io", "us-docker.pkg.dev")
"""Registries of Google's own, which Private Google Access leads to as it does to Artifact Registry."""


def private_problems(spec: StackSpec, stack: str) -> Iterator[Problem]:
    """Public registries that add-ons or jobs are to be pulled from, where there is no NAT."""
    if spec.cluster.network.nat is not Nat.NONE:
        return
    why = "with cluster.network.nat none, nodes reach no registry but Google's"
    if spec.platform.registry_mirror is None:
        what = f"is missing: {why}, and add-ons are pulled from public ones"
        remedy = f"set it to stack.registry, to which `penstock images push {stack}` copies them, or nat to single"
        yield Problem(path="platform.registryMirror", message=f"{what}; {remedy}")
    asked = (
        ("training.image", spec.training.image if spec.training else None),
        ("inference.image", spec.inference.image if spec.inference else None),
    )
    for path, image in asked:
        host = (image or "").partition("/")[0]
        if image and not is_in_stack_registry(image) and host not in GOOGLES and not HOST.fullmatch(host):
            name = image.rpartition("/")[2]
            remedy = f"push it there and write stack.registry/{name}, or leave it out for penstock's own"
            yield Problem(path=path, message=f"{image!r} is out of reach: {why}; {remedy}")
