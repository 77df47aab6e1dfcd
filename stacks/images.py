"""Images that a stack's plan pulls, and what brings each to its registry. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from components.errors import Problem
from components.images import (
    OWN_REPOSITORY,
    STACK_REGISTRY,
    Architecture,
    is_in_stack_registry,
    is_stack_mirror,
    own_tag,
    parts_of,
    target_of,
)
from components.kubernetes.gate import gate_images
from components.plan.cluster import ClusterPlan, NodePoolPlan
from components.plan.images import Built, Copied, Given, ImagePlan, ImageUse
from components.plan.kubernetes import InsidePlan
from components.plan.work import JobPlan, ServicePlan
from components.platform.images import addon_images
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec


def planned_images(
    spec: StackSpec,
    cluster: ClusterPlan,
    job: JobPlan | None,
    service: ServicePlan | None,
    inside: InsidePlan | None,
) -> tuple[ImagePlan, ...]:
    """Every image of the workloads and the gate, each once, with the processors of all pools that pull it."""
    ray, digests = spec.scheduler.kind is SchedulerKind.KUBERAY, spec.images.digests
    own = {pool.own_image: _own(pool, digests, ray=ray) for pool in cluster.node_pools if pool.own_image}
    pools = {pool.name: pool for pool in cluster.node_pools}
    found: dict[str, ImagePlan] = {}
    for use in _uses(cluster, job, service, inside):
        its = pools[use.pool].machine.architecture
        first = found.get(use.image) or replace(own.get(use.image) or _given(use.image), asked_at=use.asked_at)
        found[use.image] = replace(first, architectures=tuple(dict.fromkeys((*first.architectures, its))))
    return (*found.values(), *_copied(spec, cluster, inside))


def _copied(spec: StackSpec, cluster: ClusterPlan, inside: InsidePlan | None) -> Iterator[ImagePlan]:
    """Images of add-ons, each once, where the stack's own registry is their mirror and does not fetch them itself."""
    mirror = spec.platform.registry_mirror
    if inside is None or mirror is None or not is_stack_mirror(mirror):
        return
    path = mirror.rstrip("/").partition("/")[2]
    built_for = tuple(dict.fromkeys((Architecture.AMD64, *(one.machine.architecture for one in cluster.node_pools))))
    published = (image for addon in inside.platform.addons for image in addon_images(addon, mirror.rstrip("/")))
    for image in dict.fromkeys(published):
        name, tag, digest = parts_of(image)
        if name.partition("/")[0] not in cluster.fetched_registries:
            yield ImagePlan(
                registry=STACK_REGISTRY,
                repository=f"{path}/{name}" if path else name,
                tag=tag,
                digest=digest,
                architectures=built_for,
                origin=Copied(source=image),
                asked_at="platform.registryMirror",
            )


def registry_problems(spec: StackSpec, job: JobPlan | None, *, registry: bool) -> Iterator[Problem]:
    """Uses of the stack's own registry where the cloud keeps none, or where who pulls has no login of it."""
    if is_stack_mirror(spec.platform.registry_mirror) and not registry:
        message = f"{spec.platform.registry_mirror!r}: this cloud keeps no registry for a stack; name a mirror's host"
        yield Problem(path="platform.registryMirror", message=message)
    if spec.scheduler.kind is SchedulerKind.SLURM and job is not None and is_in_stack_registry(job.image):
        what = "left out, so that it is penstock's own" if spec.training and spec.training.image is None else job.image
        message = f"{what}: Slurm's nodes pull by enroot, which has no login of the stack's registry"
        yield Problem(
            path="training.image", message=f"{message}; name one that is pulled without, or another scheduler"
        )


def image_warnings(spec: StackSpec, images: Iterable[ImagePlan]) -> Iterator[str]:
    """Digests of images that the plan does not have: of an earlier version of penstock, or of a pool that is gone."""
    tags = {image.tag for image in images if isinstance(image.origin, Built)}
    for tag in spec.images.digests:
        if tag not in tags:
            what = "no image of this plan has that tag; `penstock images push` writes down those that it has"
            yield f"images.digests.{tag}: {what}"


def _uses(
    cluster: ClusterPlan, job: JobPlan | None, service: ServicePlan | None, inside: InsidePlan | None
) -> Iterator[ImageUse]:
    yield from cluster.images
    for work, path in ((job, "training.image"), (service, "inference.image")):
        if work is not None and work.image:
            yield ImageUse(image=work.image, pool=work.pool, asked_at=path)
    if service is not None and service.waits_with:
        yield ImageUse(image=service.waits_with, pool=service.pool, asked_at="training.image")
    if inside is not None and inside.gate is not None:
        yield from gate_images(inside.gate)


def _own(pool: NodePoolPlan, digests: Mapping[str, str], *, ray: bool) -> ImagePlan:
    target = target_of(pool.fabric, ray=ray)
    tag = own_tag(target, pool.machine.architecture)
    return ImagePlan(
        registry=STACK_REGISTRY,
        repository=OWN_REPOSITORY,
        tag=tag,
        digest=digests.get(tag, ""),
        architectures=(),
        origin=Built(target=target),
        asked_at="",
    )


def _given(image: str) -> ImagePlan:
    name, tag, digest = parts_of(image)
    registry, _, repository = name.partition("/")
    return ImagePlan(
        registry=registry if repository else "",
        repository=repository or name,
        tag=tag,
        digest=digest,
        architectures=(),
        origin=Given(),
        asked_at="",
    )
