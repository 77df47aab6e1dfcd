"""Fabrics between ranks, and the libraries that talk over them."""

from enum import StrEnum


class Fabric(StrEnum):
    """Network between the accelerators of different nodes."""

    HOST = "host"
    """Inside one machine: loopback for gloo; NVLink or PCIe for NCCL."""
    ETHERNET = "ethernet"
    """TCP between machines: what a pool without a fabric of its own has."""
    EFA = "efa"
    """Elastic Fabric Adapter."""
    RDMA = "rdma"
    """Verbs: InfiniBand, or RoCE over Ethernet."""

    @property
    def is_plain(self) -> bool:
        """True where it needs no device and no right of a pod."""
        return self in (Fabric.HOST, Fabric.ETHERNET)


class Collective(StrEnum):
    """The library that moves the data, by torch's name for it."""

    GLOO = "gloo"
    NCCL = "nccl"
    NEURON = "neuron"

    @property
    def interface_variable(self) -> str:
        """Environment variable with the network interface of the rendezvous."""
        return {"gloo": "GLOO_SOCKET_IFNAME", "nccl": "NCCL_SOCKET_IFNAME", "neuron": "CCOM_SOCKET_IFNAME"}[self]

    def rendezvous_over(self, interface: str) -> dict[str, str]:
        """Environment by which ranks meet over a network interface. Gloo's is among it: ranks on accelerators agree on
        small things over gloo, which otherwise takes the interface that the host's name resolves to.
        """
        return dict.fromkeys((self.interface_variable, Collective.GLOO.interface_variable), interface)
