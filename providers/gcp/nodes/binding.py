"""Labels and taints of nodes, and the requests by which a pod gets there and reaches accelerators and fabric."""

import json
from collections.abc import Mapping, Sequence

from components.fabric import Collective, Fabric
from components.kubernetes.devices import CLIQUE_LABEL, NVIDIA, TPU
from components.labels import CAPACITY_LABEL, POOL_LABEL
from components.plan.cluster import HostPath, NodeSlices, PodBinding, ProvisioningPlan, ResourceClaim, Taint
from components.spec.cluster import NodePoolSpec, TaintEffect
from providers.gcp.catalog import GcpMachine, InstructionSet
from providers.gcp.tpu import TpuSlice
from providers.gcp.types import (
    Capacity,
    FabricVpc,
    GcpCalendar,
    GcpFlex,
    GcpOnDemand,
    GcpReserved,
    GcpSpot,
)

_ACCELERATOR_LABEL, _TPU_LABEL = "cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator"
_TPU_TOPOLOGY_LABEL = "cloud.google.com/gke-tpu-topology"
_LAYERS = ("block", "subblock", "host")
_LAYER = "cloud.google.com/gce-topology-{}"
"""From the widest; all three or none (Cluster Toolkit, gke-a4; GKE, "Schedule GKE workloads with Topology Aware
Scheduling")."""
DRANET_LABEL = "cloud.google.com/gke-networking-dra-driver"

_NODE_NVIDIA, _POD_NVIDIA = "/home/kubernetes/bin/nvidia", "/usr/local/nvidia"
_NODE_GIB, _POD_GIB = "/home/kubernetes/bin/gib", "/usr/local/gib"
"""GKE's driver and Google's NCCL plugin on Container-Optimized OS, and where its images look for them
(container-engine-accelerators, gpudirect-rdma/nccl-test.yaml)."""
_GIB_ENV = {
    "NCCL_NET": "gIB",
    "NCCL_CROSS_NIC": "0",
    "NCCL_NET_GDR_LEVEL": "PIX",
    "NCCL_P2P_NET_CHUNKSIZE": "131072",
    "NCCL_NVLS_CHUNKSIZE": "524288",
    "NCCL_IB_ADAPTIVE_ROUTING": "1",
    "NCCL_IB_QPS_PER_CONNECTION": "4",
    "NCCL_IB_TC": "52",
    "NCCL_IB_FIFO_TC": "84",
}
"""Settings that the plugin's own script sets (set_nccl_env.sh of nccl-plugin-gib v1.1.1), which a pod with a command of
its own does not run. They are those of the version that providers/gcp/inside/gib.py installs."""
_FIRST_RDMA_INTERFACE = 2
"""eth1 stays free for the second host interface, which pods do not take (container-engine-accelerators 24a70cba)."""


def collective(machine: GcpMachine) -> Collective:
    """The library between ranks; that of TPUs is their own runtime's, which asks for no interface of a rendezvous."""
    return Collective.NCCL if machine.accelerator and machine.accelerator.vendor == "nvidia" else Collective.GLOO


def capacity_word(capacity: Capacity) -> str:
    match capacity:
        case GcpOnDemand():
            return "on-demand"
        case GcpSpot():
            return "spot"
        case GcpReserved():
            return "reservation"
        case GcpCalendar():
            return "calendar"
        case GcpFlex(queued=queued):
            return "queued" if queued else "flex-start"


QUEUED = Taint(key="cloud.google.com/gke-queued", value="true", effect=TaintEffect.NO_SCHEDULE)
"""GKE's own, on nodes that come for one request; no pod tolerates it by itself (cluster-toolkit 5218)."""
PROVISIONING_CLASS = "queued-provisioning.gke.io"
"""GKE, "Run a large-scale workload with flex-start with queued provisioning"."""


def provisioning(capacity: Capacity) -> ProvisioningPlan | None:
    """The request by which machines come, where they are queued for."""
    if not isinstance(capacity, GcpFlex) or not capacity.queued:
        return None
    seconds = str(capacity.max_run_s)
    return ProvisioningPlan(class_name=PROVISIONING_CLASS, parameters={"maxRunDurationSeconds": seconds})


def slices(slice_: TpuSlice | None) -> NodeSlices | None:
    """Each slice of several machines is a node pool of GKE's."""
    if slice_ is None:
        return None
    return NodeSlices(nodes=slice_.nodes, label="cloud.google.com/gke-nodepool" if slice_.nodes > 1 else "")


def labels(pool: NodePoolSpec, capacity: Capacity) -> Mapping[str, str]:
    """Of the nodes, beside those that GKE sets."""
    return {**pool.labels, POOL_LABEL: pool.name, CAPACITY_LABEL: capacity_word(capacity)}


