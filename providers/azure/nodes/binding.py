"""Labels and taints of nodes, and the requests by which a pod gets there and reaches accelerators and fabric."""

from collections.abc import Mapping

from components.fabric import Collective, Fabric
from components.images import Architecture
from components.kubernetes.devices import CLIQUE_LABEL, NVIDIA, SHARED_INFINIBAND
from components.labels import CAPACITY_LABEL, DOMAIN, POOL_LABEL
from components.plan.cluster import HostPath, PodBinding, Taint
from components.spec.cluster import NodePoolSpec, TaintEffect
from providers.azure.catalog import AzureMachine
from providers.azure.types import AzureOnDemand, AzureReserved, AzureSpot, Capacity, DriverSource

DRIVER_LABEL = f"{DOMAIN}/gpu-driver"
"""On nodes with accelerators: nothing else in the cluster tells who installs the driver (NVIDIA/aicr, 2026-07)."""
SPOT = Taint(key="kubernetes.azure.com/scalesetpriority", value="spot", effect=TaintEffect.NO_SCHEDULE)
"""AKS's own, on every node of a spot pool."""

TOPOLOGY_ON_NODE, TOPOLOGY_IN_POD = "/var/lib/penstock/nccl", "/opt/penstock/nccl"
"""Folder with NCCL's description of the node's PCI switches, and where pods see it."""
_KEPT = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""On pods of a pool with a range: AKS's autoscaler goes by requests of processors and memory, of which a pod with all
GPUs may have few, and would take its node (AKS, "Cluster autoscaler", 2026-08)."""
_HOPPER_ENV = {
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    "NCCL_IB_PCI_RELAXED_ORDERING": "1",
    "NCCL_IB_QPS_PER_CONNECTION": "4",
    "NCCL_IGNORE_CPU_AFFINITY": "1",
    "NCCL_P2P_NET_CHUNKSIZE": "524288",
    "NCCL_PXN_DISABLE": "1",
    "NCCL_MIN_NCHANNELS": "32",
    "NCCL_NET_GDR_LEVEL": "SYS",
    "NCCL_DMABUF_ENABLE": "1",
}
_BLACKWELL_ENV = {
    "NCCL_MNNVL_ENABLE": "1",
    "NCCL_NVLS_ENABLE": "1",
    "NCCL_SHM_DISABLE": "1",
    "NCCL_DMABUF_ENABLE": "1",
    "NCCL_IB_SL": "1",
    "NCCL_NET_GDR_LEVEL": "PHB",
    "NCCL_NET_GDR_C2C": "1",
}
"""Azure/ai-infrastructure-on-azure a01b073 (2026-04-22), hopper.conf and graceblackwell.conf; Azure/aks-rdma-infiniband
700dabb (2026-07-16). GPUs hand memory to the cards by DMA-BUF: the peer memory module of AKS's image does not load
(NVIDIA/aicr 1688, 2026-07)."""


def collective(machine: AzureMachine) -> Collective:
    return Collective.NCCL if machine.accelerator else Collective.GLOO


def capacity_word(capacity: Capacity) -> str:
    match capacity:
        case AzureOnDemand():
            return "on-demand"
        case AzureSpot():
            return "spot"
        case AzureReserved():
            return "reservation"


def labels(pool: NodePoolSpec, capacity: Capacity, driver: DriverSource | None) -> Mapping[str, str]:
    """Of the nodes, beside those that AKS sets."""
    own = {DRIVER_LABEL: driver.value} if driver else {}
    return {**pool.labels, POOL_LABEL: pool.name, CAPACITY_LABEL: capacity_word(capacity), **own}


def taints(pool: NodePoolSpec, machine: AzureMachine, capacity: Capacity) -> tuple[Taint, ...]:
    """Of the nodes: the user's, the accelerator's, which AKS does not set, and that of spot, which it does."""
    own = [Taint(key=one.key, value=one.value, effect=one.effect) for one in pool.taints]
    if machine.accelerator is not None:
        own.append(Taint(key=NVIDIA, value="present", effect=TaintEffect.NO_SCHEDULE))
    if isinstance(capacity, AzureSpot):
        own.append(SPOT)
    if machine.architecture is Architecture.ARM64:
        own.append(Taint(key="kubernetes.io/arch", value="arm64", effect=TaintEffect.NO_SCHEDULE))
    return tuple(dict.fromkeys(own))


def binding(pool: NodePoolSpec, machine: AzureMachine, fabric: Fabric, capacity: Capacity) -> PodBinding:
    """Requirements of a pod that is to reach the pool's accelerators and fabric; mounts are the storage's to add.

    The pool is one scale set and so one partition: below it no label tells how close two nodes are.
    """
    wired = fabric is Fabric.RDMA
    described = wired and bool(machine.topology)
    return PodBinding(
        devices=_devices(machine, wired=wired),
        env=_env(machine, fabric),
        node_selector={POOL_LABEL: pool.name},
        tolerations=taints(pool, machine, capacity),
        topology_keys=(CLIQUE_LABEL,) if machine.compute_domain else (),
        annotations=_KEPT if pool.least != pool.most else {},
        host_paths=(HostPath(path=TOPOLOGY_ON_NODE, mount_path=TOPOLOGY_IN_POD, kind="Directory"),)
        if described
        else (),
        capabilities=("IPC_LOCK",) if wired else (),
    )


def _devices(machine: AzureMachine, *, wired: bool) -> Mapping[str, int]:
    if machine.accelerator is None:
        return {}
    return {NVIDIA: machine.accelerator_count, **({SHARED_INFINIBAND: 1} if wired else {})}


def _env(machine: AzureMachine, fabric: Fabric) -> Mapping[str, str]:
    found: dict[str, str] = {}
    if fabric is Fabric.RDMA:
        found |= _BLACKWELL_ENV if machine.compute_domain else _HOPPER_ENV
        if machine.topology:
            found["NCCL_TOPO_FILE"] = f"{TOPOLOGY_IN_POD}/{machine.topology}.xml"
    if fabric is not Fabric.HOST:
        found |= collective(machine).rendezvous_over("eth0")
    return found
