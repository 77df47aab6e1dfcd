"""What ranks talk over, and with which library."""

from enum import StrEnum


class Fabric(StrEnum):
    """What ranks on different accelerators talk over."""

    HOST = "host"
    """Inside one machine: loopback for gloo; NVLink or PCIe for NCCL."""


class Collective(StrEnum):
    """The library that moves the data, by torch's name for it."""

    GLOO = "gloo"
    NCCL = "nccl"