def taints(pool: NodePoolSpec, machine: GcpMachine) -> tuple[Taint, ...]:
    """Of the nodes: the user's, the accelerator's, and that which GKE adds for Arm."""
    own = [Taint(key=one.key, value=one.value, effect=one.effect) for one in pool.taints]
    if machine.accelerator is not None:
        own.append(_taint(TPU if machine.is_tpu else NVIDIA, "present"))
    if machine.arch is InstructionSet.ARM:
        own.append(_taint("kubernetes.io/arch", "arm64"))
    return tuple(dict.fromkeys(own))


def binding(  # noqa: PLR0913 (what decides a binding)
    pool: NodePoolSpec, machine: GcpMachine, fabric: Fabric, *,
    slice_: TpuSlice | None, networks: Sequence[FabricVpc], dranet: bool, topology_layers: int, batch: bool,
    queued: bool,
) -> PodBinding:  # fmt: skip
    """Requirements of a pod that is to reach the pool's accelerators and fabric; mounts are the storage's to add.

    `batch`: it starts containers of its own in which jobs run, and into which GKE's device plugin mounts nothing.
    """
    rdma = [subnet.alias for vpc in networks if vpc.profile for subnet in vpc.subnets]
    return PodBinding(
        devices=_devices(machine),
        env=_env(machine, fabric, rdma=bool(rdma)),
        node_selector={POOL_LABEL: pool.name, **_tpu_labels(machine, slice_)},
        tolerations=(*taints(pool, machine), *((QUEUED,) if queued else ())),
        topology_keys=_topology_keys(machine, topology_layers),
        annotations=_interfaces(rdma),
        host_paths=_host_paths(driver=bool(rdma) or (batch and _is_gpu(machine)), plugin=bool(rdma)),
        capabilities=("IPC_LOCK",) if machine.is_tpu else (),
        resource_claims=(ResourceClaim(name="rdma", template=f"{pool.name}-rdma"),) if dranet else (),
    )


def _devices(machine: GcpMachine) -> Mapping[str, int]:
    if machine.accelerator is None:
        return {}
    return {TPU if machine.is_tpu else NVIDIA: machine.accelerator_count}


def _tpu_labels(machine: GcpMachine, slice_: TpuSlice | None) -> Mapping[str, str]:
    if slice_ is None:
        return {}
    return {_TPU_LABEL: machine.gke_accelerator, _TPU_TOPOLOGY_LABEL: slice_.topology}


def _topology_keys(machine: GcpMachine, layers: int) -> tuple[str, ...]:
    """Labels that every node of the pool has: Kueue places by topology only on nodes that carry all levels."""
    if machine.compute_domain:
        return (CLIQUE_LABEL,)
    return tuple(_LAYER.format(layer) for layer in _LAYERS) if layers == len(_LAYERS) else ()


def _env(machine: GcpMachine, fabric: Fabric, *, rdma: bool) -> Mapping[str, str]:
    """Paths of GKE's driver, which no container runtime adds; the plugin that the fabric needs, and none other in its
    place; the interface of the rendezvous.
    """
    found: dict[str, str] = {}
    if _is_gpu(machine):
        found["LD_LIBRARY_PATH"] = f"{_POD_GIB}/lib64:{_POD_NVIDIA}/lib64" if rdma else f"{_POD_NVIDIA}/lib64"
    if rdma:
        found |= {**_GIB_ENV, "NCCL_TUNER_CONFIG_PATH": f"{_POD_GIB}/configs/{machine.nccl_tuner}"}
    if fabric is not Fabric.HOST and not machine.is_tpu:
        found |= collective(machine).rendezvous_over("eth0")
    return found


def _interfaces(rdma: Sequence[str]) -> Mapping[str, str]:
    """Annotations by which a pod gets an interface in each fabric network."""
    if not rdma:
        return {}
    asked = [{"interfaceName": "eth0", "network": "default"}] + [
        {"interfaceName": f"eth{index}", "network": alias} for index, alias in enumerate(rdma, _FIRST_RDMA_INTERFACE)
    ]
    return {
        "networking.gke.io/default-interface": "eth0",
        "networking.gke.io/interfaces": json.dumps(asked, separators=(",", ":")),
    }


def _host_paths(*, driver: bool, plugin: bool) -> tuple[HostPath, ...]:
    """Folders of the node, each under the pod's own path."""
    rows = ((driver, _NODE_NVIDIA, _POD_NVIDIA), (plugin, _NODE_GIB, _POD_GIB))
    return tuple(HostPath(path=path, mount_path=own, kind="Directory") for wanted, path, own in rows if wanted)


def _is_gpu(machine: GcpMachine) -> bool:
    return machine.accelerator is not None and not machine.is_tpu


def _taint(key: str, value: str) -> Taint:
    return Taint(key=key, value=value, effect=TaintEffect.NO_SCHEDULE)
