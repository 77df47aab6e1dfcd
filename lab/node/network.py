"""Addresses and network namespaces of one node's pods, on the lab's bridge."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from lab.node import kernel
from lab.node.process import command

BRIDGE = "penstock0"
GATEWAY = "10.88.0.1"
PREFIX_BITS = 16
FIRST_POD = 2  # .0 is nobody's, .1 the node's own
NODE_PREFIX_BITS = 24


class NoAddressError(Exception):
    """All addresses of the node are in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Place of a pod on the network."""

    address: str
    namespace: Path | None
    """A file that names its network namespace; None where it lives in the lab's own (`hostNetwork`)."""


class NodeNetwork:
    """One node's part of the pods' network: `10.88.INDEX.0/24`, the node itself at `.1`."""

    def __init__(self, index: int, folder: Path) -> None:
        self._block = ipaddress.ip_network(f"10.88.{index}.0/{NODE_PREFIX_BITS}")
        self._folder = folder
        self._used: set[str] = set()
        self._next = FIRST_POD

    @property
    def block(self) -> str:
        return str(self._block)

    @property
    def node_address(self) -> str:
        return str(self._block[1])

    async def open(self) -> None:
        """The node's own address, in the lab's namespace."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await command("ip", "addr", "replace", f"{self.node_address}/32", "dev", BRIDGE)

    def on_host(self) -> Attachment:
        return Attachment(address=self.node_address, namespace=None)

    async def attach(self, uid: str) -> Attachment:
        """A network namespace with an address that no pod of the node has; NoAddressError, CommandError."""
        address, namespace = self._take(), self._folder / uid
        namespace.touch()
        outside, hardware = _link_name(address), _hardware(address)
        inside = (
            "link set lo up\n"
            f"link add eth0 address {hardware} type veth peer name {outside} netns /proc/{os.getpid()}/ns/net\n"
            f"addr add {address}/{PREFIX_BITS} dev eth0\n"
            "link set eth0 up\n"
        )
        made = Attachment(address=address, namespace=namespace)
        try:
            await command("unshare", f"--net={namespace}", "ip", "-batch", "-", stdin=inside)
            await command("ip", "link", "set", outside, "master", BRIDGE, "up")
            await command("nsenter", f"--net={namespace}", "ip", "route", "replace", "default", "via", GATEWAY)
        except BaseException:
            self.detach(made)
            raise
        return made

    def detach(self, attachment: Attachment) -> None:
        """Gives it back. The kernel takes the link away with the namespace, once its last process has ended."""
        if attachment.namespace:
            kernel.unmount(attachment.namespace)
            attachment.namespace.unlink(missing_ok=True)
            self._used.discard(attachment.address)

    def _take(self) -> str:
        """The next in turn, so that an address is not had again at once by another pod."""
        last = self._block.num_addresses - 1  # the last is no host's
        for step in range(last - FIRST_POD):
            number = FIRST_POD + (self._next - FIRST_POD + step) % (last - FIRST_POD)
            address = str(self._block[number])
            if address not in self._used:
                self._used.add(address)
                self._next = number + 1
                return address
        raise NoAddressError(f"no address of {self._block} is free")


def _link_name(address: str) -> str:
    return "pod" + "x".join(address.split(".")[2:])


def _hardware(address: str) -> str:
    """The same for the same address, so that what neighbours remember of it stays true."""
    return "02:58:" + ":".join(f"{int(part):02x}" for part in address.split("."))
