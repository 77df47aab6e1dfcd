"""`python -m workloads.fabric_check`: measure what ranks reach together, on this machine or as one node of several.

By hand: `penstock check --ranks 4`. On a cluster each node's pod runs it with `--spec JSON`, `--nodes`, and what its
environment says: JOB_COMPLETION_INDEX, NODE_NAME, POD_IP, CHECK_ID. On AWS Batch the nodes of a job know each other by
Batch's variables (place.py). workloads/fabric_check/__init__.py has the form of the evidence, and the exit codes.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from components.errors import PenstockError, Problem, SpecError
from workloads.fabric_check.config import CheckFile, parse_check
from workloads.fabric_check.place import JobPlace, place_of

EX_CONFIG = 78
MOST_RANKS_PER_CORE = 8
"""Beyond, ranks measure how they wait for each other's turn, and each takes memory of its own."""
_OPTIONS = {"ranksPerNode": "--ranks", "floorGbps": "--floor-gbps", "volume": "--volume"}
"""Options whose values the file checks; argparse has checked --device."""
_NODES_HELP = """machines in the check, which meet on the volume; those
of a job of AWS Batch know each other"""
DESCRIPTION = """Measures what ranks reach together: an all-reduce sweep, exchanges in pairs that
show a slow one, and whether a volume can be written. The last line is the
evidence as JSON."""
EXAMPLE = """On this machine, over gloo:

  penstock check --ranks 4 --volume /data

Exit codes: 0 pass, 1 fail, 75 could not be measured, 78 arguments that
are refused. On a cluster the acceptance gate runs this on every node of a pool."""


def main(arguments: Sequence[str]) -> int:
    place = place_of(os.environ)
    options = _parser(place).parse_args(arguments)
    try:
        check = _check(options)
        meeting = _meeting(check, options, place)
    except PenstockError as error:
        sys.stderr.write(f"{error}\n")
        return EX_CONFIG
    # Imported late: torch takes seconds, and a mistake should be told at once.
    from workloads.fabric_check.agent import Here, own_address, own_name, run_check, tell
    from workloads.fabric_check.evidence import EXIT

    signal.signal(signal.SIGTERM, _stopped)
    here = Here(
        nodes=options.nodes, node=options.node, name=own_name(), address=own_address(), meeting=meeting,
        main_address=place.main_address, meeting_port=place.meeting_port,
    )  # fmt: skip
    evidence = run_check(check, here)
    tell(check, evidence)
    return EXIT[evidence.state]


def _stopped(number: int, _frame: FrameType | None) -> NoReturn:
    """Leaves at once. A pod's first process has no default for the signal: it would be ignored until the kill."""
    from workloads.fabric_check.agent import end_ranks

    end_ranks()
    os._exit(128 + number)


def _parser(place: JobPlace) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="penstock check", description=DESCRIPTION, epilog=EXAMPLE, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--spec", metavar="JSON", help="the whole check, as a pod gets it")
    parser.add_argument("--ranks", type=int, default=2, help="processes on this machine (default: 2)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cpu: over gloo; cuda: over NCCL")
    parser.add_argument("--floor-gbps", type=float, default=0.0, help="gigabytes per second that must be reached")
    parser.add_argument("--volume", metavar="FOLDER", help="an existing folder that must be writable")
    parser.add_argument("--nodes", type=int, default=place.nodes, help=_NODES_HELP)
    parser.add_argument("--node", type=int, default=place.node, help="this node's number, from 0")
    return parser


def _check(options: argparse.Namespace) -> CheckFile:
    if options.spec is not None:
        check = parse_check(options.spec)
    else:
        _require_possible(options)
        own = {"ranks_per_node": options.ranks, "device": options.device, "floor_gbps": options.floor_gbps}
        check = _from_options(CheckFile.model_construct(**own, volume=options.volume).model_dump_json(by_alias=True))
    if not 0 <= options.node < options.nodes:
        message = f"{options.node} is not among {options.nodes} nodes; they are numbered from 0"
        raise SpecError([Problem(path="--node", message=message)])
    if check.ranks_per_node * options.nodes < 2:
        raise SpecError([Problem(path="--ranks", message="1 rank has no other to exchange with; give 2 or more")])
    return check


def _from_options(text: str) -> CheckFile:
    try:
        return parse_check(text)
    except SpecError as error:
        raise SpecError(
            [Problem(path=_OPTIONS.get(one.path, one.path), message=one.message) for one in error.problems]
        ) from None


def _require_possible(options: argparse.Namespace) -> None:
    """SpecError with what this machine cannot do of what was asked by hand. Creates nothing."""
    problems = []
    cores = len(os.sched_getaffinity(0))
    if options.ranks > (most := MOST_RANKS_PER_CORE * cores):
        message = f"{options.ranks} processes on {cores} cores; {most} are the most ({MOST_RANKS_PER_CORE} a core)"
        problems.append(Problem(path="--ranks", message=message))
    if options.ranks < 1:
        message = f"{options.ranks} is out of range; 2 or more is right, or 1 on each of several nodes"
        problems.append(Problem(path="--ranks", message=message))
    if options.volume is not None and not os.path.isdir(options.volume):  # noqa: PTH112 (never raises)
        message = f"{options.volume} is no folder that exists; make it, or give one that does"
        problems.append(Problem(path="--volume", message=message))
    if problems:
        raise SpecError(problems)


def _meeting(check: CheckFile, options: argparse.Namespace, place: JobPlace) -> Path | None:
    """A file of this check alone, on the volume that all nodes have; none where they know node 0's address."""
    if options.nodes == 1 or place.meeting_port:
        return None
    if check.volume is None:
        message = "is missing: nodes meet by a file on the volume that they share; name its folder"
        raise SpecError([Problem(path="--volume" if options.spec is None else "volume", message=message)])
    return Path(check.volume) / f".fabric-check-meeting-{os.environ.get('CHECK_ID', 'by-hand')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
