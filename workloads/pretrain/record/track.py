"""A follower of one run for one tracker: `python -m workloads.pretrain.record.track JOB_FILE KIND`.

A process of its own, beside rank 0, which starts it with `--follow`: no tracker takes time of a step. The run's
metrics.jsonl is the queue, so nothing is kept in memory and nothing is lost to a tracker that is down: what was not
sent is sent later, by the next start of the run, or by this command without `--follow` once it has ended. Where it
stands is in trackers/KIND.json.
"""

import argparse
import json
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from components.spec.observe import TrackerKind
from workloads.pretrain.config import read_job
from workloads.pretrain.exits import ExitCode, die_with_parent
from workloads.pretrain.folder import RunFolder, replace_json
from workloads.pretrain.record.tracker_kinds import AwayError, RefusedError, Tracker, tracker_of

log = logging.getLogger(__name__)

LINES_AT_ONCE = 500
BYTES_AT_ONCE = 2**20
LOOK_EVERY_S = 2.0
LEAST_WAIT_S, LONGEST_WAIT_S = 5.0, 120.0
"""Between two tries of a tracker that is down; doubled each time."""
NICE = 10
FINISHED, STOPPED = "finished", "stopped"
"""Last words of rank 0 to its follower."""


class LineSender:
    """Reads metrics.jsonl from where it was left, and hands it over."""

    def __init__(self, metrics: Path, state: Path, tracker: Tracker, now: Callable[[], float] = time.monotonic) -> None:
        self._metrics, self._path, self._tracker, self._now = metrics, state, tracker, now
        self.state = read_state(state)
        self._open = False
        self._wait_s, self._again_at = LEAST_WAIT_S, 0.0

    def turn(self) -> bool:
        """Hands over the next lines, if there are some; True if there may be more at once."""
        if self._now() < self._again_at:
            return False
        lines, end = self._read()
        if not lines and self._open:
            return False
        try:
            if not self._open:
                self.state["run"] = self._tracker.open(self.state["run"])
                self._open = True
            self._send(lines)
        except AwayError as error:
            self._later(str(error))
            return False
        except RefusedError as error:
            if not self._open:
                self._later(str(error))
                return False
            self.state["refused"] += len(lines)
            self._tell(f"refused {len(lines)} lines: {error}")
        except Exception as error:  # a library of others', which breaks in ways of its own
            log.exception("the tracker's library failed")
            self._later(f"{type(error).__name__}: {error}")
            return False
        else:
            self._tell("")
        self.state["offset"] = end
        self._wait_s = LEAST_WAIT_S
        self._write()
        return bool(lines)

    def close(self, finished: bool) -> None:
        """The tracker hears how the run ended, if it was ever reached."""
        if not self._open:
            return
        try:
            self._tracker.close(finished)
        except (AwayError, RefusedError) as error:
            self._tell(str(error))
            self._write()

    def _send(self, lines: Sequence[dict[str, Any]]) -> None:
        if lines:
            self._tracker.send(lines)
            self.state["sent"] += len(lines)

    def _read(self) -> tuple[list[dict[str, Any]], int]:
        """Whole lines, and where they end."""
        try:
            with self._metrics.open("rb") as stream:
                stream.seek(self.state["offset"])
                text = stream.read(BYTES_AT_ONCE)
        except FileNotFoundError:
            return [], self.state["offset"]
        whole = text.splitlines(keepends=True)[:LINES_AT_ONCE]
        if whole and not whole[-1].endswith(b"\n"):
            whole.pop()
        # A killed writer may have left half a line, which the next one ended.
        lines = [json.loads(line) for line in whole if line.startswith(b"{") and line.endswith(b"}\n")]
        return lines, self.state["offset"] + sum(map(len, whole))

    def _later(self, why: str) -> None:
        self._again_at = self._now() + self._wait_s
        self._wait_s = min(LONGEST_WAIT_S, 2 * self._wait_s)
        self._tell(why)
        self._write()

    def _tell(self, message: str) -> None:
        if message and message != self.state["message"]:
            log.warning(message)
        self.state["message"] = message

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_json(self._path, self.state)


def read_state(path: Path) -> dict[str, Any]:
    """Place of a follower: `offset` in metrics.jsonl, lines `sent` and `refused`, the tracker's own name of the
    `run`, and the `message` of what is wrong now.
    """
    known = json.loads(path.read_text()) if path.exists() else {}
    return {"offset": 0, "sent": 0, "refused": 0, "run": None, "message": ""} | known


def state_file(folder: RunFolder, kind: TrackerKind) -> Path:
    return folder.trackers / f"{kind.value}.json"


def unsent(folder: RunFolder, kind: TrackerKind) -> int:
    """Whole lines of metrics.jsonl that the tracker has not got yet."""
    if not folder.metrics.exists():
        return 0
    with folder.metrics.open("rb") as stream:
        stream.seek(read_state(state_file(folder, kind))["offset"])
        return sum(line.startswith(b"{") and line.endswith(b"}\n") for line in stream)


def follow(follower: LineSender) -> bool:
    """Follows until rank 0 says its last word, then hands over the rest; True if the run has finished."""
    while not select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
        while follower.turn():
            pass
    return sys.stdin.readline().strip() == FINISHED


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything has been handed over."""
    parser = argparse.ArgumentParser(
        prog="python -m workloads.pretrain.record.track", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("job", type=Path, metavar="JOB_FILE", help="job.json in the run's folder")
    parser.add_argument("kind", choices=[kind.value for kind in TrackerKind], help="the tracker")
    parser.add_argument("--follow", action="store_true", help="until a last word on standard input")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    job = read_job(options.job)
    spec = next((one for one in job.training.trackers if one.kind == options.kind), None)
    if spec is None:
        parser.error(f"the job has no tracker {options.kind}; add it to training.trackers, or name one that it has")
    folder = RunFolder.of(job)
    tracker = tracker_of(spec, job, folder.trackers / spec.kind.value)
    follower = LineSender(folder.metrics, state_file(folder, spec.kind), tracker)
    finished = True
    if options.follow:
        _beside_rank_0()
        finished = follow(follower)
    while follower.turn():
        pass
    follower.close(finished)
    return ExitCode.FINISHED if unsent(folder, spec.kind) == 0 else ExitCode.FAILED


def _beside_rank_0() -> None:
    """Ends with rank 0 and not before it, and leaves it the cores."""
    die_with_parent()
    os.nice(NICE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
