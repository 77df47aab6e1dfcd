"""Checks that only the cluster can answer, before anything is created: our rights there, nodes, obstacles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.errors import Problem
from components.kubernetes.kubeconfig import KubeconfigError
from components.labels import MANAGED_BY, MANAGER, STACK_LABEL
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE
from components.plan.stack import StackPlan
from components.pods.bind import tolerations
from components.schedulers.slurm.plan import SLURM_NAMESPACE
from components.spec.scheduler import SchedulerKind
from providers.existing.access import access_of
from providers.existing.daemons import as_objects, untolerated, written
from providers.existing.lacks import (
    class_problems,
    field_problems,
    idle_problems,
    kind_problems,
    leftover_problems,
    right_problems,
)
from providers.existing.machines import Nodes
from providers.existing.needs import addons, values_of
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
    problems: list[Problem] = []
    try:
        with KubernetesApi(access_of(cluster.settings), timeout_s=TIMEOUT_S) as api:
            for problem in _found_problems(plan, cluster, api):
                problems.append(problem)  # noqa: PERF402 (those before a refused request are told too)
    except KubeconfigError as error:
        problems.append(Problem(path="existing.kubeconfig", message=str(error)))
    except UnreachableError as error:
        message = f"the API server does not answer: {error}; is its address right, and can this machine reach it?"
        problems.append(Problem(path="existing.kubeconfig", message=message))
    except ApiError as error:
        problems.append(_refused(error))
    return tuple(problems)


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

    listing = read_listing(api)
    seen = seen_in(listing)
    if wrong := list(_identity_problems(cluster.settings, seen)):
        yield from wrong  # of another cluster nothing else is worth telling
        return
    yield from right_problems(plan, cluster.settings, listing)
    yield from _version_problems(plan, cluster, seen)
    yield from _pool_problems(plan, cluster, seen)
    for pool in cluster.node_pools:
        yield from _taint_problems(pool, seen.nodes_with(cluster.nodes[pool.name].selector))
    yield from _controller_problems(plan, seen)
    yield from class_problems(plan, cluster.settings, listing)
    yield from field_problems(plan, listing)
    yield from leftover_problems(plan, listing)
    yield from idle_problems(plan, cluster.settings, listing)
    # From here on more is asked, and what is asked may be refused.
    yield from kind_problems(plan, lambda version, kind: _serves(api, version, kind), api.versions)
    yield from namespace_problems(api.get("v1", "Namespace", NAMESPACE), plan.stack)
    if unclaimed := list(_volume_problems(cluster, seen)):
        yield from unclaimed
    else:
        yield from volume_changes(cluster, api)
    yield from _missing_objects(plan, cluster, api)


def _identity_problems(settings: ExistingSpec, seen: Discovery) -> Iterator[Problem]:
    if settings.cluster_id and "Namespace" not in seen.hidden and seen.cluster_id != settings.cluster_id:
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


def _pool_problems(plan: StackPlan, cluster: ExistingPlan, seen: Discovery) -> Iterator[Problem]:
    """A pool that lacks nodes is left to the acceptance gate, which keeps it shut, where another has all of its own."""
    lacking: list[Problem] = []
    for pool in cluster.node_pools:
        nodes = cluster.nodes[pool.name]
        there = seen.nodes_with(nodes.selector)
        lacking += _missing_nodes(pool.name, pool.node_count, nodes, there)
        yield from _missing_devices(pool.name, nodes, there)
    gate = plan.inside.gate if plan.inside else None
    if gate is None or len(lacking) == len(cluster.node_pools):
        yield from lacking


def _missing_nodes(pool: str, count: int, nodes: Nodes, there: Sequence[SeenNode]) -> Iterator[Problem]:
    usable = [node for node in there if node.usable]
    if len(usable) < count:
        labels = ",".join(f"{key}={value}" for key, value in nodes.selector.items())
        unwell = sorted(node.name for node in there if not node.usable)
        more = f" ({named(unwell)} not Ready, cordoned or in quarantine)" if unwell else ""
        message = (
            f"{count} nodes, but {len(usable)} with {labels} can be used{more}; lower it, add nodes, or repair those"
        )
        yield Problem(path=f"cluster.nodePools.{pool}.count", message=message)


def _missing_devices(pool: str, nodes: Nodes, there: Sequence[SeenNode]) -> Iterator[Problem]:
    usable = [node for node in there if node.usable]
    for resource, expected in nodes.devices.items():
        whole = [node for node in usable if node.allocatable.get(resource, 0) >= expected]
        if usable and not whole:
            found = Counter(node.allocatable.get(resource, 0) for node in usable)
            have = ", ".join(f"{times} have {amount}" for amount, times in sorted(found.items()))
            message = (
                f"no node offers {expected} x {resource} ({have}); install or repair its device plugin, or describe "
                f"the machine otherwise under existing.machines.{nodes.machine.name}.devices"
            )
            yield Problem(path=f"cluster.nodePools.{pool}.machineType", message=message)


def _taint_problems(pool: NodePoolPlan, there: Sequence[SeenNode]) -> Iterator[Problem]:
    """Taints by which too few of the pool's nodes take its pods."""
    tolerated = tolerations(pool.binding.tolerations)
    usable = [node for node in there if node.usable]
    kept_off = {node.name: left for node in usable if (left := untolerated(as_objects(node.taints), tolerated))}
    if len(usable) < pool.node_count or len(usable) - len(kept_off) >= pool.node_count:
        return
    marks = sorted({written(taint) for left in kept_off.values() for taint in left})
    message = (
        f"{pool.node_count} nodes, but {named(sorted(kept_off))} have {', '.join(marks)}, which no pod of the plan "
        f"tolerates; name it under cluster.nodePools.{pool.name}.taints, or take it off those nodes"
    )
    yield Problem(path=f"cluster.nodePools.{pool.name}.taints", message=message)


