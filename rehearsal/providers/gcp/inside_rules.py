"""Field rules of what a stack puts into a cluster of GKE: what GKE admits, owns, or routes in its own way."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, at, every
from rehearsal.field.landing import has_accelerators
from rehearsal.field.pods import pods_of, requests, why_elsewhere
from rehearsal.providers.gcp.machines import HYPERDISK, TPU, machine
from rehearsal.providers.gcp.names import CLUSTER
from rehearsal.providers.gcp.node_marks import memory_rows

CRITICAL = ("system-node-critical", "system-cluster-critical")
CRITICAL_CHARTS = {
    "gpu-operator": "gpu-operator", "nvidia-dra-driver-gpu": "nvidia-dra-driver-gpu", "volcano": "volcano-system",
    "dcgm-exporter": "monitoring",
}  # fmt: skip
"""Charts whose pods have a critical priority by default, and the namespace that they usually stand in."""
QUOTA = "GKE: insufficient quota to match these scopes (NVIDIA/aicr 915, NVIDIA/gpu-operator 660, volcano 2379)"
RESOLVERS = ("169.254.169.254/32", "169.254.20.10/32")
METADATA_PORTS = (80, 988)
CLOUDS_OWN = {
    "gpu-operator": "GKE brings driver, toolkit and device plugin; the operator finds no driver for COS "
    "(NVIDIA/gpu-operator 1623)",
    "nvidia-device-plugin": "two device plugins offer nvidia.com/gpu on one node (NVIDIA/aicr 1998)",
    "cluster-autoscaler": "GKE has its own autoscaler (GKE, About cluster autoscaling)",
    "karpenter": "GKE has its own autoscaler (GKE, About cluster autoscaling)",
    "metrics-server": "GKE brings metrics-server, and reconciles its own (GKE, metrics-server)",
}
KUEUES_PREFIX = "networking.gke.io"
PLAIN_CLASSES = ("standard-rwo", "standard", "premium-rwo")


def owned_by_gke(deployment: Deployment) -> Iterator[Finding]:
    """Charts for what GKE itself runs."""
    for chart in deployment.charts:
        if why := CLOUDS_OWN.get(chart.chart):
            yield _found(chart.chart, f"installs what GKE owns: {why}", "GKE, Cluster add-ons")
        if chart.chart == "dcgm-exporter" and _has_component(deployment, "DCGM"):
            message = "GKE's own DCGM is on: two of them take each other's profiling counters"
            yield _found(chart.chart, message, "GKE, Collect and view DCGM metrics")
        if chart.chart in ("gateway-helm", "envoy-gateway", "gateway-crds-helm") and _gateways_are_gkes(deployment):
            message = "GKE keeps its own versions of the Gateway definitions: set gatewayApiConfig CHANNEL_DISABLED"
            yield _found(chart.chart, message, "envoyproxy/gateway 2301, 9004")


def _has_component(deployment: Deployment, name: str) -> bool:
    return any(name in every(one.inputs, "monitoringConfig.enableComponents") for one in deployment.of(CLUSTER))


def _gateways_are_gkes(deployment: Deployment) -> bool:
    channels = [at(one.inputs, "gatewayApiConfig.channel") for one in deployment.of(CLUSTER)]
    return any(channel not in (None, "CHANNEL_DISABLED") for channel in channels)


def critical_pods(deployment: Deployment) -> Iterator[Finding]:
    """Pods of a critical priority are admitted outside kube-system only where a ResourceQuota allows for them."""
    allowed = {
        str(at(body, "metadata.namespace"))
        for body in deployment.objects
        if body.get("kind") == "ResourceQuota"
        and set(CRITICAL) & set(every(body, "spec.scopeSelector.matchExpressions.values"))
    }
    for body in deployment.objects:
        space = str(at(body, "metadata.namespace") or "default")
        critical = [pod for pod in pods_of(body) if pod.spec.get("priorityClassName") in CRITICAL]
        if critical and space != "kube-system" and space not in allowed:
            yield _found(f"{body.get('kind')} {at(body, 'metadata.name')}", _no_quota(space), QUOTA)
    for resource in deployment.of("kubernetes:helm.sh/v3:Release"):
        chart = str(resource.inputs.get("chart", "")).rpartition("/")[2]
        space = str(resource.inputs.get("namespace") or CRITICAL_CHARTS.get(chart, ""))
        if chart in CRITICAL_CHARTS and space != "kube-system" and space not in allowed:
            yield _found(chart, _no_quota(space), QUOTA)


def _no_quota(space: str) -> str:
    return f"its critical pods are refused in {space}: no ResourceQuota there allows for the priority classes"


def walls(deployment: Deployment) -> Iterator[Finding]:
    """Network policies are always enforced. One on what goes out must let pods ask for names, and for metadata, whose
    port is rewritten before a policy sees it.
    """
    for body in deployment.objects:
        if body.get("kind") != "NetworkPolicy" or "Egress" not in every(body, "spec.policyTypes"):
            continue
        rules = list(every(body, "spec.egress"))
        ranges = [str(one) for one in every(rules, "to.ipBlock.cidr")]
        ports = {int(one) for one in every(rules, "ports.port") if str(one).isdigit()}
        everything = any(not at(rule, "to") for rule in rules) or "0.0.0.0/0" in ranges
        name = f"NetworkPolicy {at(body, 'metadata.name')}"
        if not everything and not set(RESOLVERS) <= set(ranges):
            message = f"lets no pod ask {' or '.join(RESOLVERS)} for a name: with Cloud DNS these are the resolvers"
            yield _found(name, message, "GKE, Using Cloud DNS for GKE; NodeLocal DNSCache")
        if ports and not set(METADATA_PORTS) <= ports:
            message = "lets no pod reach the metadata server: its port 80 is 988 of the node before a policy sees it"
            yield _found(
                name, message, "kubernetes-sigs/agent-sandbox 815; GKE, Workload Identity and network policies"
            )


def queues(deployment: Deployment) -> Iterator[Finding]:
    """Kueue admits no pod that asks for what its queue does not cover; GKE adds the networks of a pod's annotation."""
    covered = {
        str(name)
        for body in deployment.objects
        if body.get("kind") == "ClusterQueue"
        for name in every(body, "spec.resourceGroups.coveredResources")
    }
    asking = [body for body in deployment.objects if "networking.gke.io/interfaces" in str(body)]
    for chart in deployment.charts:
        text = str(at(chart.values, "managerConfig.controllerManagerConfigYaml") or "")
        if chart.chart == "kueue" and asking and covered and KUEUES_PREFIX not in text:
            message = f"jobs that name networks ask for {KUEUES_PREFIX}.networks/…: no queue covers or excludes that"
            yield _found("kueue", message, "llm-d/llm-d 1730 (2026-06-09); Kueue, resources.excludeResourcePrefixes")
    for body in deployment.objects:
        if body.get("kind") == "ResourceFlavor" and at(body, "spec.topologyName"):
            labels: Mapping[str, Any] = at(body, "spec.nodeLabels") or {}
            for pool in deployment.pools:
                if (
                    TPU in pool.devices
                    and labels
                    and all(pool.labels.get(key) == str(want) for key, want in labels.items())
                ):
                    message = "a flavor of TPUs with a topology: no TPU node has labels of the network's layers"
                    yield _found(
                        f"ResourceFlavor {at(body, 'metadata.name')}", message, "XPK, is_TPU: never topology-aware"
                    )


