"""The first process of the lab's namespace: `python -m lab.supervisor HOME`.

Makes the network, starts the lab's processes in order, starts again what ends, and writes down what it sees. It is
process 1 in there: when it ends, whatever ends it, the kernel kills everything else in the namespace. Standard library
only, so that it starts at once and stays small.
"""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from components.labels import PROCESS_MARK
from lab.folders import Home
from lab.network import set_up_network, system_path
from lab.process_specs import Order, read_orders

KEEP = b"keep\n"
"""Word of `up` on stdin once the lab is to stay when it has gone; until then the lab goes with it."""
TURN_S = 0.05
LOOK_AGAIN_S = 2.0
PROBE_TIMEOUT_S = 1.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
STEADY_S = 20.0
"""A process that lived that long is started again at once when it dies; others wait, longer each time."""


def main(folder: Path) -> None:
    """Runs the lab until it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for `up`, which then closes stdin
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Thread(target=_leave_with_up, daemon=True).start()
    set_up_network()
    home = Home(folder)
    orders, authority = read_orders(home.orders)
    LabSupervisor(orders=orders, tls=ssl.create_default_context(cafile=str(authority)), home=home).run()


def _leave_with_up() -> None:
    if sys.stdin.buffer.readline() != KEEP:
        os._exit(1)


@dataclass(slots=True)
class Child:
    """One of the lab's processes, through all its lives."""

    order: Order
    pid: int = 0
    """0 while it does not live."""
    ready: bool = False
    started: float = 0.0
    restarts: int = -1
    pause_s: float = 0.0
    due: float = 0.0
    """Time of its next start."""
    look: float = 0.0
    """Time of its next probe."""

    def state(self) -> dict[str, object]:
        return {"pid": self.pid, "ready": self.ready, "restarts": max(0, self.restarts)}


@dataclass(slots=True, kw_only=True)
class LabSupervisor:
    """All of them."""

    orders: tuple[Order, ...]
    tls: ssl.SSLContext
    home: Home
    children: dict[str, Child] = field(default_factory=dict)
    written: str = ""

    def run(self) -> None:
        """For ever."""
        self.children = {order.name: Child(order) for order in self.orders}
        while True:
            now = time.monotonic()
            for pid in _ended():
                self._bury(pid, now)
            for child in self.children.values():
                self._turn(child, now)
            self._write()
            time.sleep(TURN_S)

    def _turn(self, child: Child, now: float) -> None:
        if not child.pid:
            if now >= child.due and all(self.children[name].ready for name in child.order.after):
                self._start(child, now)
        elif now >= child.look:
            child.ready = self._serves(child)
            child.look = now + (LOOK_AGAIN_S if child.ready else TURN_S)

    def _start(self, child: Child, now: float) -> None:
        env = {"PATH": system_path(), "HOME": str(self.home.folder), PROCESS_MARK: str(self.home.folder)} | dict(
            child.order.env
        )
        with Path(child.order.log).open("ab") as log:
            process = subprocess.Popen(
                child.order.command, env=env, cwd=self.home.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=child.order.descriptors, start_new_session=True,
            )  # fmt: skip
        process.returncode = 0  # reaped here, by `_ended`, like every other process of the namespace
        child.pid, child.started, child.look, child.restarts = process.pid, now, now, child.restarts + 1

    def _serves(self, child: Child) -> bool:
        if not child.order.probe:
            return True
        secure = self.tls if child.order.probe.startswith("https") else None
        try:
            with urllib.request.urlopen(child.order.probe, timeout=PROBE_TIMEOUT_S, context=secure) as answer:  # noqa: S310 (an address of the lab's own)
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _bury(self, pid: int, now: float) -> None:
        for child in self.children.values():
            if child.pid == pid:
                steady = now - child.started >= STEADY_S
                child.pause_s = FIRST_PAUSE_S if steady else min(LONGEST_PAUSE_S, 2 * child.pause_s or FIRST_PAUSE_S)
                child.pid, child.ready, child.due = 0, False, now + child.pause_s

    def _write(self) -> None:
        """state.json, whole at every moment, when something in it has changed."""
        text = json.dumps({name: child.state() for name, child in self.children.items()}, indent=1)
        if text != self.written:
            partial = self.home.state.with_suffix(".partial")
            partial.write_text(text + "\n")
            partial.replace(self.home.state)
            self.written = text


def _ended() -> Iterator[int]:
    """Processes that have ended: children, and orphans of the namespace, which come to process 1."""
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            yield pid


if __name__ == "__main__":
    main(Path(sys.argv[1]))
