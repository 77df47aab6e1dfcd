"""Field rules of Azure alone: what AKS, its nodes and its fabric do that no schema says."""

from collections.abc import Iterator
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, MachinePool, at, every
from rehearsal.field.pods import pods_of, requests
from rehearsal.providers.azure.machines import RDMA, SHARED_RDMA, VirtualMachine, machine
from rehearsal.providers.azure.names import CLUSTER, FEATURE, POOL
from rehearsal.providers.azure.sizes import MACHINES, kind_of_pool, surge

OPERATOR, RUNTIME = "gpu-operator", "nvidia-container-runtime"
FABRIC = "azure-compute-docs, setup-infiniband (2026-09-25); Azure/AKS 1947, 2725"
DRIVERS = "NVIDIA/aicr, aks-gpu-setup (2026-07); Azure/aks-rdma-infiniband 700dabb"


def one_driver(deployment: Deployment) -> Iterator[Finding]:
    """AKS' driver or the GPU operator's: two of them, or none, leave the nodes without a GPU."""
    chart = next((one for one in deployment.charts if one.chart == OPERATOR), None)
    if chart is None:
        return
    own = at(chart.values, "driver.enabled") is not False
    toolkit = at(chart.values, "toolkit.enabled") is not False
    for pool in _accelerated(deployment):
        by_aks = (at(pool.inputs, "gpuProfile.driver") or "Install") == "Install"
        if by_aks and (own or toolkit):
            part = "driver" if own else "container toolkit"
            message = f"AKS and the GPU operator both bring a {part}: set driver.enabled and toolkit.enabled to false"
            yield _found(f"pool {_name(pool)}", message, DRIVERS)
        elif not by_aks and not (own and toolkit):
            message = (
                "nobody brings a driver and its runtime: gpuProfile.driver is None, and the GPU operator's are off"
            )
            yield _found(f"pool {_name(pool)}", message, DRIVERS)
        if by_aks and at(chart.values, "operator.runtimeClass") != RUNTIME:
            message = f"pods find no runtime class nvidia where AKS brings the driver: operator.runtimeClass {RUNTIME}"
            yield _found(f"pool {_name(pool)}", message, DRIVERS)


def toolkit_of_containerd(deployment: Deployment) -> Iterator[Finding]:
    """The toolkit writes a file of version 4 below containerd's of version 2, and every node with GPUs goes."""
    for chart in (one for one in deployment.charts if one.chart == OPERATOR):
        if at(chart.values, "toolkit.enabled") is False:
            continue
        named = {str(one.get("name")) for one in _list(chart.values, "toolkit.env")}
        if "RUNTIME_CONFIG_SOURCE" not in named and any(_accelerated(deployment)):
            message = "toolkit.env has no RUNTIME_CONFIG_SOURCE: the toolkit ends containerd on every node with GPUs"
            yield _found(OPERATOR, message, "NVIDIA/aicr 1688, NVIDIA/gpu-operator 2646")


def fabric_of_pools(deployment: Deployment) -> Iterator[Finding]:
    """InfiniBand is one scale set's, of a feature of the subscription in the right state, in one zone."""
    states = {one.id.rpartition("/")[2]: one.inputs.get("state") for one in deployment.existing if one.token == FEATURE}
    registered = states.get("AKSInfinibandSupport") == "Registered"
    for pool in deployment.of(POOL):
        found = _machine(pool)
        if found is None or not found.infiniband:
            continue
        if kind_of_pool(pool.inputs) == MACHINES:
            message = "a pool of single machines has no InfiniBand, and is what AKS makes of one that names no type"
            yield _found(f"pool {_name(pool)}", message, "Azure/AKS, changelog of 2025-07-20")
        if states and found.wants_feature is not registered:
            wanted = "registered" if found.wants_feature else "not registered"
            message = f"AKSInfinibandSupport is to be {wanted} before: nodes of the pool are on several fabrics"
            yield _found(f"pool {_name(pool)}", message, FABRIC)


def gangs_of_one_pool(deployment: Deployment) -> Iterator[Finding]:
    """A pod that asks for cards where no pool has any waits for ever; whoever asks for both kinds, too."""
    cards = {pool.name for pool in deployment.pools if _has_cards(pool)}
    for body in deployment.objects:
        for pod in pods_of(body):
            asked = [name for name in (RDMA, SHARED_RDMA) if requests(pod.spec).get(name)]
            if asked and not cards:
                message = f"asks for {asked[0]}, and no pool of the cluster has InfiniBand"
                yield _found(pod.subject, message, FABRIC)
            elif len(asked) > 1:
                message = f"asks for {RDMA} and for {SHARED_RDMA}: a node offers one of them"
                yield _found(pod.subject, message, "Azure/aks-rdma-infiniband 700dabb, configs")


