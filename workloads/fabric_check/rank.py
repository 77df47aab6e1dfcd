"""One rank of a check: it takes part in every measurement, and knows the verdict in the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]  # where torch documents them

from workloads.fabric_check.config import CheckFile
from workloads.fabric_check.evidence import Evidence, Measured, judge
from workloads.fabric_check.pairs import best_rates, rounds
from workloads.fabric_check.transport import NONE, TCP, nccl_transport
from workloads.fabric_check.volume import remove_probe, unseen, write_probe

REPEATS = 5
"""Exchanges of each pair, of which the fastest counts: what else runs on a machine only ever slows one down."""
CPU_PROBE_BYTES = 4 * 2**20
CUDA_PROBE_BYTES = 256 * 2**20

Exchange = Callable[[torch.Tensor, torch.Tensor, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankPlace:
    """Place of a rank among the others."""

    node: int
    local_rank: int
    names: tuple[str, ...]
    """Of all nodes."""
    host: str
    port: int
    """Of the store in which ranks meet."""
    logs: str
    """Folder of NCCL's own logs on this node."""

    @property
    def nodes(self) -> int:
        return len(self.names)


def take_part(check: CheckFile, place: RankPlace) -> Evidence:
    """Meet the other ranks, measure with them, and return what all of them agree on."""
    world, rank = place.nodes * check.ranks_per_node, place.node * check.ranks_per_node + place.local_rank
    store = TCPStore(place.host, place.port, is_master=False, timeout=timedelta(seconds=check.timeout_s))
    device = torch.device("cuda", place.local_rank) if check.device == "cuda" else torch.device("cpu")
    if check.device == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if check.device == "cuda" else "gloo",
        store=PrefixStore("ranks", store),
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=check.timeout_s),
    )
    try:
        found = measure(check, place, device)
        verdict = [judge(check, found)]
        dist.broadcast_object_list(verdict, src=0)
        return verdict[0]
    finally:
        dist.destroy_process_group()


def measure(check: CheckFile, place: RankPlace, device: torch.device) -> Measured:
    """All that the ranks find together; the same on each of them."""
    unwritable = _volume(check, place)
    sweep = _sweep(check, device)
    several = place.nodes > 1
    units = place.names if several else tuple(f"rank {rank}" for rank in range(dist.get_world_size()))
    width = check.ranks_per_node if several else 1
    rates = probe(len(units), width, device, exchange)
    transports = dict(_gathered((place.node, _transport(check, place))))
    return Measured(
        names=place.names,
        units=units,
        ranks=dist.get_world_size(),
        sweep=sweep,
        rates=rates,
        transports=transports,
        unwritable=unwritable,
    )


def probe(units: int, width: int, device: torch.device, swap: Exchange) -> dict[int, float]:
    """By unit, gigabytes per second in one direction of its best exchange; `width` ranks make a unit."""
    unit, local = divmod(dist.get_rank(), width)
    count = (CUDA_PROBE_BYTES if device.type == "cuda" else CPU_PROBE_BYTES) // 4
    outgoing, incoming = (torch.zeros(count, device=device) for _ in range(2))
    results: list[dict[int, float]] = []
    for pairs in rounds(units):
        partner = next((b if a == unit else a for a, b in pairs if unit in (a, b)), None)
        best_s = float("inf")
        for _ in range(REPEATS):
            dist.barrier()
            begin = time.perf_counter()
            if partner is not None:
                swap(outgoing, incoming, partner * width + local)
            best_s = min(best_s, time.perf_counter() - begin)
        own = [(unit, best_s)] if partner is not None else []
        slowest: dict[int, float] = {}
        for one, seconds in (item for part in _gathered(own) for item in part):
            slowest[one] = max(seconds, slowest.get(one, 0.0))
        results.append({one: width * count * 4 / seconds / 1e9 for one, seconds in slowest.items()})
    return best_rates(results)


def exchange(outgoing: torch.Tensor, incoming: torch.Tensor, partner: int) -> None:
    """Send and receive at the same time; returned when both are over."""
    sides = [dist.P2POp(dist.isend, outgoing, partner), dist.P2POp(dist.irecv, incoming, partner)]
    for work in dist.batch_isend_irecv(sides):
        work.wait()
    _settle(outgoing.device)


def _sweep(check: CheckFile, device: torch.device) -> tuple[tuple[int, float], ...]:
    """Bus bandwidth of an all-reduce for each message size, by the clock of the slowest rank."""
    world = dist.get_world_size()
    factor = 2 * (world - 1) / world
    made = []
    for size in check.messages:
        message = torch.zeros(size // 4, device=device)
        dist.all_reduce(message)
        _settle(device)
        dist.barrier()
        begin = time.perf_counter()
        for _ in range(check.iterations):
            dist.all_reduce(message)
        _settle(device)
        seconds = max(_gathered(time.perf_counter() - begin)) / check.iterations
        made.append((size, factor * size / seconds / 1e9))
    return tuple(made)


def _volume(check: CheckFile, place: RankPlace) -> dict[int, str]:
    """By node, why it cannot write to the volume, or why nobody sees what it writes."""
    if check.volume is None:
        return {}
    folder = Path(check.volume)
    own = write_probe(folder, place.node) if place.local_rank == 0 else ""
    found = {node: why for node, why in _gathered((place.node, own)) if why}
    if place.node == 0:
        found |= {
            node: f"what it writes to {folder} is not seen by {place.names[0]}"
            for node in unseen(folder, place.nodes)
            if node not in found
        }
    agreed = [found]
    dist.broadcast_object_list(agreed, src=0)
    if place.local_rank == 0 and place.node not in agreed[0]:
        remove_probe(folder, place.node)
    return agreed[0]


def _transport(check: CheckFile, place: RankPlace) -> str:
    if place.nodes == 1:
        return NONE
    if check.device == "cpu":
        return TCP
    return nccl_transport(path.read_text(errors="replace") for path in Path(place.logs).glob("nccl-*.log"))


def _gathered(own: object) -> list:  # type: ignore[type-arg]  # of whatever every rank has handed in
    parts: list[object] = [None] * dist.get_world_size()
    dist.all_gather_object(parts, own)
    return parts


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
