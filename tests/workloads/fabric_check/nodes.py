"""Several nodes of a check on this machine, with faults that a test asks for.

Their agents are threads of one process, so that torch is imported once; their ranks are processes, as everywhere.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torch.distributed as dist

from workloads.fabric_check import rank, volume
from workloads.fabric_check.agent import Here, Work, run_check
from workloads.fabric_check.config import CheckFile
from workloads.fabric_check.evidence import Evidence
from workloads.fabric_check.rank import RankPlace

SLOW_S = 0.2
"""On top of an exchange that takes some milliseconds."""


def healthy(check: CheckFile, place: RankPlace) -> Evidence:
    return rank.take_part(check, place)


def node_two_is_slow(check: CheckFile, place: RankPlace) -> Evidence:
    """Traffic that leaves or reaches node 2 takes longer, as over a link with errors."""

    def exchange(outgoing: torch.Tensor, incoming: torch.Tensor, partner: int) -> None:
        if 2 in (place.node, partner // check.ranks_per_node):
            time.sleep(SLOW_S)
        true_exchange(outgoing, incoming, partner)

    true_exchange, rank.exchange = rank.exchange, exchange
    return rank.take_part(check, place)


def node_one_cannot_write(check: CheckFile, place: RankPlace) -> Evidence:
    """Its volume is mounted read-only."""

    def write_probe(folder: Path, node: int) -> str:
        return f"{folder} cannot be written (Read-only file system)" if node == 1 else true_write(folder, node)

    true_write = volume.write_probe
    setattr(rank, "write_probe", write_probe)  # noqa: B010 - the name is another module's
    return rank.take_part(check, place)


def node_one_has_another_volume(check: CheckFile, place: RankPlace) -> Evidence:
    def write_probe(folder: Path, node: int) -> str:
        return volume.write_probe(folder / "elsewhere" if node == 1 else folder, node)

    setattr(rank, "write_probe", write_probe)  # noqa: B010 - the name is another module's
    return rank.take_part(check, place)


def node_one_dies(check: CheckFile, place: RankPlace) -> Evidence:
    if place.node == 1:
        os.kill(os.getpid(), 9)
    return rank.take_part(check, place)


def everybody_uses_sockets(check: CheckFile, place: RankPlace) -> Evidence:
    """As NCCL on nodes without the fabric's plugin: the log that it would have written is read."""

    def transport(check: CheckFile, place: RankPlace) -> str:
        return "Socket"

    rank._transport = transport
    return rank.take_part(check, place)


def run_nodes(check: CheckFile, meeting: Path, work: Work, *, nodes: int, absent: int = 0) -> list[Evidence]:
    """Reports of each node that came; the last `absent` of them never come."""

    def agent(node: int) -> Evidence:
        here = Here(nodes=nodes, node=node, name=f"node-{node}", address="127.0.0.1", meeting=meeting)
        return run_check(check, here, work)

    with ThreadPoolExecutor(nodes) as agents:
        made = list(agents.map(agent, range(nodes - absent)))
    assert not dist.is_initialized()
    return made
