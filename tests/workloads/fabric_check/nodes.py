"""Several nodes of a check on this machine, each an agent process of its own, with faults that a test asks for."""

import os
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist

from workloads.fabric_check import rank, volume
from workloads.fabric_check.agent import Here, run_check, tell
from workloads.fabric_check.config import CheckFile, parse_check
from workloads.fabric_check.evidence import EXIT, Evidence
from workloads.fabric_check.rank import Place

SLOW_S = 0.2
"""On top of an exchange that takes some milliseconds."""


def healthy(check: CheckFile, place: Place) -> Evidence:
    return rank.take_part(check, place)


def node_two_is_slow(check: CheckFile, place: Place) -> Evidence:
    """What leaves or reaches node 2 takes longer, as over a link with errors."""

    def exchange(outgoing: torch.Tensor, incoming: torch.Tensor, partner: int) -> None:
        if 2 in (place.node, partner // check.ranks_per_node):
            time.sleep(SLOW_S)
        true_exchange(outgoing, incoming, partner)

    true_exchange, rank.exchange = rank.exchange, exchange
    return rank.take_part(check, place)


def node_one_cannot_write(check: CheckFile, place: Place) -> Evidence:
    """Its volume is mounted read-only."""

    def write_probe(folder: Path, node: int) -> str:
        return f"{folder} cannot be written (Read-only file system)" if node == 1 else true_write(folder, node)

    true_write = volume.write_probe
    setattr(rank, "write_probe", write_probe)  # noqa: B010 - the name is another module's
    return rank.take_part(check, place)


def node_one_has_another_volume(check: CheckFile, place: Place) -> Evidence:
    def write_probe(folder: Path, node: int) -> str:
        return volume.write_probe(folder / "elsewhere" if node == 1 else folder, node)

    setattr(rank, "write_probe", write_probe)  # noqa: B010 - the name is another module's
    return rank.take_part(check, place)


def node_one_dies(check: CheckFile, place: Place) -> Evidence:
    if place.node == 1:
        os.kill(os.getpid(), 9)
    return rank.take_part(check, place)


def everybody_uses_sockets(check: CheckFile, place: Place) -> Evidence:
    """As NCCL on nodes without the fabric's plugin: the log that it would have written is read."""

    def transport(check: CheckFile, place: Place) -> str:
        return "Socket"

    rank._transport = transport
    return rank.take_part(check, place)


WORK = {work.__name__: work for work in (
    healthy, node_two_is_slow, node_one_cannot_write, node_one_has_another_volume, node_one_dies,
    everybody_uses_sockets,
)}  # fmt: skip


def main(spec: str, nodes: int, node: int, meeting: Path, work: str) -> int:
    check = parse_check(spec)
    here = Here(nodes=nodes, node=node, name=f"node-{node}", address="127.0.0.1", meeting=meeting)
    evidence = run_check(check, here, WORK[work])
    assert not dist.is_initialized()
    tell(check, evidence)
    return EXIT[evidence.state]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5]))
