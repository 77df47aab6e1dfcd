"""Becomes a container's main process: mounts the root that its plan tells, then executes the container's command.

Runs alone (`python -I -S launcher.py FD`) and imports nothing of this project, so that a container starts in some
hundredths of a second. It leaves a child behind, the first process of new PID, mount, UTS and IPC namespaces, which
falls to the node agent (a subreaper) and dies with it. FD is a file with the plan as JSON: `network` (a file that names
a network namespace, or nothing), `root` (an empty folder), `hostname`, `mounts` (see mounts.py), `argv`, `env`, `cwd`,
`report` (a named pipe into which come the process's id outside and a line end, then a sentence where it fails; it
closes when the command runs).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 1 << 17, 1 << 26, 1 << 27, 1 << 29, 1 << 30
PR_SET_PDEATHSIG, SIGKILL = 1, 9
MS_NOSUID, MS_NOEXEC = 2, 8
MS_BIND, MS_REC, MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY = 1
SYS_MOUNT_SETATTR = 442  # the same number on every architecture

TYPE_CHECKING = False
if TYPE_CHECKING:  # the module itself takes longer to import than all else here
    from typing import Any

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    with os.fdopen(int(sys.argv[1])) as file:
        plan = json.load(file)
    _fork_into_namespaces(plan["network"])
    report = os.open(plan["report"], os.O_WRONLY)  # closes on exec
    os.write(report, os.readlink("/proc/self").encode() + b"\n")  # /proc is still the one outside
    try:
        start(plan)
    except OSError as error:
        os.write(report, str(error).encode())
    os._exit(128)


def _fork_into_namespaces(network: str) -> None:
    """Returns in the child alone, once it is the agent's own."""
    if network:
        handle = os.open(network, os.O_RDONLY)
        check(libc.setns(handle, CLONE_NEWNET), network)
        os.close(handle)
    check(libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID), "unshare")
    launcher = int(os.readlink("/proc/self"))
    if os.fork():
        os._exit(0)
    while parent() == launcher:  # else the launcher's end, not the agent's, would end the container
        time.sleep(0.0005)
    check(libc.prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl")


def parent() -> int:
    """As /proc tells it, which is still the one outside: inside, a namespace's first process has no parent."""
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def start(plan: dict[str, Any]) -> None:
    """Does not return; OSError where a mount or the command cannot be had."""
    libc.sethostname(plan["hostname"].encode(), len(plan["hostname"].encode()))
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", plan["root"], "tmpfs", 0, "mode=755")
    for step in plan["mounts"]:
        make(plan["root"] + step["path"], step)
    os.chdir(plan["root"])
    check(libc.pivot_root(b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")
    os.makedirs(plan["cwd"], exist_ok=True)
    os.chdir(plan["cwd"])
    os.umask(0o022)
    execute(plan["argv"], plan["env"])


def make(path: str, step: dict[str, Any]) -> None:
    """One entry of the new root."""
    how = step["how"]
    if how == "link":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(step["source"], path)
    elif how == "folder":
        os.makedirs(path, exist_ok=True)
        os.chmod(path, step["mode"])
    elif how == "bind":
        bind(path, step["source"], step["read_only"])
    else:
        os.makedirs(path, exist_ok=True)
        mount(how, path, how, MS_NOSUID | MS_NOEXEC, step.get("options", ""))


def bind(path: str, source: str, read_only: bool) -> None:
    if os.path.isdir(source):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.lexists(path):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, path, None, MS_BIND | MS_REC)
    if read_only:
        attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, 0, 0)
        number, size = ctypes.c_long(SYS_MOUNT_SETATTR), ctypes.c_size_t(32)
        where = ctypes.c_char_p(path.encode())
        check(libc.syscall(number, AT_FDCWD, where, AT_RECURSIVE, ctypes.byref(attributes), size), path)


def mount(source: str, path: str, kind: str | None, flags: int, options: str = "") -> None:
    code = libc.mount(
        source.encode(), path.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), options.encode()
    )
    check(code, path)


def execute(argv: list[str], env: dict[str, str]) -> None:
    """As a shell finds a command, in the container's own PATH. Imports nothing, as Python's library is out of sight."""
    command = argv[0]
    folders = [""] if "/" in command else [folder + "/" for folder in env.get("PATH", "").split(":")]
    refused: OSError = FileNotFoundError(2, "executable file not found in $PATH")
    for folder in folders:
        try:
            os.execve(folder + command, argv, env)
        except (FileNotFoundError, NotADirectoryError) as error:
            refused = error if "/" in command else refused
        except OSError as error:
            refused = error
    raise OSError(refused.errno, f'exec: "{command}": {refused.strerror}')


def check(code: int, what: str) -> None:
    if code != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    main()
