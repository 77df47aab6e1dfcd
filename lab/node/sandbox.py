"""Sandbox of one pod's containers: address, hostname, /etc, shared memory and folders, and the start of one."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.kubernetes.api import Object
from lab.node import kernel
from lab.node.mounts import BindMount, root_steps
from lab.node.network import Attachment
from lab.node.process import CONTROL_ENV, ContainerProcess, output_of, start

LAUNCH = [os.path.realpath(sys.executable), "-I", "-S", str(Path(__file__).with_name("launcher.py"))]
SHM_BYTES = 64 << 20  # what containerd gives
CLUSTER_DNS = "10.96.0.10"
DOMAIN = "cluster.local"
ACCOUNTS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
OWNER = "node"
"""File in a pod's folder: the name of the node that it is or was on."""
GROUPS = "root:x:0:\nnogroup:x:65534:\n"


class StartError(Exception):
    """The container's root could not be put together, or its command not be executed: one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Main process of a container."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    programs: Sequence[BindMount]
    volumes: Sequence[BindMount]


class Running:
    """A container's main process: the first of its own PID namespace, which ends with it."""

    def __init__(self, process: ContainerProcess) -> None:
        self._process = process
        self.pid = process.pid

    async def wait(self) -> int:
        """As a shell tells it: 128+N where signal N ended it."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    def signal(self, number: signal.Signals) -> None:
        self._process.signal(number)


class Sandbox:
    """One pod's part of this machine."""

    def __init__(self, pod: Object, folder: Path, attachment: Attachment) -> None:
        self.folder, self.attachment = folder, attachment
        self.hostname = host_name(pod)
        self._shm = folder / "shm"
        self._etc = folder / "etc"
        for path in (self._shm, self._etc, folder / "root"):
            path.mkdir(parents=True, exist_ok=True)
        (folder / OWNER).write_text(str(pod["spec"]["nodeName"]))
        for name, text in etc_files(pod, attachment.address).items():
            (self._etc / name).write_text(text)
        kernel.mount_memory(self._shm, SHM_BYTES)

    async def start(self, container: str, command: Command) -> Running:
        """The running container, its output appended to `CONTAINER.log`; StartError."""
        report = self.folder / f".{container}"
        os.mkfifo(report, 0o600)
        receive = os.open(report, os.O_RDONLY | os.O_NONBLOCK)
        plan = os.memfd_create("plan", 0)
        try:
            os.write(plan, json.dumps(self._plan(command, report)).encode())
            os.lseek(plan, 0, os.SEEK_SET)
            with (self.folder / f"{container}.log").open("ab") as log:
                launcher = start([*LAUNCH, str(plan)], env=CONTROL_ENV, output=log, pass_fds=(plan,))
            return Running(await _launched(report=receive, launcher=launcher))
        finally:
            os.close(plan)
            os.close(receive)
            report.unlink()

    async def execute(
        self, running: Running, argv: Sequence[str], command: Command, timeout_s: float
    ) -> tuple[int, str]:
        """Runs a command beside the container's main process, in its place: exit status and output."""
        enter = ["nsenter", f"--target={running.pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        return await output_of(
            [*enter, "env", f"--chdir={command.cwd}", *argv], env=command.env, timeout_s=timeout_s
        )  # fmt: skip

    def close(self) -> None:
        """Leaves the logs, and nothing else."""
        kernel.unmount(self._shm)
        clear(self.folder)

    def _plan(self, command: Command, report: Path) -> dict[str, object]:
        steps = root_steps(etc=self._etc, shm=self._shm, programs=command.programs, volumes=command.volumes)
        return {
            "network": str(self.attachment.namespace or ""), "root": str(self.folder / "root"),
            "hostname": self.hostname, "mounts": steps, "argv": list(command.argv),
            "env": dict(command.env), "cwd": command.cwd, "report": str(report),
        }  # fmt: skip


def clear(folder: Path) -> None:
    """Takes away all of a pod's folder but its logs and whose it is."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)


def host_name(pod: Object) -> str:
    """At most 63 characters, as the kernel takes them for a name of a pod."""
    spec = pod["spec"]
    if spec.get("hostNetwork"):
        return str(spec["nodeName"])
    return str(spec.get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")


def etc_files(pod: Object, address: str) -> dict[str, str]:
    """The pod's own /etc."""
    name, namespace, subdomain = host_name(pod), pod["metadata"]["namespace"], pod["spec"].get("subdomain")
    full = f"{name}.{subdomain}.{namespace}.svc.{DOMAIN} {name}" if subdomain else name
    rows = ["127.0.0.1 localhost", "::1 localhost ip6-localhost", f"{address} {full}"]
    rows += [f"{row['ip']} {' '.join(row.get('hostnames') or ())}" for row in pod["spec"].get("hostAliases") or ()]
    return {
        "hosts": "\n".join(rows) + "\n", "hostname": f"{name}\n", "resolv.conf": _resolver(pod["spec"], namespace),
        "passwd": ACCOUNTS, "group": GROUPS, "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }  # fmt: skip


def _resolver(spec: Object, namespace: str) -> str:
    """All names are the cluster's, whatever dnsPolicy: the lab has no others. dnsConfig is added, as everywhere."""
    given = spec.get("dnsConfig") or {}
    own = spec.get("dnsPolicy") != "None"
    servers = ([CLUSTER_DNS] if own else []) + list(given.get("nameservers") or ())
    searches = [f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN] if own else []
    options = {"ndots": "5"} if own else {}
    options |= {row["name"]: row.get("value") or "" for row in given.get("options") or ()}
    told = [f"{key}:{value}" if value else key for key, value in options.items()]
    lines = [f"nameserver {server}" for server in servers]
    lines += [f"search {' '.join([*searches, *(given.get('searches') or ())])}", f"options {' '.join(told)}"]
    return "\n".join(lines) + "\n"


async def _launched(*, report: int, launcher: ContainerProcess) -> ContainerProcess:
    """The main process, once it runs its command; StartError where it does not. Cancelled, it takes it away."""
    loop, said, closed = asyncio.get_running_loop(), bytearray(), asyncio.Event()

    def take() -> None:
        chunk = os.read(report, 4096)
        said.extend(chunk)
        if not chunk:
            loop.remove_reader(report)
            closed.set()

    loop.add_reader(report, take)
    try:
        if await launcher.wait() != 0:
            raise StartError("the container's namespaces could not be made; its log says why")
        await closed.wait()
        pid, _, error = said.decode(errors="replace").partition("\n")
        main = ContainerProcess(int(pid))
        if error:
            await main.wait()
            raise StartError(error)
    except asyncio.CancelledError:
        launcher.kill_group()  # the main process is of it
        raise
    finally:
        loop.remove_reader(report)
    return main
