"""Bindings of all kinds, and the pods of every builder on a pool that has one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from components.kubernetes.gate import plan_gate
from components.plan.cluster import (
    ClusterPlan,
    HostPath,
    Mount,
    NodePoolPlan,
    PodBinding,
    ResourceClaim,
    Sidecar,
    Taint,
    VolumePlan,
)
from components.plan.kubernetes import Manifest
from components.plan.work import ServicePlan
from components.schedulers import load
from components.serving import render_service
from components.spec.cluster import TaintEffect
from components.spec.platform import GateSpec, PlatformSpec
from components.spec.scheduler import SchedulerKind, SchedulerSpec
from components.spec.storage import OnDestroy
from tests.contract.scheduler_cases import FACTS, ON_KUBERNETES, gangs, job, pool

Body = dict[str, Any]
IMAGE = "r.example/penstock:1"
VOLUME = VolumePlan(path="/fsx/s", on_destroy=OnDestroy.KEEP, claim="file-system", mount_path="/fsx")
PODS = [kind for kind in ON_KUBERNETES if kind not in {SchedulerKind.MPI, SchedulerKind.SLURM}]
"""Schedulers that run a job as pods of its own: MPI runs none of penstock's, Slurm runs it in pods that are there."""

NAMES = st.from_regex(r"[a-z][-a-z0-9]{0,18}[a-z0-9]", fullmatch=True)
RESOURCES = st.from_regex(r"[a-z]{1,8}\.com/[a-z]{1,8}", fullmatch=True)
VARIABLES = st.dictionaries(
    st.from_regex(r"X[A-Z]{3,12}_[A-Z]{2}", fullmatch=True), st.text(max_size=5), min_size=1, max_size=3
)
MARKS = st.dictionaries(st.from_regex(r"[a-z]{1,6}\.example/[a-z]{1,6}", fullmatch=True), NAMES, min_size=1, max_size=2)
CAPABILITIES = st.lists(st.sampled_from(["NET_ADMIN", "SYS_PTRACE", "IPC_LOCK"]), max_size=3, unique=True).map(tuple)


def paths(root: str) -> st.SearchStrategy[str]:
    return NAMES.map(lambda name: f"{root}/{name}")


def tuples(of: st.SearchStrategy[Any], **limits: Any) -> st.SearchStrategy[Any]:
    return st.lists(of, **{"min_size": 1, "max_size": 2} | limits).map(tuple)


def host_paths(root: str) -> st.SearchStrategy[Any]:
    one = st.builds(
        HostPath, path=paths("/opt"), mount_path=paths(root), read_only=st.booleans(),
        kind=st.sampled_from(["", "Directory"]),
    )  # fmt: skip
    return tuples(one, unique_by=lambda found: found.mount_path)


SIDECARS = st.builds(
    Sidecar, name=NAMES.map("side-".__add__), image=NAMES, command=tuples(st.text(max_size=5)), env=VARIABLES,
    host_paths=host_paths("/side"), shared_paths=tuples(paths("/run"), unique=True), capabilities=CAPABILITIES,
    privileged=st.booleans(),
)  # fmt: skip
BINDINGS = st.builds(
    PodBinding,
    devices=st.dictionaries(RESOURCES, st.integers(1, 64), min_size=1, max_size=3),
    huge_pages_mib=st.sampled_from([2, 5120]),
    env=VARIABLES,
    mounts=tuples(
        st.builds(Mount, volume=NAMES.map("pool-".__add__), path=paths("/mnt")), unique_by=lambda one: one.path
    ),
    node_selector=st.dictionaries(NAMES, NAMES, min_size=1, max_size=2),
    tolerations=tuples(
        st.builds(Taint, key=NAMES, value=NAMES, effect=st.sampled_from(TaintEffect)), max_size=3, unique_by=repr
    ),
    topology_keys=tuples(NAMES, max_size=4, unique=True),
    annotations=MARKS,
    labels=MARKS,
    host_paths=host_paths("/host"),
    sidecars=tuples(SIDECARS, unique_by=lambda one: one.name),
    resource_claims=tuples(st.builds(ResourceClaim, name=NAMES, template=NAMES), unique_by=lambda one: one.name),
    capabilities=CAPABILITIES,
    privileged=st.booleans(),
    host_network=st.booleans(),
    image_pull_secrets=tuples(NAMES, unique=True),
    service_account=NAMES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPod:
    """A builder's pod: what is looked at, and the object that holds it."""

    template: Body
    main: Body
    manifest: Manifest
    """Empty where no object of a kind with a definition holds it."""


def job_pods(on: NodePoolPlan) -> Iterator[BoundPod]:
    """A node of the gang as each scheduler takes it."""
    for kind in PODS:
        manifests = _job_objects(kind, on)
        ((_count, template),) = gangs(manifests)
        yield BoundPod(template=template, main=template["spec"]["containers"][0], manifest=manifests[-1])


def head_pods(on: NodePoolPlan) -> Iterator[BoundPod]:
    """The pod that leads a RayJob."""
    ray_job = _job_objects(SchedulerKind.KUBERAY, on)[-1]
    template = ray_job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]
    yield BoundPod(template=template, main=template["spec"]["containers"][0], manifest=ray_job)


