"""Plans data on AWS: file systems, buckets, images; the mounts of jobs; all that `destroy` keeps."""

from collections.abc import Iterator, Sequence

from components.errors import Problem, Problems, SpecError
from components.images import OWN_REPOSITORY, is_in_stack_registry, parts_of
from components.plan.cluster import Mount, VolumePlan
from components.plan.part import Decision, PartPlan
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.aws.images.mirrors import upstreams
from providers.aws.network.types import NetworkPlan
from providers.aws.regions import regions
from providers.aws.settings import AwsBatchSpec, AwsSpec
from providers.aws.storage.bill import bill
from providers.aws.storage.links import overlap
from providers.aws.storage.lustre import lustre_decisions, plan_lustre
from providers.aws.storage.names import bucket_name_problem
from providers.aws.storage.types import (
    BucketPlan,
    ExpressPlan,
    LustrePlan,
    RegistryPlan,
    SharedPlan,
    StoragePlan,
)
from providers.aws.types import AwsNodePoolPlan

LONGEST_BUCKET_NAME = 63
LONGEST_MIRROR_PREFIX = 30
OWN_SUFFIX = len("-storage-objects-1234567")
"""Suffix that the resource's name and the SDK add to the stack's where a bucket has no name of its own."""
CLAIMS = {"fileSystem": "file-system", "sharedFileSystem": "shared-file-system"}
"""Names by which pods mount them."""
ACCOUNT_SUFFIX = len("-123456789012")


def plan_storage(
    spec: StackSpec, settings: AwsSpec, pools: Sequence[AwsNodePoolPlan], network: NetworkPlan, stack: str
) -> StoragePlan:
    """Every store of the stack; SpecError with every problem at once."""
    problems = Problems([*_mount_problems(spec), *_volume_problems(spec)])
    lustre = problems.collect(_lustre, spec, pools, network)
    bucket = problems.collect(_bucket, spec, stack)
    express = problems.collect(_express, spec, settings, network, stack)
    registry = problems.collect(_registry, spec, settings, stack)
    if problems:
        raise SpecError(problems)
    volume = _volume(spec, stack, lustre)
    shared = _shared(spec, network)
    mounts = tuple(Mount(volume=CLAIMS[name], path=path) for name, path in spec.storage.mount_paths())
    return StoragePlan(
        file_system=lustre,
        shared_file_system=shared,
        object_store=bucket,
        express_store=express,
        registry=registry,
        mounts=mounts,
        volume=volume,
        decisions=tuple(_decisions(spec, lustre, pools, network, volume)),
    )


