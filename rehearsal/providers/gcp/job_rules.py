"""Field rules of jobs on slices of TPUs, and on machines that come for jobs alone: flex start, queued requests."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, MachinePool, at, every
from rehearsal.field.pods import PodUse, pods_of, templates_of, untolerated, why_elsewhere
from rehearsal.providers.gcp.machines import TPU
from rehearsal.providers.gcp.names import NODE_POOL

EXCLUSIVE, POOL_OF_GKE = "alpha.jobset.sigs.k8s.io/exclusive-topology", "cloud.google.com/gke-nodepool"
OF_SLICES = ("MEGASCALE_COORDINATOR_ADDRESS", "MEGASCALE_NUM_SLICES", "MEGASCALE_SLICE_ID")
LONGEST_HOST_NAME = 63
INJECTOR = "gke-tpu-env-injector, README: indexed Jobs with a subdomain alone"
MULTISLICE = "GKE, Run multi-slice workloads; jax 0.10.2, clusters/cloud_tpu_cluster.py"

QUEUED_TAINT = {"key": "cloud.google.com/gke-queued", "value": "true", "effect": "NoSchedule"}
QUEUED_CLASS, CONTROLLER = "queued-provisioning.gke.io", "kueue.x-k8s.io/provisioning-request"
RUN_S, RUN_NOTE = "maxRunDurationSeconds", "provreq.kueue.x-k8s.io/maxRunDurationSeconds"
LONGEST_RUN_S = 604800
DWS = "GKE, flex-start with queued provisioning; cluster-toolkit, examples of DWS"
LET_GO, RECOVERY = "kueue.x-k8s.io/safe-to-forcefully-delete", "FailureRecoveryPolicy"


def hosts(deployment: Deployment) -> Iterator[Finding]:
    """A job of a JobSet is one slice: as many pods, each told the others by GKE, and of several slices by itself."""
    for body in deployment.objects:
        if body.get("kind") != "JobSet":
            continue
        for part in every(body, "spec.replicatedJobs"):
            for pod in pods_of({**body, "spec": part}):
                sizes = {pool.maximum for pool in _slices_for(deployment, pod) if pool.maximum > 1}
                if _asked(pod.spec) and sizes:
                    yield from _of_one_slice(deployment, body, part, pod, sizes)


def _of_one_slice(
    deployment: Deployment, body: Mapping[str, Any], part: Mapping[str, Any], pod: PodUse, sizes: set[int]
) -> Iterator[Finding]:
    spec, replicas = at(part, "template.spec") or {}, int(part.get("replicas", 1))
    pods, named = int(spec.get("parallelism") or 1), at(body, "spec.network.enableDNSHostnames")
    if spec.get("completionMode") != "Indexed" or named is False or pods < 2:
        message = "its pods get no TPU_WORKER_HOSTNAMES: they are not of an indexed Job of several with host names"
        yield _found(pod.subject, message, INJECTOR)
    if pods not in sizes:
        message = f"{pods} pods in a job, and a slice has {' or '.join(map(str, sorted(sizes)))} hosts: one job a slice"
        yield _found(pod.subject, message, "GKE, About TPUs: a slice is atomic; cluster-toolkit, tpu-multislice.yaml")
    told = set(every(pod.spec, "containers.env.name"))
    if replicas > 1 and not set(OF_SLICES) <= told:
        missing = ", ".join(sorted(set(OF_SLICES) - told))
        yield _found(pod.subject, f"its {replicas} slices never meet: nobody sets {missing}", MULTISLICE)
    alike = [pool for pool in _slices_for(deployment, pod) if pool.maximum > 1]
    if len(alike) > 1 and (at(body, "metadata.annotations") or {}).get(EXCLUSIVE) != POOL_OF_GKE:
        message = f"pods of it may stand on two slices: no annotation {EXCLUSIVE}: {POOL_OF_GKE}"
        yield _found(pod.subject, message, "kubernetes-sigs/jobset 1057, 682")
    name = f"{at(body, 'metadata.name')}-{part.get('name')}-{replicas - 1}-{pods - 1}"
    if len(name) > LONGEST_HOST_NAME:
        message = f"the host name {name} has {len(name)} characters of {LONGEST_HOST_NAME}: nobody finds it"
        yield _found(pod.subject, message, "RFC 1123; JobSet, names of pods")


def queued(deployment: Deployment) -> Iterator[Finding]:
    """Nodes of a queued pool come for a request that Kueue makes when it lets a job in, and for no other pod."""
    pools = {
        str(at(one.inputs, "name")) for one in deployment.of(NODE_POOL) if at(one.inputs, "queuedProvisioning.enabled")
    }
    for pool in deployment.pools:
        if pool.name in pools:
            yield from _without_a_request(deployment, pool)
            yield from _jobs_of(deployment, pool)


def _without_a_request(deployment: Deployment, pool: MachinePool) -> Iterator[Finding]:
    flavors = [
        body for body in deployment.objects
        if body.get("kind") == "ResourceFlavor" and _is_of(pool, at(body, "spec.nodeLabels") or {})
    ]  # fmt: skip
    if not flavors:
        yield _found(f"pool {pool.name}", "is queued for, and no ResourceFlavor leads to it: nothing comes", DWS)
    for flavor in flavors:
        name = str(at(flavor, "metadata.name"))
        if untolerated((QUEUED_TAINT,), tuple(every(flavor, "spec.tolerations"))):
            message = f"does not tolerate {QUEUED_TAINT['key']}, which GKE puts on every queued node"
            yield _found(f"ResourceFlavor {name}", message, "cluster-toolkit 5218 (2026-02)")
        for queue in (body for body in deployment.objects if body.get("kind") == "ClusterQueue"):
            if name in every(queue, "spec.resourceGroups.flavors.name"):
                yield from _checks_of(deployment, queue, name)


def _checks_of(deployment: Deployment, queue: Mapping[str, Any], flavor: str) -> Iterator[Finding]:
    """The check of the flavor, and the request that it makes."""
    rules = [
        rule for rule in every(queue, "spec.admissionChecksStrategy.admissionChecks")
        if not rule.get("onFlavors") or flavor in rule["onFlavors"]
    ]  # fmt: skip
    checks = {
        str(at(body, "metadata.name")): body for body in deployment.objects if body.get("kind") == "AdmissionCheck"
    }
    found = [checks[rule["name"]] for rule in rules if rule["name"] in checks]
    ours = [one for one in found if at(one, "spec.controllerName") == CONTROLLER]
    subject = f"ClusterQueue {at(queue, 'metadata.name')}"
    if not ours:
        message = f"lets jobs in on {flavor} without a ProvisioningRequest: their pods wait, and no node ever comes"
        yield _found(subject, message, DWS)
    for check in ours:
        wanted = str(at(check, "spec.parameters.name"))
        configs = [
            body for body in deployment.objects
            if body.get("kind") == "ProvisioningRequestConfig" and at(body, "metadata.name") == wanted
        ]  # fmt: skip
        if not configs or at(configs[0], "spec.provisioningClassName") != QUEUED_CLASS:
            yield _found(subject, f"the check of {flavor} asks for no request of the class {QUEUED_CLASS}", DWS)


def _jobs_of(deployment: Deployment, pool: MachinePool) -> Iterator[Finding]:
    """Jobs that have nowhere else to go."""
    for body in deployment.objects:
        pods = [
            pod for pod in pods_of(body)
            if not why_elsewhere(pool, pod.spec) and _is_only_home(deployment, pool, pod.spec)
        ]  # fmt: skip
        if not pods or body.get("kind") in ("DaemonSet", "TrainingRuntime"):
            continue
        labels, notes = at(body, "metadata.labels") or {}, at(body, "metadata.annotations") or {}
        subject = pods[0].subject
        if not labels.get("kueue.x-k8s.io/queue-name"):
            yield _found(subject, f"is in no queue, and nodes of {pool.name} come for jobs of queues alone", DWS)
        configs = [body for body in deployment.objects if body.get("kind") == "ProvisioningRequestConfig"]
        said = [notes.get(RUN_NOTE), *(at(one, f"spec.parameters.{RUN_S}") for one in configs)]
        longest = max((int(one) for one in said if one), default=0)
        if not 0 < longest <= LONGEST_RUN_S:
            message = f"nobody says for how long it has its machines ({RUN_NOTE}), which are seven days at most"
            yield _found(subject, message, DWS)
        merged = all(at(one, "spec.podSetMergePolicy") for one in configs)
        if len(pods) > 1 and not merged:
            message = "has several sets of pods, and a queued request takes one: it is denied for ever"
            yield _found(subject, message, "ray-project/ray 57839 (2025-10); kubernetes-sigs/kueue 5266")
        counts = (
            int(part.get("replicas", 1)) * int(at(part, "template.spec.parallelism") or 1)
            for part in every(body, "spec.replicatedJobs")
        )
        if (asked := sum(counts)) > pool.maximum:
            message = f"asks for {asked} nodes, and {pool.name} grows to {pool.maximum}: 'max nodepool size reached'"
            yield _found(subject, message, "kubernetes-sigs/kueue 5129, 6323")


def dead_nodes(deployment: Deployment) -> Iterator[Finding]:
    """A node that dies where GKE repairs none stays, and its pods with it: a job that waits for their end waits for
    ever, unless somebody calls them failed.
    """
    flexible = {
        str(at(one.inputs, "name"))
        for one in deployment.of(NODE_POOL)
        if at(one.inputs, "management.autoRepair") is False
    }
    pools = [pool for pool in deployment.pools if pool.name in flexible]
    gates = [
        at(gate, "enabled")
        for chart in deployment.charts
        if chart.chart == "kueue"
        for gate in every(chart.values, "controllerManager.featureGates")
        if at(gate, "name") == RECOVERY
    ]
    for body in deployment.objects:
        for template in templates_of(body.get("spec")):
            pod, held = (
                template["spec"],
                "Failed" in every(body, "spec.replicatedJobs.template.spec.podReplacementPolicy"),
            )
            if not held or not any(not why_elsewhere(pool, pod) and _chips_of(pool, pod) for pool in pools):
                continue
            notes = at(template, "metadata.annotations") or {}
            if str(notes.get(LET_GO)) != "true" or True not in gates:
                message = f"waits for ever when a node dies, which nobody repairs: {LET_GO} and Kueue's {RECOVERY}"
                subject = next((one.subject for one in pods_of(body)), str(body.get("kind")))
                yield _found(
                    subject, message, "google/skills, gke-ai-troubleshooting (2026-10); Kueue, failure recovery"
                )


def _chips_of(pool: MachinePool, pod: Mapping[str, Any]) -> bool:
    """True if the pod asks for accelerators that the pool has: others are the chart's that may stand anywhere."""
    asked = {name for limits in every(pod, "containers.resources.limits") for name in limits}
    return bool(asked & set(pool.devices))


def _asked(spec: Mapping[str, Any]) -> int:
    limits = every(spec, "containers.resources.limits")
    return sum(int(float(str(one))) for limit in limits for one in every(limit, TPU))


def _slices_for(deployment: Deployment, pod: PodUse) -> list[MachinePool]:
    return [pool for pool in deployment.pools if TPU in pool.devices and not why_elsewhere(pool, pod.spec)]


def _is_only_home(deployment: Deployment, pool: MachinePool, spec: Mapping[str, Any]) -> bool:
    others = (one for one in deployment.pools if one is not pool)
    return _chips_of(pool, spec) and all(why_elsewhere(one, spec) or not _chips_of(one, spec) for one in others)


def _is_of(pool: MachinePool, labels: Mapping[str, Any]) -> bool:
    return bool(labels) and all(pool.labels.get(key) == str(want) for key, want in labels.items())


def _found(subject: str, message: str, source: str) -> Finding:
    return Finding(rule="gcp", subject=subject, message=message, source=source)


RULES = (hosts, queued, dead_nodes)
