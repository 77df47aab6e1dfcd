"""Problems of a pool's pod settings that no form tells: what penstock's own pods have already, and versions."""

from collections.abc import Iterator

from components.errors import Problem
from components.labels import DOMAIN, MANAGED_BY
from components.pods.config_map import FOLDER
from components.spec.explain import suggestion
from components.spec.stack import StackSpec
from providers.existing.pods import PoolPodsSpec
from providers.existing.settings import ExistingSpec

OWN_VARIABLES = frozenset({"POD_IP", "POD_NAME", "NODE_NAME", "NODE_RANK", "CHECK_ID"})
SCHEDULERS_DOMAINS = frozenset(
    {"batch.kubernetes.io", "jobset.sigs.k8s.io", "kai.scheduler", "kueue.x-k8s.io", "ray.io", "scheduling.k8s.io",
     "scheduling.volcano.sh", "trainer.kubeflow.org", "volcano.sh"}
)  # fmt: skip
SCHEDULERS_KEYS = frozenset({"pod-group-name"})
"""Keys by which a scheduler and the controllers of its jobs place and group pods."""
OWN_CONTAINERS = frozenset({"node", "head", "check", "probe", "server", "slurmd"})
OWN_PATHS = (FOLDER, "/dev/shm", "/dev/termination-log", "/tmp")  # noqa: S108 (names, of mounts in a pod)
"""The job's file, memory that ranks share, a container's last word, the one folder that a server writes to."""

CLAIMS_SINCE = (1, 34)
"""resource.k8s.io/v1, served and on by default (Kubernetes 1.34 release notes, "Core of DRA is GA")."""


def pods_problems(spec: StackSpec, settings: ExistingSpec, version: tuple[int, ...]) -> Iterator[Problem]:
    """All that is wrong with `existing.pods`. `version` is the cluster's, empty where nobody knows it."""
    pools = [pool.name for pool in spec.cluster.node_pools]
    volume = settings.volume.mount_path if settings.volume else ""
    for name, pods in settings.pods.items():
        path = f"existing.pods.{name}"
        if name not in pools:
            hint = suggestion(name, pools) or f"; available: {', '.join(pools)}"
            yield Problem(path=path, message=f"{name!r} is not a pool of this stack{hint}")
        yield from _taken_names(path, pods)
        yield from _taken_paths(path, pods, (*OWN_PATHS, *([volume] if volume else ())))
        if pods.resource_claims and version and version < CLAIMS_SINCE:
            least = ".".join(map(str, CLAIMS_SINCE))
            message = f"need Kubernetes {least}, and the cluster has {'.'.join(map(str, version))}; use a device plugin"
            yield Problem(path=f"{path}.resourceClaims", message=message)


def _taken_names(path: str, pods: PoolPodsSpec) -> Iterator[Problem]:
    for kind, keys in (("labels", pods.labels), ("annotations", pods.annotations)):
        for key in keys:
            if key == MANAGED_BY or key.partition("/")[0].endswith(DOMAIN):
                yield Problem(path=f"{path}.{kind}.{key}", message="is penstock's own; choose another key")
            elif key in SCHEDULERS_KEYS or key.partition("/")[0] in SCHEDULERS_DOMAINS:
                yield Problem(path=f"{path}.{kind}.{key}", message="is the scheduler's own; choose another key")
    for name in pods.env:
        if name in OWN_VARIABLES:
            yield Problem(path=f"{path}.env.{name}", message="is set by penstock for each pod; choose another name")
    for index, sidecar in enumerate(pods.sidecars):
        if sidecar.name in OWN_CONTAINERS:
            message = f"{sidecar.name!r} is the name of a container of penstock's own; choose another"
            yield Problem(path=f"{path}.sidecars.{index}.name", message=message)


def _taken_paths(path: str, pods: PoolPodsSpec, own: tuple[str, ...]) -> Iterator[Problem]:
    """Places in the main container that already hold something."""
    mounted = {
        **{one.plan.mount_path: f"{path}.hostPaths.{index}.mountPath" for index, one in enumerate(pods.host_paths)},
        **{one.path: f"{path}.mounts.{index}.path" for index, one in enumerate(pods.mounts)},
    }
    for place, key in mounted.items():
        if place in own:
            yield Problem(path=key, message=f"{place!r} is mounted by penstock itself; choose another path")
    for index, sidecar in enumerate(pods.sidecars):
        for place in sidecar.shared_paths:
            if place in own or place in mounted:
                message = f"{place!r} is mounted in the main container already; choose another path"
                yield Problem(path=f"{path}.sidecars.{index}.sharedPaths", message=message)