def part(plan: StoragePlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """Every store of the stack."""
    lines = bill(plan, spec.cluster.region or "")
    return PartPlan(decisions=plan.decisions, bill=lines, warnings=(*warnings(plan), *_set_up_elsewhere(plan, spec)))


def _set_up_elsewhere(plan: StoragePlan, spec: StackSpec) -> Iterator[str]:
    """Nodes that HyperPod starts get no user data of a stack's."""
    assert isinstance(spec.settings, AwsSpec)
    if spec.settings.hyper_pod is None or plan.file_system is None or not plan.file_system.efa:
        return
    pools = ", ".join(spec.settings.hyper_pod.pools)
    yield (
        f"aws.hyperPod: nodes of {pools} reach the file system over EFA only if your lifecycle script sets up Lustre's "
        "client for it (FSx for Lustre User Guide, Configuring EFA clients), else over TCP; the gate does not look"
    )


def warnings(plan: StoragePlan) -> Iterator[str]:
    """Files that a failed server takes with it."""
    lustre = plan.file_system
    if lustre is not None and lustre.scratch:
        runs = " (runs and checkpoints lie on it)" if plan.volume.path.startswith(lustre.mount_path) else ""
        yield (
            f"storage.fileSystem.scratch: true, so a file server that fails takes its files with it{runs}; link a "
            "bucket (storage.fileSystem.links), or remove scratch"
        )


def _mount_problems(spec: StackSpec) -> Iterator[Problem]:
    lustre, shared = spec.storage.file_system, spec.storage.shared_file_system
    if lustre and shared and overlap(lustre.mount_path, shared.mount_path):
        message = f"{shared.mount_path!r} and fileSystem.mountPath {lustre.mount_path!r} overlap; keep them apart"
        yield Problem(path="storage.sharedFileSystem.mountPath", message=message)


def _volume_problems(spec: StackSpec) -> Iterator[Problem]:
    asked, mounts = spec.storage.volume, spec.storage.mount_paths()
    paths = [path for _, path in mounts]
    if asked.path and not any(f"{asked.path}/".startswith(f"{path}/") for path in paths):
        where = (
            f"below {' or '.join(paths)}" if paths else "on a file system, and there is none: add storage.fileSystem"
        )
        message = f"{asked.path!r} is on no file system of the stack; runs lie {where}"
        yield Problem(path="storage.volume.path", message=message)
    if not paths and spec.training is not None and "storage" not in spec.wrong:
        message = "a run needs a folder that its nodes share, and there is no file system; add storage.fileSystem"
        yield Problem(path="storage", message=message)
    home = spec.storage.home()
    if home and "on_destroy" in asked.model_fields_set and asked.on_destroy is not home[2]:
        message = f"{asked.on_destroy.value!r}, but the file system that it lies on has {home[2].value!r}"
        yield Problem(path="storage.volume.onDestroy", message=f"{message}; set storage.{home[0]}.onDestroy instead")


def _volume(spec: StackSpec, stack: str, lustre: LustrePlan | None) -> VolumePlan:
    home = spec.storage.home()
    if home is None:
        return VolumePlan(path="", on_destroy=spec.storage.volume.on_destroy)
    key, root, on_destroy = home
    path = spec.storage.volume.path or f"{root}/penstock/{stack}"
    rate = _lustre_mbps(lustre) if lustre and key == "fileSystem" else 0.0
    return VolumePlan(path=path, on_destroy=on_destroy, claim=CLAIMS[key], mount_path=root, write_mbps=rate)


def _lustre_mbps(lustre: LustrePlan) -> float:
    """Write throughput of the whole file system: it is sold in MB/s, of the whole or for each TiB."""
    if lustre.throughput_mbps is not None:
        return float(lustre.throughput_mbps)
    return (lustre.throughput_mbps_per_tib or 0) * (lustre.capacity_gib or 0) / 1024


def _lustre(spec: StackSpec, pools: Sequence[AwsNodePoolPlan], network: NetworkPlan) -> LustrePlan | None:
    asked = spec.storage.file_system
    return plan_lustre(asked, pools, network, _control_plane(spec)) if asked else None


def _control_plane(spec: StackSpec) -> str:
    assert isinstance(spec.settings, AwsSpec)
    return spec.settings.control_plane.kind


def _shared(spec: StackSpec, network: NetworkPlan) -> SharedPlan | None:
    asked = spec.storage.shared_file_system
    if asked is None:
        return None
    return SharedPlan(
        mount_path=asked.mount_path,
        subnets=tuple(subnet.name for zone in network.zones if (subnet := network.subnet_for("storage", zone))),
        keep=asked.on_destroy is OnDestroy.KEEP,
    )


def _bucket(spec: StackSpec, stack: str) -> BucketPlan | None:
    asked = spec.storage.object_store
    if asked is None:
        return None
    if asked.name is not None and (problem := bucket_name_problem(asked.name)):
        raise SpecError([Problem(path="storage.objectStore.name", message=problem)])
    if asked.mount_path is not None:
        message = (
            f"{asked.mount_path!r}, and no bucket is mounted on AWS; remove it, and let a folder of the file system "
            "mirror a bucket: storage.fileSystem.links"
        )
        raise SpecError([Problem(path="storage.objectStore.mountPath", message=message)])
    if asked.name is None and len(stack) + OWN_SUFFIX > LONGEST_BUCKET_NAME:
        message = f"left out, and {stack!r} is too long to make one from; give a name of 3 to 63 characters"
        raise SpecError([Problem(path="storage.objectStore.name", message=message)])
    return BucketPlan(
        name=asked.name,
        keep_versions_days=asked.keep_versions_days,
        expire_days=asked.expire_days,
        keep=asked.on_destroy is OnDestroy.KEEP,
    )


def _express(spec: StackSpec, settings: AwsSpec, network: NetworkPlan, stack: str) -> ExpressPlan | None:
    asked, path = settings.express_store, "aws.expressStore.zoneId"
    if asked is None:
        return None
    ids = regions()[network.region].zone_ids
    if asked.zone_id not in ids.values():
        message = f"{asked.zone_id!r} is no zone of {network.region}; available: {', '.join(ids.values())}"
        raise SpecError([Problem(path=path, message=message)])
    if (excess := len(f"{stack}--{asked.zone_id}--x-s3") + ACCOUNT_SUFFIX - LONGEST_BUCKET_NAME) > 0:
        message = f"{stack!r} makes a bucket name {excess} characters too long; give the stack a shorter name"
        raise SpecError([Problem(path="aws.expressStore", message=message)])
    store = spec.storage.object_store
    return ExpressPlan(base=stack, zone_id=asked.zone_id, keep=store is None or store.on_destroy is OnDestroy.KEEP)


def _registry(spec: StackSpec, settings: AwsSpec, stack: str) -> RegistryPlan | None:
    asked = settings.registry
    if asked is None:
        return None
    pulled = upstreams(spec, settings)
    problems = [
        Problem(path=f"aws.registry.{key}", message=f"{value!r} is given twice; give it once")
        for key, values in (("repositories", asked.repositories), ("mirrors", [each.value for each in pulled]))
        for value in sorted({value for value in values if list(values).count(value) > 1})
    ]
    # By its registry's name, as `platform.registryMirror` asks for an image.
    mirrors = {f"{stack}/{upstream.value}": upstream.value for upstream in pulled}
    problems += [
        Problem(
            path="aws.registry.mirrors",
            message=f"{upstream!r} would have the prefix {prefix!r}, longer than {LONGEST_MIRROR_PREFIX} characters; "
            "give the stack a shorter name, or mirrors: []",
        )
        for prefix, upstream in mirrors.items()
        if len(prefix) > LONGEST_MIRROR_PREFIX
    ]
    problems += _made_by_the_command(spec, settings, asked.repositories)
    if problems:
        raise SpecError(problems)
    repositories = {name: f"{stack}/{name}" for name in asked.repositories}
    return RegistryPlan(repositories=repositories, mirrors=mirrors, keep_images=asked.keep_images)


def _made_by_the_command(spec: StackSpec, settings: AwsSpec, repositories: Sequence[str]) -> Iterator[Problem]:
    """Repositories of images that the first `up` needs already: `penstock images push` makes them before it."""
    plane = settings.control_plane
    asked = (spec.training, spec.inference, plane if isinstance(plane, AwsBatchSpec) else None)
    named = [work.image for work in asked if work is not None and work.image]
    needed = {parts_of(image)[0].partition("/")[2] for image in named if is_in_stack_registry(image)}
    for name in repositories:
        if name == OWN_REPOSITORY or name in needed:
            what = f"{name!r} is made by `penstock images push` before the first `up`, which needs an image of it"
            yield Problem(path="aws.registry.repositories", message=f"{what}; take it out of the list")


def _decisions(
    spec: StackSpec, lustre: LustrePlan | None, pools: Sequence[AwsNodePoolPlan], network: NetworkPlan,
    volume: VolumePlan,
) -> Iterator[Decision]:  # fmt: skip
    asked = spec.storage.file_system
    if lustre is not None and asked is not None:
        yield from lustre_decisions(asked, lustre, pools, network, _control_plane(spec))
    if volume.path and spec.storage.volume.path is None:
        reason = "a folder named after the stack on the file system that all nodes share"
        yield Decision(path="storage.volume.path", value=volume.path, reason=reason)
    if not volume.path:
        yield Decision(path="storage.volume.path", value="none", reason="the stack has no file system")
    store = spec.storage.object_store
    if store is not None and store.name is None:
        reason = "the stack's, and seven digits that make it the only one of all accounts"
        yield Decision(path="storage.objectStore.name", value="made by the SDK", reason=reason)