def disks(deployment: Deployment) -> Iterator[Finding]:
    """The default class is of a disk that new machines cannot attach: their pods wait for ever."""
    claims = {
        str(at(body, "metadata.name"))
        for body in deployment.objects
        if body.get("kind") == "PersistentVolumeClaim" and at(body, "spec.storageClassName") in (None, *PLAIN_CLASSES)
    }
    for body in deployment.objects:
        for pod in pods_of(body):
            named = set(every(pod.spec, "volumes.persistentVolumeClaim.claimName")) & claims
            homes = [pool for pool in deployment.pools if not why_elsewhere(pool, pod.spec)]
            only = [found for pool in homes if (found := machine(pool.machine_type)) and found.disks == HYPERDISK]
            if named and homes and len(only) == len(homes):
                message = f"its disk {', '.join(sorted(named))} is of pd-balanced, which {only[0].name} cannot attach"
                yield _found(pod.subject, message, "NVIDIA/aicr 2338 (2026-08); GKE, About Hyperdisk")


def slices(deployment: Deployment) -> Iterator[Finding]:
    """GKE tells hosts of a slice their names only in indexed Jobs with a subdomain; each host takes all chips."""
    for body in deployment.objects:
        for pod in pods_of(body):
            asked = [
                int(float(str(one)))
                for one in every(pod.spec, "containers.resources.limits")
                for one in every(one, TPU)
            ]
            if not asked:
                continue
            homes = [pool for pool in deployment.pools if TPU in pool.devices and not why_elsewhere(pool, pod.spec)]
            chips = {pool.devices[TPU] for pool in homes}
            if chips and sum(asked) not in chips:
                message = f"asks {sum(asked)} chips of nodes that have {max(chips)}: a host of a slice is taken whole"
                yield _found(pod.subject, message, "GKE, Deploy TPU workloads in GKE Standard")
            if any(pool.maximum > 1 for pool in homes) and body.get("kind") not in (
                "JobSet",
                "TrainJob",
                "LeaderWorkerSet",
                "RayJob",
                "RayCluster",
            ):
                message = f"a {body.get('kind')} on slices of several hosts gets no TPU_WORKER_HOSTNAMES: a JobSet does"
                yield _found(pod.subject, message, "gke-tpu-env-injector, README: indexed Jobs with a subdomain alone")