def locked_memory(deployment: Deployment) -> Iterator[Finding]:
    """Containers may lock 64 KiB of memory unless they have a capability, and NCCL then goes over the network."""
    for body in deployment.objects:
        for pod in pods_of(body):
            if not any(requests(pod.spec).get(name) for name in (RDMA, SHARED_RDMA)):
                continue
            added = {str(one) for one in every(pod.spec, "containers.securityContext.capabilities.add")}
            privileged = any(every(pod.spec, "containers.securityContext.privileged"))
            if "IPC_LOCK" not in added and not privileged:
                message = "asks for InfiniBand without the capability IPC_LOCK: it registers no memory, and uses TCP"
                yield _found(pod.subject, message, "Azure/aks-rdma-infiniband 700dabb; llm-d, AKS")


def surge_of_fabric(deployment: Deployment) -> Iterator[Finding]:
    """AKS' own way of upgrading starts one more node first: of machines with InfiniBand there is none to be had."""
    for pool in deployment.of(POOL):
        found = _machine(pool)
        if found and found.infiniband and surge(pool.inputs) > 0:
            message = f"an upgrade starts one more {found.name} before it takes one away: maxSurge 0, maxUnavailable 1"
            yield _found(f"pool {_name(pool)}", message, "AKS, upgrade-aks-node-pools-rolling")


def weekly_images(deployment: Deployment) -> Iterator[Finding]:
    """AKS renews every node each week, at any hour, unless it is told otherwise."""
    windows = {at(one.inputs, "configName") for one in deployment.resources if one.token.endswith(":Maintenance"
               "Configuration")}  # fmt: skip
    for cluster in deployment.of(CLUSTER):
        channel = at(cluster.inputs, "autoUpgradeProfile.nodeOSUpgradeChannel") or "NodeImage"
        if channel != "None" and "aksManagedNodeOSUpgradeSchedule" not in windows:
            message = f"node images come by the channel {channel} at any hour, and every node goes with its jobs"
            yield _found(cluster.name, message, "AKS, auto-upgrade-node-os-image")
        if (at(cluster.inputs, "autoUpgradeProfile.upgradeChannel") or "none") != "none":
            message = "the version moves by itself, and each `up` would move it back: upgradeChannel none"
            yield _found(cluster.name, message, "pulumi-azure-native 2094, 2059")


def policies_enforced(deployment: Deployment) -> Iterator[Finding]:
    """Without an engine, network policies do nothing, and it cannot be switched on later."""
    policies = [one for one in deployment.objects if one.get("kind") == "NetworkPolicy"]
    for cluster in deployment.of(CLUSTER):
        if policies and (at(cluster.inputs, "networkProfile.networkPolicy") or "none") == "none":
            message = f"{len(policies)} network policies, and nothing enforces them: networkPolicy cilium"
            yield _found(cluster.name, message, "AKS, azure-cni-powered-by-cilium")


def identity_of_nodes(deployment: Deployment) -> Iterator[Finding]:
    """Rights of an identity that AKS makes with the cluster come after the first image was asked for."""
    for cluster in deployment.of(CLUSTER):
        if not at(cluster.inputs, "identityProfile.kubeletidentity.resourceId"):
            message = "the nodes' identity is made with the cluster: its right to pull counts minutes after their first"
            yield _found(cluster.name, message, "AKS, use-managed-identity")


def _accelerated(deployment: Deployment) -> Iterator[BuiltResource]:
    return (one for one in deployment.of(POOL) if (found := _machine(one)) and found.chips)


def _has_cards(pool: MachinePool) -> bool:
    found = machine(pool.machine_type)
    return bool(found and found.infiniband)


def _machine(pool: BuiltResource) -> VirtualMachine | None:
    return machine(str(at(pool.inputs, "vmSize")))


def _name(pool: BuiltResource) -> str:
    return str(at(pool.inputs, "agentPoolName"))


def _list(values: Any, path: str) -> list[dict[str, Any]]:
    found = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return list(found or ())


def _found(subject: str, message: str, source: str) -> Finding:
    return Finding(rule="azure", subject=subject, message=message, source=source)


RULES = (
    one_driver, toolkit_of_containerd, fabric_of_pools, gangs_of_one_pool, locked_memory, surge_of_fabric,
    weekly_images, policies_enforced, identity_of_nodes,
)  # fmt: skip
