"""Queues as Kueue has them: quotas of each pool, out of reach until the acceptance gate has passed."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from components.errors import Problem, SpecError
from components.kubernetes.devices import TPU
from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, KubernetesFacts, Manifest, QueuePlan, SchedulerPlan
from components.plan.part import Decision
from components.pods.bind import tolerations
from components.schedulers.kueue.topology import levels, topologies, topology_name
from components.schedulers.quantities import covered, node_resources, times
from components.schedulers.queues import plan_queues, refuse_forbidden
from components.schedulers.topology import domains
from components.spec.scheduler import Priority, QueueSpec, SchedulerKind, SchedulerSpec

API = "kueue.x-k8s.io/v1beta2"
COHORT = NAMESPACE
PRIORITIES = {Priority.LOW: 100, Priority.NORMAL: 1000, Priority.HIGH: 10_000}


def admitted(
    kind: SchedulerKind, *addons: str
) -> Callable[[SchedulerSpec, Sequence[NodePoolPlan], KubernetesFacts | None], SchedulerPlan]:
    """Planner of a scheduler whose jobs Kueue admits: the same queues, whatever makes the jobs' pods."""

    def planned(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
        refuse_forbidden(kind, addons, facts)
        _refuse_too_much(spec.queues, pools)
        queues = plan_queues(spec, pools)
        objects = (
            *topologies(pools),
            *(_flavor(pool) for pool in pools),
            *(thing for pool in pools for thing in _provisioned(pool)),
            *([_object("Cohort", COHORT, spec={})] if len(queues) > 1 else []),
            *(_cluster_queue(queue, pools, len(queues) > 1) for queue in queues),
            *(_priority_class(priority, value) for priority, value in PRIORITIES.items()),
        )
        return SchedulerPlan(
            kind=kind,
            addons=addons,
            queues=queues,
            objects=objects,
            opening=tuple(_local_queue(queue) for queue in queues),
            decisions=tuple(map(_placed, pools)),
            warnings=tuple(_warnings(pools)),
        )

    return planned


def scoped(name: str) -> str:
    """The name of a cluster-wide object that belongs to penstock."""
    return f"{NAMESPACE}-{name}"


def _object(kind: str, name: str, **fields: Any) -> Manifest:
    metadata = {"name": name, "labels": dict(OWN_LABELS)}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, **fields}


def flavor_name(pool: NodePoolPlan) -> str:
    """Another where the flavor is another, if it has a topology: its labels, tolerations and topology cannot change
    then (rules of Kueue's definition, v1beta2).

    The queues move to the new flavor before the old one goes, which Kueue holds until then. What runs goes on.
    """
    spec = _flavor_spec(pool)
    if "topologyName" not in spec:
        return scoped(pool.name)
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
    return f"{scoped(pool.name)}-{digest[:8]}"


def _flavor(pool: NodePoolPlan) -> Manifest:
    return _object("ResourceFlavor", flavor_name(pool), spec=_flavor_spec(pool))


def _flavor_spec(pool: NodePoolPlan) -> dict[str, Any]:
    """Without an empty list of tolerations: Kueue drops it as it takes its finalizer off, and its own definition then
    refuses that as a change of what cannot change (0.18.3), so the flavor would never go."""
    spec: dict[str, Any] = {"nodeLabels": dict(pool.binding.node_selector)}
    if pool.binding.tolerations:
        spec["tolerations"] = tolerations(pool.binding.tolerations)
    if levels(pool):
        spec["topologyName"] = topology_name(levels(pool))
    return spec


def _provisioned(pool: NodePoolPlan) -> Iterable[Manifest]:
    """The check that lets a job in when its nodes have come, and the request by which Kueue asks for them.

    Quota alone lets in a job for which there is no node, and a request that is refused ends after three tries by
    default (Kueue, ProvisioningRequestConfig): a shortage is no reason to give a job up, and lasts for days.
    """
    found = pool.provisioning
    if found is None:
        return
    config = {
        "provisioningClassName": found.class_name,
        "parameters": dict(found.parameters),
        "managedResources": list(pool.binding.devices),
        "podSetMergePolicy": "IdenticalWorkloadSchedulingRequirements",
        "retryStrategy": {"backoffLimitCount": 1000, "backoffBaseSeconds": 60, "backoffMaxSeconds": 1800},
    }
    yield _object("ProvisioningRequestConfig", scoped(pool.name), spec=config)
    reference = {"apiGroup": "kueue.x-k8s.io", "kind": "ProvisioningRequestConfig", "name": scoped(pool.name)}
    check = {"controllerName": "kueue.x-k8s.io/provisioning-request", "parameters": reference}
    yield _object("AdmissionCheck", scoped(pool.name), spec=check)


