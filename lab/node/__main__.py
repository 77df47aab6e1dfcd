"""`python -m lab.node --kubeconfig FILE --nodes FILE --home DIR --programs FILE`, inside the lab's namespace.

One process for each node, one for Services and names, and this one, which starts them and does nothing else. A node is
killed alone by the process id in HOME/nodes/NAME.pid: with it go its pods. SIGHUP to this process (HOME/agent.pid)
starts the nodes of the file that do not run. When this process ends, all of them do. Process ids are those inside.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from components.kubernetes.kubeconfig import Access, KubeconfigError, read_kubeconfig
from lab.node import kernel
from lab.node.agent import NodeSpec, run_node
from lab.node.services import run_services

SERVICES = "services"
Work = Callable[[], Coroutine[Any, Any, None]]


class NodeSupervisor:
    """The processes of all nodes. It has neither threads nor a loop, so that it may fork at any time."""

    def __init__(self, access: Access, nodes: Path, home: Path, programs: Mapping[str, str]) -> None:
        self._access, self._nodes, self._home, self._programs = access, nodes, home, programs
        self._running: dict[int, str] = {}
        (home / "nodes").mkdir(parents=True, exist_ok=True)
        (home / "pods").mkdir(exist_ok=True)
        (home / "agent.pid").write_text(str(os.getpid()))

    def run(self) -> None:
        """Until it is told to end."""
        awaited = {signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        gc.freeze()  # the children share what is there by now
        self._start_missing()
        while True:
            received = signal.sigwait(awaited)
            if received in (signal.SIGTERM, signal.SIGINT):
                return
            self._collect()
            if received == signal.SIGHUP:
                self._start_missing()

    def _start_missing(self) -> None:
        if SERVICES not in self._running.values():
            self._fork(SERVICES, lambda: run_services(self._access))
        for index, spec in enumerate(_read_nodes(self._nodes), start=1):
            if spec.name not in self._running.values():
                self._fork(spec.name, self._node(spec, index))

    def _node(self, spec: NodeSpec, index: int) -> Work:
        return lambda: run_node(spec, self._access, index=index, home=self._home, programs=self._programs)

    def _fork(self, name: str, work: Work) -> None:
        pid = os.fork()
        if pid == 0:
            kernel.die_with_parent()
            kernel.own_mounts()
            kernel.adopt_orphans()
            signal.pthread_sigmask(signal.SIG_SETMASK, set())
            asyncio.run(work())
            os._exit(1)
        self._running[pid] = name
        self._pid_file(name).write_text(str(pid))

    def _collect(self) -> None:
        while self._running:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            name = self._running.pop(pid)
            self._pid_file(name).unlink(missing_ok=True)
            if name == SERVICES:
                self._start_missing()

    def _pid_file(self, name: str) -> Path:
        return self._home / "nodes" / f"{name}.pid"


def _read_nodes(path: Path) -> list[NodeSpec]:
    rows = json.loads(path.read_text())
    return [NodeSpec(**row | {"taints": tuple(row.get("taints") or ())}) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lab.node", description="the lab's process nodes")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument(
        "--nodes", type=Path, required=True, help="list of name, labels, taints, allocatable, annotations"
    )
    parser.add_argument("--home", type=Path, required=True, help="folder for pods and their logs")
    parser.add_argument("--programs", type=Path, required=True, help="program name -> path")
    given = parser.parse_args()
    try:
        access = read_kubeconfig(given.kubeconfig)
        programs = json.loads(given.programs.read_text())
        supervisor = NodeSupervisor(access, given.nodes.resolve(), given.home.resolve(), programs)
    except (KubeconfigError, OSError, ValueError) as error:
        sys.exit(f"process nodes: {error}")
    supervisor.run()


if __name__ == "__main__":
    main()
