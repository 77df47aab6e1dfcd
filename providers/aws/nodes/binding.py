"""Labels of nodes, and the requests by which a pod gets there and reaches accelerators and fabric."""

from collections.abc import Mapping

from components.fabric import Collective, Fabric
from components.kubernetes.devices import CLIQUE_LABEL, EFA, NEURON, NVIDIA
from components.labels import CAPACITY_LABEL, POOL_LABEL
from components.plan.cluster import PodBinding, Taint
from components.spec.cluster import NodePoolSpec, TaintEffect
from providers.aws.catalog import Arch, AwsMachine
from providers.aws.nodes.scaling import may_change
from providers.aws.types import BlockCapacity, Capacity, OnDemandCapacity, ReservedCapacity, SpotCapacity

_DEVICE = {"nvidia": NVIDIA, "aws": NEURON}
"""Resource names of the vendors' device plugins."""

_HUGE_PAGES_MIB = 5120
"""Of 2 MiB, for libfabric's buffers: the EFA driver of the AL2023 images sets 5128 pages aside (EKS User Guide, "Manage
EFA devices"), and AWS's own jobs ask for these."""

_GPU_LABEL = "k8s.amazonaws.com/accelerator"
"""Tells the cluster autoscaler that a new node will have GPUs: until the driver shows them it counts the node as one
that still starts. Without, it takes the node for ready and useless, and adds another for the same pod
(cluster-autoscaler/cloudprovider/aws/README.md on GPUs; kubernetes/autoscaler#3164, NVIDIA/gpu-operator#708)."""

_ZONE = "topology.kubernetes.io/zone"
_NETWORK_LAYER = "topology.k8s.aws/network-node-layer-{}"
"""A layer of the network above a node, 1 the highest (cloud-provider-aws, from EC2 DescribeInstanceTopology)."""


def collective(machine: AwsMachine) -> Collective:
    if machine.accelerator is None:
        return Collective.GLOO
    return Collective.NEURON if machine.accelerator.vendor == "aws" else Collective.NCCL


def ami_type(machine: AwsMachine) -> str:
    """EKS's Amazon Linux 2023 image with the drivers of the machine's accelerators, for its processors."""
    arch = "ARM_64" if machine.arch is Arch.ARM64 else "x86_64"
    variant = {Collective.GLOO: "STANDARD", Collective.NCCL: "NVIDIA", Collective.NEURON: "NEURON"}
    return f"AL2023_{arch}_{variant[collective(machine)]}"


def labels(pool: NodePoolSpec, machine: AwsMachine, capacity: Capacity) -> Mapping[str, str]:
    """The user's and penstock's own, and for GPUs of a pool that may change size the one that its autoscaler reads."""
    chip = machine.accelerator
    awaited = {_GPU_LABEL: chip.name} if chip and chip.vendor == "nvidia" and may_change(pool) else {}
    return {**awaited, **pool.labels, POOL_LABEL: pool.name, CAPACITY_LABEL: capacity_word(capacity)}


def capacity_word(capacity: Capacity) -> str:
    match capacity:
        case OnDemandCapacity():
            return "on-demand"
        case SpotCapacity():
            return "spot"
        case ReservedCapacity():
            return "reservation"
        case BlockCapacity():
            return "capacity-block"


def taints(pool: NodePoolSpec, machine: AwsMachine) -> tuple[Taint, ...]:
    """The user's, and one that keeps pods without accelerators off nodes that have them."""
    own = tuple(Taint(key=taint.key, value=taint.value, effect=taint.effect) for taint in pool.taints)
    if machine.accelerator is None or any(taint.key == _DEVICE[machine.accelerator.vendor] for taint in own):
        return own
    key = _DEVICE[machine.accelerator.vendor]
    return (*own, Taint(key=key, value="present", effect=TaintEffect.NO_SCHEDULE))


def binding(pool: NodePoolSpec, machine: AwsMachine, fabric: Fabric, efa_devices: int) -> PodBinding:
    """One node's worth. Mounts are the storage's to add."""
    return PodBinding(
        devices=_devices(machine, efa_devices),
        huge_pages_mib=_huge_pages_mib(machine, efa_devices),
        env=_env(machine, fabric),
        node_selector={POOL_LABEL: pool.name},
        tolerations=taints(pool, machine),
        topology_keys=_topology_keys(machine, efa_devices),
    )


def _topology_keys(machine: AwsMachine, efa_devices: int) -> tuple[str, ...]:
    """Labels that every node of the machine has: Kueue places by topology only on nodes that carry all levels.

    Of an UltraServer the NVLink domain alone: that its machines share a switch of the layers above is nowhere said, and
    a level that cuts a domain in two would keep a gang of a whole one out for ever.
    """
    if machine.compute_domain:
        return (_ZONE, CLIQUE_LABEL)
    layers = machine.network_layers if efa_devices else 0
    return (_ZONE, *(_NETWORK_LAYER.format(layer + 1) for layer in range(layers)))


def _devices(machine: AwsMachine, efa_devices: int) -> Mapping[str, int]:
    accelerators = (
        {_DEVICE[machine.accelerator.vendor]: machine.accelerator_count} if machine.accelerator is not None else {}
    )
    return accelerators | ({EFA: efa_devices} if efa_devices else {})


def _huge_pages_mib(machine: AwsMachine, efa_devices: int) -> int:
    """None on GB200: its image sets none aside, and a pod that asks for them is never scheduled."""
    return _HUGE_PAGES_MIB if efa_devices and not machine.compute_domain else 0


def _env(machine: AwsMachine, fabric: Fabric) -> Mapping[str, str]:
    """Interfaces of a pod that the rendezvous takes; nothing else.

    What older guides set for EFA (FI_PROVIDER, FI_EFA_USE_DEVICE_RDMA, NCCL_PROTO, buffer sizes) the network library
    sets by itself for the machine it finds, and a value from outside can be wrong there (aws-ofi-nccl, platform table).
    """
    return {} if fabric is Fabric.HOST else collective(machine).rendezvous_over("eth0")