def _cluster_queue(queue: QueuePlan, pools: Sequence[NodePoolPlan], has_cohort: bool) -> Manifest:
    resources = covered(pools)
    spec: dict[str, Any] = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        "queueingStrategy": "BestEffortFIFO",
        "preemption": {
            "reclaimWithinCohort": "Any" if has_cohort else "Never",
            "withinClusterQueue": "LowerPriority",
        },
        "fairSharing": {"weight": str(queue.weight)},
        "resourceGroups": [
            {
                "coveredResources": resources,
                "flavors": [_quota(queue, pool, resources, has_cohort) for pool in pools],
            }
        ],
    }
    if checked := [pool for pool in pools if pool.provisioning]:
        checks = [{"name": scoped(pool.name), "onFlavors": [flavor_name(pool)]} for pool in checked]
        spec["admissionChecksStrategy"] = {"admissionChecks": checks}
    if has_cohort:
        spec["cohortName"] = COHORT
    return _object("ClusterQueue", scoped(queue.name), spec=spec)


def _quota(queue: QueuePlan, pool: NodePoolPlan, covering: Sequence[str], has_cohort: bool) -> dict[str, Any]:
    node = node_resources(pool)
    limit = {"borrowingLimit": "0"} if has_cohort and not queue.may_borrow else {}
    nodes = queue.nodes[pool.name]
    resources = [
        {"name": resource, "nominalQuota": times(node.get(resource, "0"), nodes), **limit} for resource in covering
    ]
    return {"name": flavor_name(pool), "resources": resources}


def _priority_class(priority: Priority, value: int) -> Manifest:
    description = f"{priority} priority of penstock's jobs"
    return _object("WorkloadPriorityClass", scoped(priority), value=value, description=description)


def _local_queue(queue: QueuePlan) -> Manifest:
    """The way in for jobs: made once the gate has passed."""
    metadata = {"name": queue.name, "namespace": NAMESPACE, "labels": dict(OWN_LABELS)}
    return {
        "apiVersion": API,
        "kind": "LocalQueue",
        "metadata": metadata,
        "spec": {"clusterQueue": scoped(queue.name)},
    }


def _placed(pool: NodePoolPlan) -> Decision:
    """Levels by which Kueue places on the pool, and the reason."""
    found, path = levels(pool), f"scheduler.topology.{pool.name}"
    if not found:
        reason = "Kueue counts only nodes that are there, and this pool's come and go"
        if TPU in pool.binding.devices:
            reason = "a slice of TPUs is one node pool, which a JobSet has for itself"
        return Decision(path=path, value="none", reason=reason)
    reason = "labels that each of its nodes has" if domains(pool) else "its nodes have no labels of wider domains"
    return Decision(path=path, value=" > ".join(key.rpartition("/")[2] for key in found), reason=reason)


def _warnings(pools: Sequence[NodePoolPlan]) -> Iterable[str]:
    for pool in pools:
        if pool.desired_now == 0 and levels(pool):
            yield (
                f"cluster.nodePools.{pool.name}: has no nodes yet. Its jobs wait in their queue, and Kueue starts each"
                " as soon as all of its nodes are Ready with their devices; the acceptance gate has not looked at them "
                "then: run `pulumi up` when they are there and idle"
            )


def _refuse_too_much(queues: Sequence[QueueSpec], pools: Sequence[NodePoolPlan]) -> None:
    """Limits of Kueue's own definitions (v1beta2): 64 flavors and 64 resources in a queue, 8 labels on a flavor."""
    problems = []
    if len(pools) > 64:
        problems.append(Problem(path="cluster.nodePools", message=f"{len(pools)} pools; a Kueue queue takes 64"))
    problems += [
        Problem(path=f"cluster.nodePools.{pool.name}", message=f"{len(found)} tolerations; a Kueue flavor takes 8")
        for pool in pools
        if len(found := pool.binding.tolerations) > 8
    ]
    if problems:
        raise SpecError(problems)


plan = admitted(SchedulerKind.KUEUE, "jobset", "kueue")
