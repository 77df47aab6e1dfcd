"""Checks that only the cluster can answer, before anything is created: our rights there, nodes, obstacles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.errors import Problem
from components.kubernetes.kubeconfig import KubeconfigError
from components.labels import MANAGED_BY, MANAGER, STACK_LABEL
from components.plan.kubernetes import NAMESPACE
from components.plan.stack import StackPlan
from components.schedulers.slurm.plan import SLURM_NAMESPACE
from components.spec.scheduler import SchedulerKind
from providers.existing.access import access_of
from providers.existing.machines import Nodes
from providers.existing.plan import ExistingPlan
from providers.existing.pods import needed_objects
from providers.existing.refusals import number, version_problems
from providers.existing.seen import Discovery, SeenNode, seen_in
from providers.existing.settings import ExistingSpec
from providers.existing.volume_changes import volume_changes

if TYPE_CHECKING:
    from components.kubernetes.api import ApiError, KubernetesApi

TIMEOUT_S = 10.0
MOST_NAMED = 5

Object = Mapping[str, Any]


def preflight(plan: StackPlan) -> tuple[Problem, ...]:
    """Every obstacle on the cluster."""
    from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError

    cluster = plan.cluster
    assert isinstance(cluster, ExistingPlan)
    try:
        with KubernetesApi(access_of(cluster.settings), timeout_s=TIMEOUT_S) as api:
            return tuple(_found_problems(plan, cluster, api))
    except KubeconfigError as error:
        return (Problem(path="existing.kubeconfig", message=str(error)),)
    except UnreachableError as error:
        message = f"the API server does not answer: {error}; is its address right, and can this machine reach it?"
        return (Problem(path="existing.kubeconfig", message=message),)
    except ApiError as error:
        return (_refused(error),)


def _refused(error: ApiError) -> Problem:
    """Remedy for a refused request: credentials for one that was not let in, rights for one that was."""
    if error.status == 401:
        message = "the API server does not know these credentials (401): they are wrong or expired; get new ones"
    elif error.status == 403:
        message = f"the credentials may not do what `up` does (403): {error}; ask for a role that allows it"
    else:
        message = f"the API server fails ({error.status} {error.reason}: {error}); retry when it is healthy"
    return Problem(path="existing.kubeconfig", message=message)


def _found_problems(plan: StackPlan, cluster: ExistingPlan, api: KubernetesApi) -> Iterator[Problem]:
    from providers.existing.discovery import read_listing

    seen = seen_in(read_listing(api))
    if wrong := list(_identity_problems(cluster.settings, seen)):
        yield from wrong  # of another cluster nothing else is worth telling
        return
    yield from _version_problems(plan, cluster, seen)
    for pool in cluster.node_pools:
        nodes = cluster.nodes[pool.name]
        yield from _node_problems(pool.name, pool.node_count, nodes, seen.nodes_with(nodes.selector))
    yield from namespace_problems(api.get("v1", "Namespace", NAMESPACE), plan.stack)
    if unclaimed := list(_volume_problems(cluster, seen)):
        yield from unclaimed
    else:
        yield from volume_changes(cluster, api)
    yield from _missing_objects(plan, cluster, api)


def _identity_problems(settings: ExistingSpec, seen: Discovery) -> Iterator[Problem]:
    if settings.cluster_id and seen.cluster_id != settings.cluster_id:
        message = (
            f"the kubeconfig leads to the cluster {seen.cluster_id}, and this stack is for {settings.cluster_id}; "
            "choose the right kubeconfig or context, or correct existing.clusterId"
        )
        yield Problem(path="existing.clusterId", message=message)


def _version_problems(plan: StackPlan, cluster: ExistingPlan, seen: Discovery) -> Iterator[Problem]:
    from components.platform.versions import versions

    if too_old := list(version_problems(seen.version)):
        yield from too_old
    elif cluster.kubernetes and number(seen.version) < number(cluster.kubernetes.version):
        message = f"{cluster.kubernetes.version!r} is planned for, but the cluster has {seen.version}; correct it"
        yield Problem(path="existing.version", message=message)
    for addon in plan.inside.platform.addons if plan.inside else ():
        row = versions().get(addon.name)
        if row and not row.kubernetes_is_enough(seen.version):
            message = (
                f"{addon.name} {row.version} needs Kubernetes {row.min_kubernetes}, the cluster has {seen.version}; "
                "upgrade it, or switch the add-on off"
            )
            yield Problem(path=f"platform.addons.{addon.name}", message=message)


def _node_problems(pool: str, count: int, nodes: Nodes, there: Sequence[SeenNode]) -> Iterator[Problem]:
    path = f"cluster.nodePools.{pool}"
    usable = [node for node in there if node.usable]
    if len(usable) < count:
        labels = ",".join(f"{key}={value}" for key, value in nodes.selector.items())
        unwell = sorted(node.name for node in there if not node.usable)
        more = f" ({named(unwell)} not Ready, cordoned or in quarantine)" if unwell else ""
        message = (
            f"{count} nodes, but {len(usable)} with {labels} can be used{more}; lower it, add nodes, or repair those"
        )
        yield Problem(path=f"{path}.count", message=message)
    for resource, expected in nodes.devices.items():
        whole = [node for node in usable if node.allocatable.get(resource, 0) >= expected]
        if usable and not whole:
            found = Counter(node.allocatable.get(resource, 0) for node in usable)
            have = ", ".join(f"{times} have {amount}" for amount, times in sorted(found.items()))
            message = (
                f"no node offers {expected} x {resource} ({have}); install or repair its device plugin, or describe "
                f"the machine otherwise under existing.machines.{nodes.machine.name}.devices"
            )
            yield Problem(path=f"{path}.machineType", message=message)


def named(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def namespace_problems(namespace: Object | None, stack: str) -> Iterator[Problem]:
    """Problems of the namespace that penstock works in: another stack's, or one that is going."""
    if namespace is None:
        return
    labels = namespace["metadata"].get("labels", {})
    path = "cluster.cloud"
    if labels.get(MANAGED_BY) != MANAGER:
        message = (
            f"the cluster has a namespace {NAMESPACE!r} that penstock did not make and will not take over; "
            "rename or remove that one"
        )
        yield Problem(path=path, message=message)
    elif (owner := labels.get(STACK_LABEL, stack)) != stack:
        message = f"stack {owner!r} is already deployed to this cluster (one stack per cluster); destroy it first"
        yield Problem(path=path, message=message)


