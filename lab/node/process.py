"""Child processes under asyncio, without a thread for each: their ends are told by the kernel (pidfd)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

COMMAND_TIMEOUT_S = 30.0
CONTROL_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class CommandError(Exception):
    """A command of the node itself failed: what it was, and what it said."""


_watched: set[int] = set()
_ended_before: set[int] = set()


class ContainerProcess:
    """A child process: one that this process started, or one that fell to it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._handle = os.pidfd_open(pid)
        _watched.add(pid)
        asyncio.get_running_loop().add_reader(self._handle, self._collect)

    async def wait(self) -> int:
        """The exit status; -N where signal N ended it. May be awaited many times, and cancelled."""
        return await asyncio.shield(self._ended)

    def signal(self, number: signal.Signals) -> None:
        """To this process alone; nothing where it has ended."""
        if not self._ended.done():
            signal.pidfd_send_signal(self._handle, number)

    def kill_group(self) -> None:
        """Ends the process and what it left in its group, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _collect(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        _, status = os.waitpid(self.pid, 0)
        os.close(self._handle)
        _watched.discard(self.pid)
        self._ended.set_result(os.waitstatus_to_exitcode(status))


def start(
    argv: Sequence[str], *, env: Mapping[str, str], output: IO[bytes] | int, stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> ContainerProcess:  # fmt: skip
    """A new child, in a session of its own."""
    started = subprocess.Popen(
        argv, env=env, stdin=stdin, stdout=output, stderr=subprocess.STDOUT, pass_fds=pass_fds, start_new_session=True
    )
    child = ContainerProcess(started.pid)
    started.returncode = 0  # Child collects it: Popen must not
    return child


def reap_orphans() -> None:
    """Collects an ended child that nobody waits for, such as what a killed probe had started.

    To be called now and then: it takes only what had ended by the call before, as another's Child may be on its way.
    """
    with contextlib.suppress(ChildProcessError):  # there are none at all
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found and found.si_pid in _ended_before:
            os.waitpid(found.si_pid, 0)
        _ended_before.clear()
        if found and found.si_pid not in _watched:
            _ended_before.add(found.si_pid)


async def command(*argv: str, stdin: str = "") -> None:
    """Runs a tool of this machine to its end; CommandError where it fails."""
    code, said = await output_of(argv, env=CONTROL_ENV, stdin=stdin, timeout_s=COMMAND_TIMEOUT_S)
    if code != 0:
        raise CommandError(f"{' '.join(argv)}: {said.strip() or f'ended with {code}'}")


async def output_of(
    argv: Sequence[str], *, env: Mapping[str, str], timeout_s: float, stdin: str = ""
) -> tuple[int, str]:
    """Exit status and output of a short command; TimeoutError, with the command killed, where it takes longer."""
    fed, said = os.memfd_create("stdin"), os.memfd_create("output")
    try:
        os.write(fed, stdin.encode())
        os.lseek(fed, 0, os.SEEK_SET)
        child = start(argv, env=env, output=said, stdin=fed)
        try:
            async with asyncio.timeout(timeout_s):
                code = await child.wait()
        except BaseException:
            child.kill_group()
            raise
        return code, os.pread(said, 65536, 0).decode(errors="replace")
    finally:
        os.close(fed)
        os.close(said)


def tail(path: Path, limit_bytes: int) -> str:
    """The end of a file, empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - limit_bytes))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
