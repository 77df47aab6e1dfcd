"""One node of a check: it meets the others, starts its ranks, and tells what they found, or why nothing was found."""

import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import torch.distributed as dist
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # where torch's documentation has it

from workloads.fabric_check.config import CheckFile
from workloads.fabric_check.evidence import Evidence, FabricState
from workloads.fabric_check.rank import RankPlace, take_part
from workloads.fabric_check.transport import debug_settings

LOOK_EVERY_S = 0.2

Work = Callable[[CheckFile, RankPlace], Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """This node among the others."""

    nodes: int
    node: int
    name: str
    address: str
    """By which the others reach it."""
    meeting: Path | None
    """The file on the shared volume in which node 0 leaves its address; needed where several nodes do not know it."""
    main_address: str = ""
    """Of node 0, where the others know it."""
    meeting_port: int = 0
    """Of node 0's store; any free one where it leaves its address in a file."""


def run_check(check: CheckFile, here: Here, work: Work = take_part) -> Evidence:
    """Findings of this node's ranks with all others'; never an exception for another node's failure."""
    deadline, nodes = time.monotonic() + check.timeout_s, here.nodes
    try:
        store = _meet(check, here)
        names = _names(store, here, deadline)
    except (dist.DistError, OSError, TimeoutError) as error:
        reason = f"{here.name} did not meet the others within {check.timeout_s:g} s ({_first_line(error)})"
        return Evidence(state=FabricState.UNKNOWN, reason=reason, nodes=nodes)
    present = [one for one in names if one]
    if len(present) < nodes:
        late = nodes - len(present)
        reason = f"{late} of {nodes} nodes did not come within {check.timeout_s:g} s; there were {', '.join(present)}"
        return Evidence(state=FabricState.UNKNOWN, reason=reason, nodes=nodes)
    with tempfile.TemporaryDirectory(prefix="fabric-check-") as logs:
        places = [
            RankPlace(node=here.node, local_rank=local, names=names, host=store.host, port=store.port, logs=logs)
            for local in range(check.ranks_per_node)
        ]
        evidence = _run_ranks(check, places, work, deadline)
    _leave_together(store, nodes)
    if here.node == 0 and here.meeting is not None:
        here.meeting.unlink(missing_ok=True)
    return evidence


def end_ranks() -> None:
    """Kills this node's ranks: called from a signal's handler, where nothing may be waited for."""
    for process in multiprocessing.active_children():
        process.kill()


def tell(check: CheckFile, evidence: Evidence) -> None:
    """The evidence as the last line on stdout, and where the check says."""
    line = evidence.line()
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if check.evidence_file:
        Path(check.evidence_file).write_text(line)


def _meet(check: CheckFile, here: Here) -> TCPStore:
    wait_s, meeting = timedelta(seconds=check.timeout_s), here.meeting
    if here.node == 0:
        store = TCPStore(here.address, here.meeting_port, is_master=True, wait_for_workers=False, timeout=wait_s)
        if meeting is not None:
            meeting.parent.mkdir(parents=True, exist_ok=True)
            partial = meeting.with_name(f".{meeting.name}.{os.getpid()}")
            partial.write_text(f"{here.address} {store.port}")
            partial.replace(meeting)
        return store
    if here.main_address:
        host, port = here.main_address, here.meeting_port
    else:
        assert meeting is not None, "several nodes need a place to meet"
        host, port = _address(meeting, check.timeout_s)
    return TCPStore(host, port, is_master=False, timeout=wait_s)


def _address(meeting: Path, timeout_s: float) -> tuple[str, int]:
    end = time.monotonic() + timeout_s
    while not meeting.is_file():
        if time.monotonic() > end:
            raise TimeoutError(f"node 0 left no address in {meeting}")
        time.sleep(LOOK_EVERY_S)
    host, port = meeting.read_text().split()
    return host, int(port)


def _names(store: TCPStore, here: Here, deadline: float) -> tuple[str, ...]:
    """Names of all nodes; empty for those that have not come in time."""
    store.set(f"node/{here.node}", here.name)
    keys = [f"node/{index}" for index in range(here.nodes)]
    while not store.check(keys) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return tuple(store.get(key).decode() if store.check([key]) else "" for key in keys)


def _run_ranks(check: CheckFile, places: list[RankPlace], work: Work, deadline: float) -> Evidence:
    # Forked from a process that has imported torch, and has not touched a device.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workloads.fabric_check.rank"])
    os.environ.update(debug_settings(Path(places[0].logs)) if check.device == "cuda" else {})
    ends: list[Connection] = []
    processes: list[ForkServerProcess] = []
    for place in places:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_rank, args=(check, place, theirs, work), daemon=True)
        process.start()
        theirs.close()
        ends.append(ours)
        processes.append(process)
    try:
        return _first_words(check, places[0], ends, deadline)
    finally:
        for process in processes:
            process.join(1.0)
            process.kill()


def _first_words(check: CheckFile, place: RankPlace, ends: list[Connection], deadline: float) -> Evidence:
    """Verdict of the ranks; the first that ends without one speaks for all, as the rest waits for it."""
    open_ends, verdict = list(ends), None
    while open_ends:
        ready = wait(open_ends, timeout=max(0.0, deadline - time.monotonic()))
        if not ready:
            return _unknown(check, place, f"it was not over within {check.timeout_s:g} s")
        for end in ready:
            assert isinstance(end, Connection)
            try:
                said = end.recv()
            except EOFError:
                return _unknown(check, place, f"a rank of {place.names[place.node]} was killed")
            if isinstance(said, str):
                return _unknown(check, place, f"{place.names[place.node]}: {said}")
            open_ends.remove(end)
            verdict = said
    assert isinstance(verdict, Evidence)
    return verdict


def _unknown(check: CheckFile, place: RankPlace, reason: str) -> Evidence:
    return Evidence(
        state=FabricState.UNKNOWN, reason=reason, nodes=place.nodes, ranks=place.nodes * check.ranks_per_node,
        floor_gbps=check.floor_gbps,
    )  # fmt: skip


def _rank(check: CheckFile, place: RankPlace, end: Connection, work: Work) -> None:
    try:
        end.send(work(check, place))
    except Exception as error:  # whatever it is, it is what the user must be told
        end.send(f"rank {place.local_rank}: {type(error).__name__}: {_first_line(error)}")


def _leave_together(store: TCPStore, nodes: int) -> None:
    """Node 0 keeps the store until all have read what they need from it."""
    left = store.add("left", 1)
    end = time.monotonic() + 10
    while left < nodes and time.monotonic() < end:
        time.sleep(LOOK_EVERY_S)
        try:
            left = store.add("left", 0)
        except dist.DistError:  # node 0 has gone: all others had left
            return


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def own_address() -> str:
    """The address by which others reach this machine: the pod's own, or loopback."""
    return os.environ.get("POD_IP") or "127.0.0.1"


def own_name() -> str:
    """The node's name where a pod was told it, else the host's."""
    return os.environ.get("NODE_NAME") or socket.gethostname()