def _controller_problems(plan: StackPlan, seen: Discovery) -> Iterator[Problem]:
    """A cluster of tainted nodes alone: controllers of add-ons tolerate none, unless their values say so."""
    usable = [node for node in seen.nodes if node.usable]
    taints = [untolerated(as_objects(node.taints), ()) for node in usable]
    bare = [one.name for one in addons(plan) if one.release and not any(values_of(one.release.values, "tolerations"))]
    if not usable or not bare or not all(taints):
        return
    marks = sorted({written(taint) for left in taints for taint in left})
    message = (
        f"controllers of {named(bare)} find no node: all {len(usable)} that can be used have taints "
        f"({', '.join(marks)}); take them off one node, add a node without, or give tolerations in their values"
    )
    yield Problem(path="platform.addons", message=message)


def _serves(api: KubernetesApi, api_version: str, kind: str) -> bool:
    from components.kubernetes.api import ApiError

    try:
        api.kind(api_version, kind)
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    return True


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
    if asked and asked.claim and cluster.claimed is None and "PersistentVolume" not in seen.hidden:
        there = "is there, but was not when the plan was made" if asked.claim in seen.claims else "is no bound claim"
        message = f"{asked.claim!r} {there} of this cluster; make it, and run again"
        yield Problem(path="existing.volume.claim", message=message)


def _missing_objects(plan: StackPlan, cluster: ExistingPlan, api: KubernetesApi) -> Iterator[Problem]:
    """Objects that `existing.pods` names and that are not where the pods are."""
    is_slurm = cluster.scheduler == SchedulerKind.SLURM
    namespaces = [NAMESPACE, *([SLURM_NAMESPACE] if is_slurm else ())]
    for pool, pods in cluster.settings.pods.items():
        for key, api_version, kind, name in needed_objects(pods):
            found = (_missing_object(api, api_version, kind, name, space) for space in namespaces)
            if lacking := next((one for one in found if one is not None), None):
                space, stops, why = lacking
                message = f"{kind} {name!r} in the namespace {space} {why}"
                if stops:
                    message += (
                        " (the namespace with the label app.kubernetes.io/managed-by=penstock, so that "
                        f"{plan.stack!r} takes it)"
                    )
                yield Problem(path=f"existing.pods.{pool}.{key}", message=message, stops=stops)


def _missing_object(
    api: KubernetesApi, api_version: str, kind: str, name: str, namespace: str
) -> tuple[str, bool, str] | None:
    """Its namespace, whether it is surely missing, and what is known of it; None where it is there."""
    from components.kubernetes.api import ApiError

    try:
        there = api.get(api_version, kind, name, namespace) is not None
    except ApiError as error:
        if error.status == 403:
            return namespace, False, f"may be missing: these credentials may not look ({error}); see that it is there"
        if error.status != 404:
            raise
        there = False
    return None if there else (namespace, True, "is not there; make it there first")
