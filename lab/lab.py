"""A lab on this machine: brought up, found again, looked at, given faults, and taken down without a trace."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from components.files import read_json, tail, write_json
from components.kubernetes.api import KubernetesApi
from components.kubernetes.kubeconfig import Access, read_kubeconfig
from components.labels import PROCESS_MARK
from lab.certificates import make_certificates
from lab.control_plane import PYTHON_ENV, control_plane
from lab.errors import LabError
from lab.folders import Home
from lab.kwok import create_nodes, stages
from lab.preconditions import NAMESPACE, find, require_lab_possible
from lab.process_specs import read_orders, write_orders
from lab.shape import LabShape
from lab.supervisor import KEEP
from plugin.local.processes import Process, family
from tools.lab import Tools

READY_S = 180.0
"""Time that the control plane may take: seconds on an idle machine, a minute on one that is busy with other things."""
MOST_RESTARTS = 8
"""A process that died that often while the lab came up does not come up."""
GONE_S = 30.0
POLL_S = 0.05
NOTICED_S = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One process of the lab."""

    name: str
    pid: int
    """On this machine; 0 while it does not live."""
    alive: bool
    ready: bool
    restarts: int
    rss_mib: float
    """Of it and all below it."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is up."""

    home: Home
    init: Process
    """Process 1 of its namespace."""
    lease: int | None = None
    """Lease of a lab that goes with its maker: the pipe that tells it that the maker lives."""

    @property
    def kubeconfig(self) -> Path:
        """For this machine."""
        return self.home.kubeconfig

    @property
    def inside_kubeconfig(self) -> Path:
        """For processes in the lab's namespace."""
        return self.home.inside_kubeconfig

    def access(self) -> Access:
        """The API server through the door, as cluster administrator."""
        return read_kubeconfig(self.kubeconfig)

    def enter(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` inside the lab's namespace, in the folder /."""
        inside = ("--user", "--preserve-credentials", "--net", "--mount", "--pid")
        return [str(find("nsenter")), "--target", str(self.init.pid), *inside, "--", *command]

    def status(self) -> tuple[ProcessStatus, ...]:
        """Each process that the lab is made of, in the order in which they start; the first is the supervisor."""
        on_host = _pids_on_host(self.init)
        state = read_json(self.home.state)
        own = [_status("supervisor", self.init.pid, {"ready": True, "restarts": 0}, alone=True)]
        return tuple(own + [_status(name, on_host.get(row["pid"], 0), row) for name, row in state.items()])

    def kill(self, name: str) -> None:
        """Kills the process, as a crash would; the supervisor starts it again."""
        self._signal(name, signal.SIGKILL)

    def pause(self, name: str) -> None:
        """The process stands still until `resume`."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def kill_node(self, name: str) -> None:
        """Kills a process node, and with it its pods, as a power cut would; it stays away until `start_nodes`."""
        file = self.home.nodes / "nodes" / f"{name}.pid"
        if not file.exists():
            raise LabError(f"the lab has no living process node {name!r}")
        self._signal_inside(file, signal.SIGKILL)
        end = time.monotonic() + NOTICED_S
        while file.exists() and time.monotonic() < end:  # until it is noticed, `start_nodes` takes it for running
            time.sleep(POLL_S)

    def start_nodes(self) -> None:
        """Process nodes that were killed are back, without their pods."""
        self._signal_inside(self.home.nodes / "agent.pid", signal.SIGHUP)

    def _signal_inside(self, file: Path, number: signal.Signals) -> None:
        """To the process whose id in the lab's own namespace stands in the file."""
        subprocess.run(self.enter(["kill", f"-{number.value}", file.read_text()]), check=True)

    def _signal(self, name: str, number: signal.Signals) -> None:
        found = next((process for process in self.status() if process.name == name and process.alive), None)
        if found is None:
            raise LabError(f"the lab has no living process {name!r}; `penstock lab status` lists them")
        os.kill(found.pid, number)


def up(home: Path, shape: LabShape, tools: Tools, *, stays: bool = True, say: Say = lambda _: None) -> Lab:
    """A lab of this shape, ready to use: the one that is up in `home`, or a new one.

    `stays`: it outlives this process; else it ends with it, whatever ends it. Refuses (LabError) a lab of another
    shape that is up there, a machine that cannot run one, and one that does not come up, with what it said last.
    Interrupted or killed in the middle it leaves no process.
    """
    with _locked(home):
        if found := find_lab(home):
            if read_json(found.home.record).get("shape") != shape.as_json():
                raise LabError(f"a lab of another shape is up in {home}; take it down first: penstock lab down")
            return found
        require_lab_possible()
        shutil.rmtree(home, ignore_errors=True)
        lab, lease = _start(Home(home), shape, tools)
        try:
            _wait_ready(lab, say)
            with KubernetesApi(lab.access()) as api:
                create_nodes(api, shape.kwok)
                _wait_nodes(lab, api, shape, say)
        except BaseException:
            end(lab.init)
            raise
        if not stays:
            return Lab(lab.home, lab.init, lease)
        os.write(lease, KEEP)
        os.close(lease)
        return lab


def find_lab(home: Path) -> Lab | None:
    """The lab that is up in this folder."""
    init = Process.parse(read_json(Home(home).record).get("init"))
    return Lab(Home(home), init) if init and init.is_alive else None


def down(home: Path) -> int:
    """No process of the lab is left, nor its folder; how many processes there were."""
    with _locked(home):
        init = Process.parse(read_json(Home(home).record).get("init"))
        count = end(init) if init else 0
        shutil.rmtree(home, ignore_errors=True)
    return count


def end(init: Process) -> int:
    """Kills the namespace's process 1, and with it, by the kernel, all others; how many there were."""
    count = len(family(init))
    init.signal(signal.SIGKILL)
    if not init.wait(GONE_S):
        raise LabError(f"process {init.pid} of the lab does not end; look at it with: ps -fp {init.pid}")
    return count


def _start(home: Home, shape: LabShape, tools: Tools) -> tuple[Lab, int]:
    """The lab's first process, and the pipe by which it knows that this process lives."""
    home.make()
    with socket.create_server(("127.0.0.1", 0)) as door:
        _write_files(home, shape, tools, door)
        reading, lease = os.pipe()
        with home.log("supervisor").open("wb") as log:
            command = [str(find("unshare")), *NAMESPACE, "--", sys.executable, "-m", "lab.supervisor"]
            env = os.environ | PYTHON_ENV | {PROCESS_MARK: str(home.folder)}
            unshare = subprocess.Popen(
                [*command, str(home.folder)], env=env, stdin=reading, stdout=log, stderr=log,
                pass_fds=(door.fileno(),), start_new_session=True,
            )  # fmt: skip
        os.close(reading)
    init = _only_child(unshare, home)
    write_json(home.record, {"init": init.record(), "shape": shape.as_json()})
    return Lab(home, init), lease


def _write_files(home: Home, shape: LabShape, tools: Tools, door: socket.socket) -> None:
    programs = tools.programs
    make_certificates(home, door.getsockname()[1])
    (home.folder / "kwok.yaml").write_text(stages(tools.files("kwok", "stages")))
    (home.folder / "nodes.json").write_text(json.dumps([node.as_json() for node in shape.process], indent=1))
    (home.folder / "programs.json").write_text(
        json.dumps({name: str(path) for name, path in programs.items()}, indent=1)
    )
    write_orders(home.orders, control_plane(home, programs, shape, door.fileno()), home.pki / "ca.crt")


def _only_child(unshare: "subprocess.Popen[bytes]", home: Home) -> Process:
    """Process 1 of the namespace, which unshare has started or is about to."""
    while unshare.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(unshare.pid).children():
                if known := Process.of(child.pid):
                    return known
        time.sleep(0.01)
    raise LabError(f"the lab's namespace cannot be made{tail(home.log('supervisor'), 3)}")


def _wait_ready(lab: Lab, say: Say) -> None:
    begin = time.monotonic()
    names = [order.name for order in read_orders(lab.home.orders)[0]]
    told: set[str] = set()
    while len(told) < len(names):
        state = read_json(lab.home.state)
        for name in [name for name in names if state.get(name, {}).get("ready") and name not in told]:
            told.add(name)
            say(f"{name} ready after {time.monotonic() - begin:.1f} s")
        _require_hope(lab, state, [name for name in names if name not in told], time.monotonic() - begin)
        time.sleep(POLL_S)


def _require_hope(lab: Lab, state: Mapping[str, Any], waiting: Sequence[str], passed_s: float) -> None:
    """Refuses to go on where a process keeps dying, where too much time has passed, where nothing is left."""
    if not lab.init.is_alive:
        raise LabError(f"the lab ended while it came up{tail(lab.home.log('supervisor'), 5)}")
    for name in waiting:
        if state.get(name, {}).get("restarts", 0) >= MOST_RESTARTS or passed_s > READY_S:
            raise LabError(f"{name} of the lab does not come up; it says{tail(lab.home.log(name), 5)}")


def _wait_nodes(lab: Lab, api: KubernetesApi, shape: LabShape, say: Say) -> None:
    """Every node of the shape is Ready."""
    wanted = {node.name for node in (*shape.process, *shape.kwok)}
    begin = time.monotonic()
    while wanted:
        asked = time.monotonic()
        missing = wanted - {node["metadata"]["name"] for node in api.list("v1", "Node") if _is_ready(node)}
        if not missing:
            say(f"{len(wanted)} nodes ready after {time.monotonic() - begin:.1f} s")
            return
        if time.monotonic() - begin > READY_S:
            names = ", ".join(sorted(missing)[:5])
            raise LabError(f"{len(missing)} of {len(wanted)} nodes do not become Ready: {names}")
        state = read_json(lab.home.state)
        _require_hope(lab, state, tuple(state), 0.0)
        time.sleep(max(POLL_S, 4 * (time.monotonic() - asked)))  # a list of a thousand nodes is work for everybody


def _is_ready(node: Mapping[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    ready = any(row["type"] == "Ready" and row["status"] == "True" for row in conditions)
    taints = node["spec"].get("taints") or ()
    return ready and not any(taint["key"].startswith("node.kubernetes.io/") for taint in taints)


def _status(name: str, pid: int, row: Mapping[str, Any], *, alone: bool = False) -> ProcessStatus:
    known = Process.of(pid) if pid else None
    members = [known] if known and alone else family(known) if known else []
    return ProcessStatus(
        name=name, pid=pid, alive=bool(known), ready=bool(known and row["ready"]), restarts=row["restarts"],
        rss_mib=sum(map(_rss_mib, members)),
    )  # fmt: skip


def _rss_mib(process: Process) -> float:
    with contextlib.suppress(psutil.Error):
        return float(psutil.Process(process.pid).memory_info().rss) / 2**20
    return 0.0


def _pids_on_host(init: Process) -> dict[int, int]:
    """The pid on this machine of every pid in the lab's namespace."""
    found = {}
    for process in family(init):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("NSpid:"):
                    found[_inner_pid(line)] = process.pid
    return found


def _inner_pid(line: str) -> int:
    """proc(5): the pid in each namespace, from this one's inwards. Pods may have one of their own below the lab's."""
    return int(line.split()[2])


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One command at a time works on a lab."""
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.parent / f".{home.name}.lock", timeout=0):
            yield
    except Timeout:
        raise LabError(f"another command works on the lab in {home}; wait for it to end") from None
