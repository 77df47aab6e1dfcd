"""Problems of a pool's pod settings that no form tells: what penstock's own pods have already, and versions."""

from collections.abc import Iterator, Sequence

from components.errors import Problem
from components.labels import DOMAIN, MANAGED_BY
from components.pods.config_map import FOLDER
from components.spec.explain import suggestion
from components.spec.stack import StackSpec
from providers.existing.pods import PoolPodsSpec
from providers.existing.settings import ExistingSpec

OWN_VARIABLES = frozenset({"POD_IP", "POD_NAME", "NODE_NAME", "NODE_RANK", "CHECK_ID"})
RANK_VARIABLES = frozenset(
    {"RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "ROLE_NAME", "WORLD_SIZE", "LOCAL_WORLD_SIZE",
     "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT",
     "TORCHELASTIC_MAX_RESTARTS", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE",
     "TORCHELASTIC_SIGNALS_TO_HANDLE"}
)  # fmt: skip
"""Variables that the agent of a node gives its workers (torch's elastic agent, LocalElasticAgent._start_workers)."""
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
"""Number of a Job's pod, by which nodes know theirs. Kubernetes leaves a pod's own value as it is (pkg/controller/job,
addCompletionIndexEnvVariable), so that every node would have the same."""
OWN_PREFIX = "PENSTOCK_"
SCHEDULERS_DOMAINS = frozenset(
    {"batch.kubernetes.io", "jobset.sigs.k8s.io", "kai.scheduler", "kueue.x-k8s.io", "ray.io", "scheduling.k8s.io",
     "scheduling.volcano.sh", "trainer.kubeflow.org", "volcano.sh"}
)  # fmt: skip
SCHEDULERS_KEYS = frozenset({"pod-group-name", "job-name", "controller-uid", "pod-template-hash"})
"""Keys by which a scheduler and the controllers of its jobs place, group and find pods."""
OWN_CONTAINERS = frozenset({"node", "head", "check", "probe", "server", "slurmd"})
OWN_PATHS = (FOLDER, "/dev/shm", "/dev/termination-log", "/tmp")  # noqa: S108 (names, of mounts in a pod)
"""The job's file, memory that ranks share, a container's last word, the one folder that a server writes to."""

CLAIMS_SINCE = (1, 34)
"""resource.k8s.io/v1, served and on by default (Kubernetes 1.34 release notes, "Core of DRA is GA")."""


def pods_problems(spec: StackSpec, settings: ExistingSpec, version: tuple[int, ...]) -> Iterator[Problem]:
    """All that is wrong with `existing.pods`. `version` is the cluster's, empty where nobody knows it."""
    pools = [pool.name for pool in spec.cluster.node_pools]
    own, written = _places(spec, settings)
    for name, pods in settings.pods.items():
        path = f"existing.pods.{name}"
        if name not in pools:
            hint = suggestion(name, pools) or f"; available: {', '.join(pools)}"
            yield Problem(path=path, message=f"{name!r} is not a pool of this stack{hint}")
        yield from _taken_names(path, pods)
        yield from _taken_paths(path, pods, own, written)
        if pods.resource_claims and version and version < CLAIMS_SINCE:
            least = ".".join(map(str, CLAIMS_SINCE))
            message = f"need Kubernetes {least}, and the cluster has {'.'.join(map(str, version))}; use a device plugin"
            yield Problem(path=f"{path}.resourceClaims", message=message)


def _places(spec: StackSpec, settings: ExistingSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths at which penstock mounts something, and folders that it writes to below them."""
    if settings.volume is None:
        return OWN_PATHS, (FOLDER,)
    volume = settings.volume.mount_path
    runs = spec.storage.volume.path or f"{volume}/penstock"
    return (*OWN_PATHS, volume), (FOLDER, runs)


def _taken_names(path: str, pods: PoolPodsSpec) -> Iterator[Problem]:
    for kind, keys in (("labels", pods.labels), ("annotations", pods.annotations)):
        for key in keys:
            if key == MANAGED_BY or key.partition("/")[0].endswith(DOMAIN):
                yield Problem(path=f"{path}.{kind}.{key}", message="is penstock's own; choose another key")
            elif key in SCHEDULERS_KEYS or key.partition("/")[0] in SCHEDULERS_DOMAINS:
                yield Problem(path=f"{path}.{kind}.{key}", message="is the scheduler's own; choose another key")
    for name in pods.env:
        if whose := _who_sets(name):
            yield Problem(path=f"{path}.env.{name}", message=f"{whose}; choose another name")
    for sidecar in pods.sidecars:
        if sidecar.name in OWN_CONTAINERS:
            message = f"{sidecar.name!r} is the name of a container of penstock's own; choose another"
            yield Problem(path=f"{path}.sidecars.{sidecar.name}.name", message=message)


def _who_sets(variable: str) -> str:
    if variable in OWN_VARIABLES:
        return "is set by penstock for each pod"
    if variable in RANK_VARIABLES:
        return "is set by penstock for each rank"
    if variable == INDEX_VARIABLE:
        return "is set by Kubernetes for each pod"
    return "is penstock's own" if variable.startswith(OWN_PREFIX) else ""


def _taken_paths(path: str, pods: PoolPodsSpec, own: Sequence[str], written: Sequence[str]) -> Iterator[Problem]:
    """Places in the main container that already hold something, or that would hide what penstock has there."""
    mounted = {
        **{one.plan.mount_path: f"{path}.hostPaths.{index}.mountPath" for index, one in enumerate(pods.host_paths)},
        **{one.path: f"{path}.mounts.{index}.path" for index, one in enumerate(pods.mounts)},
    }
    for place, key in mounted.items():
        if why := _why_taken(place, own, written):
            yield Problem(path=key, message=f"{place!r} {why}; choose another path")
    for sidecar in pods.sidecars:
        for place in sidecar.shared_paths:
            taken = "is mounted in the main container already" if place in mounted else ""
            if why := taken or _why_taken(place, own, written):
                message = f"{place!r} {why}; choose another path"
                yield Problem(path=f"{path}.sidecars.{sidecar.name}.sharedPaths", message=message)


def _why_taken(place: str, own: Sequence[str], written: Sequence[str]) -> str:
    if place in own:
        return "is mounted by penstock itself"
    if hidden := next((one for one in (*own, *written) if one.startswith(f"{place}/")), ""):
        return f"would cover {hidden}, which penstock has there"
    within = next((one for one in written if f"{place}/".startswith(f"{one}/")), "")
    return f"is within {within}, which is penstock's own" if within else ""
