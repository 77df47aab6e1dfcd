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


class Process:
    """A running child, in a session of its own."""

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], output: IO[bytes] | int, stdin: int = subprocess.DEVNULL,
        pass_fds: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self._child = subprocess.Popen(
            argv, env=env, stdin=stdin, stdout=output, stderr=subprocess.STDOUT, pass_fds=pass_fds,
            start_new_session=True,
        )  # fmt: skip
        self.pid = self._child.pid
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._watch = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._watch, self._collect)

    async def wait(self) -> int:
        """The exit status; -N where signal N ended it. May be awaited many times, and cancelled."""
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        """Ends the child and what it left in its group, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _collect(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watch)
        os.close(self._watch)
        self._ended.set_result(self._child.wait())


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
        child = Process(argv, env=env, output=said, stdin=fed)
        try:
            async with asyncio.timeout(timeout_s):
                code = await child.wait()
        except BaseException:
            child.kill()
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