def services(deployment: Deployment) -> Iterator[Finding]:
    """A Service of type LoadBalancer faces the internet unless an annotation says otherwise."""
    for body in deployment.objects:
        if body.get("kind") == "Service" and at(body, "spec.type") == "LoadBalancer":
            notes: Mapping[str, Any] = at(body, "metadata.annotations") or {}
            inside = notes.get("networking.gke.io/load-balancer-type") == "Internal"
            if not inside and not at(body, "spec.loadBalancerSourceRanges"):
                message = "faces everybody: networking.gke.io/load-balancer-type: Internal, or loadBalancerSourceRanges"
                yield _found(f"Service {at(body, 'metadata.name')}", message, "GKE, About LoadBalancer Services")


def memory(deployment: Deployment) -> Iterator[Finding]:
    """A pod of a whole node leaves what GKE's own daemons ask, of which the stack knows nothing."""
    for body in deployment.objects:
        for pod in pods_of(body):
            asked_gib = float(requests(pod.spec).get("memory", 0)) / 2**30
            for home in deployment.pools:
                row = memory_rows().get(home.machine_type)
                if row and asked_gib > row[1] and has_accelerators(home) and not why_elsewhere(home, pod.spec):
                    message = f"asks {asked_gib:.0f} GiB of {home.machine_type}, of which {row[1]:g} at most are sure"
                    yield _found(
                        pod.subject, message, "kubernetes/autoscaler, gce/os_reserved.go; 2i2c-org/infrastructure 2121"
                    )


def libraries(deployment: Deployment) -> Iterator[Finding]:
    """GKE puts driver and tools into /usr/local/nvidia of each pod with GPUs, and no runtime class is there."""
    if not any(has_accelerators(pool) for pool in deployment.pools):
        return
    for body in deployment.objects:
        for pod in pods_of(body):
            if pod.spec.get("runtimeClassName") == "nvidia":
                message = "names the runtime class nvidia, which GKE does not have: it is refused"
                yield _found(pod.subject, message, "GKE, Run GPUs in Standard node pools; rapidsai/deployment 698")


def _found(subject: str, message: str, source: str) -> Finding:
    return Finding(rule="gcp", subject=subject, message=message, source=source)


RULES = (owned_by_gke, critical_pods, walls, queues, disks, slices, services, memory, libraries)
