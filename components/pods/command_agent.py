"""The agent of a node whose ranks run a program of the user's own, in whatever image: `agent.py JOB_FILE`.

It comes with the job's file and not with the image, so it is one file, imports Python's own library alone, and runs on
Python 3.9. Its contract is that of penstock's trainer: the same arguments, status.json, metrics and exit codes.

0: every rank ended with 0. 75: stopped on request. 70, 78: a rank ended so, and is not worth starting again. 1: a rank
ended otherwise; the scheduler starts the gang again as a whole.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

FINISHED, FAILED, GAVE_UP, PREEMPTED, REFUSED = 0, 1, 70, 75, 78
STORE_PORT = 29402
"""Port of the store in which torch's ranks meet, on node 0: beside the port of penstock's own agents."""
LOOK_EVERY_S = 0.2
LEAVE_S = 10.0
"""Seconds that the other ranks of a node get to end once one has ended in order."""
STATES = {FINISHED: "finished", PREEMPTED: "preempted"}


class CommandAgent:
    """Starts the ranks of one node, hands on the request to stop, and tells the end."""

    def __init__(self, job: dict[str, Any], meeting: str) -> None:
        self.job, self.meeting = job, meeting
        before: int = int(os.environ.get("SLICE_INDEX", "0")) * job.get("sliceNodes", 0)
        self.node = before + int(os.environ.get("NODE_RANK", "0"))
        self.folder = Path(job["runFolder"])
        self.attempt = 1
        self.stop_at: float | None = None
        self.ranks: list[subprocess.Popen[bytes]] = []

    def run(self) -> int:
        """The exit code of this node."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        if self.leads:
            (self.folder / "logs").mkdir(parents=True, exist_ok=True)
            self.attempt = int(self.told().get("attempt", 0)) + 1
        self.serve()
        self.tell("starting")
        if self.stop_at is not None:
            return self.end(PREEMPTED, "stopped before the ranks were started")
        try:
            for local in range(self.job["ranksPerNode"]):
                self.ranks.append(subprocess.Popen(self.job["command"], env=self.environment(local)))
        except OSError as error:
            self.kill()
            what = f"{self.job['command'][0]}: {error.strerror}; training.command begins with a program of the image"
            return self.end(REFUSED, what)
        self.tell("training")
        if self.stop_at is not None:  # it came while they were started, and did not reach all of them
            self.send(signal.SIGTERM)
        return self.watch()

    @property
    def leads(self) -> bool:
        """True on node 0, which alone writes to the run's folder."""
        return self.node == 0

    def environment(self, local: int) -> dict[str, str]:
        """Variables by which torch's `env://`, and whatever starts as torchrun would start it, finds the others."""
        per_node, nodes = self.job["ranksPerNode"], self.job["nodes"]
        given = {
            "RANK": self.node * per_node + local,
            "LOCAL_RANK": local,
            "WORLD_SIZE": nodes * per_node,
            "LOCAL_WORLD_SIZE": per_node,
            "GROUP_RANK": self.node,
            "NODE_RANK": self.node,
            "MASTER_ADDR": self.meeting or "127.0.0.1",
            "MASTER_PORT": STORE_PORT,
            "PENSTOCK_RUN_FOLDER": self.folder,
        }
        if given["RANK"] == 0 and "WANDB_PROJECT" in os.environ:
            given |= {"WANDB_RUN_ID": self.wandb_run(), "WANDB_RESUME": "allow"}
        return {**os.environ, **{key: str(value) for key, value in given.items()}}

    def wandb_run(self) -> str:
        """Name of the run at W&B, the same for every start of the gang: rank 0 goes on in it."""
        home = self.folder / "trackers" / "wandb"
        home.mkdir(parents=True, exist_ok=True)
        file = home / "run-id"
        if not file.exists():
            file.write_text(secrets.token_hex(8))
        return file.read_text()

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Handles a request to stop: once, to all ranks; they have `stopS` to write what they want to keep."""
        if self.stop_at is None:
            self.stop_at = time.monotonic() + self.job["stopS"]
            self.send(signal.SIGTERM)

    def watch(self) -> int:
        """Waits for the ranks. One that fails takes the others along, as they would wait for it in vain."""
        leave_at: float | None = None
        while True:
            codes = [rank.poll() for rank in self.ranks]
            wrong = [
                (rank, code)
                for rank, code in enumerate(codes)
                if code is not None and code not in (FINISHED, PREEMPTED)
            ]
            if wrong and self.stop_at is None:
                self.kill()
                return self.end(*self.verdict(*wrong[0]))
            if None not in codes:
                return self.end(*self.whole(codes))
            now = time.monotonic()
            if leave_at is None and PREEMPTED in codes:
                leave_at = now + LEAVE_S
            if now > min(self.stop_at or now, leave_at or self.stop_at or now):
                self.kill()
                why = "stopped; the ranks that were left were killed"
                return self.end(PREEMPTED, why)
            time.sleep(LOOK_EVERY_S)

    def verdict(self, local: int, code: int) -> tuple[int, str]:
        """Exit code and reason for a rank that failed."""
        rank = self.node * self.job["ranksPerNode"] + local
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return (code if code in (GAVE_UP, REFUSED) else FAILED), f"rank {rank} {how}"

    def whole(self, codes: list[int | None]) -> tuple[int, str]:
        """Exit code and reason when all ranks have ended."""
        if self.stop_at is not None or PREEMPTED in codes:
            final = [(rank, code) for rank, code in enumerate(codes) if code is not None and code in (GAVE_UP, REFUSED)]
            return self.verdict(*final[0]) if final else (PREEMPTED, "stopped on request")
        return FINISHED, "every rank has ended"

    def send(self, number: signal.Signals) -> None:
        """To the ranks that run."""
        for rank in self.ranks:
            if rank.poll() is None:
                rank.send_signal(number)

    def kill(self) -> None:
        """Ends the ranks that run, at once."""
        self.send(signal.SIGKILL)
        for rank in self.ranks:
            rank.wait()

    def end(self, code: int, message: str) -> int:
        """Tells how it ended, on stderr and in status.json."""
        sys.stderr.write(f"{message}\n")
        self.tell(STATES.get(code, "failed"), message)
        return code

    def told(self) -> dict[str, Any]:
        """status.json as it is; empty where there is none yet."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "status.json").read_text())
            return found
        except (OSError, ValueError):
            return {}

    def tell(self, state: str, message: str = "") -> None:
        """Writes status.json, whole or not at all."""
        if not self.leads:
            return
        size = self.job["nodes"] * self.job["ranksPerNode"]
        status = {"state": state, "message": message, "attempt": self.attempt, "worldSize": size, "warning": ""}
        partial = self.folder / ".status.json"
        partial.write_text(json.dumps({**self.told(), **status, "updated": time.time()}))
        partial.rename(self.folder / "status.json")

    def serve(self) -> None:
        """Metrics of the agent for Prometheus: a port that somebody has ends no run."""
        port, agent = self.job.get("metricsPort"), self
        if not port:
            return

        class Metrics(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                running = sum(rank.poll() is None for rank in agent.ranks)
                values = {
                    "penstock_world_size": agent.job["nodes"] * agent.job["ranksPerNode"],
                    "penstock_attempt": agent.attempt,
                    "penstock_ranks_running": running,
                }
                text = "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in values.items()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Nothing: each scrape would be a line of the job's log."""

        try:
            server = http.server.ThreadingHTTPServer((os.environ.get("POD_IP") or "127.0.0.1", port), Metrics)
        except OSError as error:
            sys.stderr.write(f"no metrics on port {port}: {error.strerror}\n")
            return
        threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> int:
    """Runs the job of the file on this node."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("--rendezvous", default="")
    parser.add_argument("--address", default="")
    options = parser.parse_args()
    return CommandAgent(json.loads(options.job.read_text()), options.rendezvous.rpartition(":")[0]).run()


if __name__ == "__main__":
    sys.exit(main())