def _volume_problems(cluster: ExistingPlan, seen: Discovery) -> Iterator[Problem]:
    """A plan from the file alone knows of a claim what the file says: its name."""
    asked = cluster.settings.volume
    if asked and asked.claim and cluster.claimed is None:
        there = "is there, but was not when the plan was made" if asked.claim in seen.claims else "is no bound claim"
        message = f"{asked.claim!r} {there} of this cluster; make it, and run again"
        yield Problem(path="existing.volume.claim", message=message)


def _missing_objects(plan: StackPlan, cluster: ExistingPlan, api: KubernetesApi) -> Iterator[Problem]:
    """Objects that `existing.pods` names and that are not where the pods are."""
    is_slurm = cluster.scheduler == SchedulerKind.SLURM
    namespaces = [NAMESPACE, *([SLURM_NAMESPACE] if is_slurm else ())]
    for pool, pods in cluster.settings.pods.items():
        for key, api_version, kind, name in needed_objects(pods):
            lacking = [space for space in namespaces if not _exists(api, api_version, kind, name, space)]
            if lacking:
                message = (
                    f"the cluster has no {kind} {name!r} in the namespace {lacking[0]}; make it there first (the "
                    f"namespace with the label app.kubernetes.io/managed-by=penstock, so that {plan.stack!r} takes it)"
                )
                yield Problem(path=f"existing.pods.{pool}.{key}", message=message)


def _exists(api: KubernetesApi, api_version: str, kind: str, name: str, namespace: str) -> bool:
    """True if the object is there, or may not be read; False where the cluster lacks its kind."""
    from components.kubernetes.api import ApiError

    try:
        return api.get(api_version, kind, name, namespace) is not None
    except ApiError as error:
        if error.status == 403:
            return True
        if error.status == 404:
            return False
        raise