def check_pods(on: NodePoolPlan) -> Iterator[BoundPod]:
    check = _gate(on).pools[0].check
    assert check is not None
    template = check["spec"]["template"]
    yield BoundPod(template=template, main=template["spec"]["containers"][0], manifest=check)


def probe_pods(on: NodePoolPlan) -> Iterator[BoundPod]:
    probe = _gate(on).pools[0].probe
    assert probe is not None
    yield BoundPod(template=dict(probe), main=probe["spec"]["containers"][0], manifest=probe)


def server_pods(on: NodePoolPlan) -> Iterator[BoundPod]:
    service = ServicePlan(
        name="serve", pool=on.name, program=("-m", "workloads.serve"), env=on.binding.env, config={"inference": {}},
        ports=(8000,), host="0.0.0.0", state_folder="/fsx/s", model_folder="/fsx/m",  # noqa: S104 - of a pod
        follows_training=False, drain_s=5, image=IMAGE, accelerators=1, cpu=1, memory_gib=1, claim="file-system",
        mount_path="/fsx",
    )  # fmt: skip
    for manifest in render_service(service, on):
        if manifest["kind"] == "Deployment":
            template = manifest["spec"]["template"]
            yield BoundPod(template=template, main=template["spec"]["containers"][0], manifest=manifest)


def slurm_pods(on: NodePoolPlan) -> Iterator[BoundPod]:
    for manifest in load(SchedulerKind.SLURM).plan(SchedulerSpec(), (on,), FACTS).opening:
        spec = manifest["spec"]
        yield BoundPod(template=spec["template"], main=spec["slurmd"], manifest=manifest)


BUILDERS: Mapping[str, Callable[[NodePoolPlan], Iterator[BoundPod]]] = {
    "job": job_pods, "head": head_pods, "check": check_pods, "probe": probe_pods, "server": server_pods,
    "slurm": slurm_pods,
}  # fmt: skip
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "head": frozenset({"devices", "huge_pages_mib", "resource_claims", "sidecars"}),
    "check": frozenset({"mounts"}),
    "probe": frozenset(
        {"devices", "huge_pages_mib", "env", "mounts", "node_selector", "resource_claims", "sidecars"}
    ),
    "server": frozenset({"devices", "huge_pages_mib", "mounts"}),
}  # fmt: skip
"""Fields that a pod goes without, as the shares of components/pods/bind.py say: all others are in all pods."""


def _job_objects(kind: SchedulerKind, on: NodePoolPlan) -> tuple[Manifest, ...]:
    scheduler = load(kind)
    one = job(env={"AN_OWN_ONE": "1", **on.binding.env})
    return scheduler.render_job(one, on, scheduler.plan(SchedulerSpec(), (on,), FACTS))


def _gate(on: NodePoolPlan) -> Any:
    cluster = ClusterPlan(cloud="x", node_pools=(on,), volume=VOLUME, scheduler="kueue")
    return plan_gate(PlatformSpec(gate=GateSpec()), cluster, IMAGE)


def pool_with(binding: PodBinding) -> NodePoolPlan:
    return replace(pool(), binding=binding)
