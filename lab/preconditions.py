"""Preconditions of a lab on this machine, each with its remedy."""

import platform
import shutil
import subprocess
from pathlib import Path

import psutil

from lab.errors import LabError
from lab.folders import BRIDGE
from lab.network import system_path

PROGRAMS = {"unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "ip": "iproute2"}
"""Each with the Debian package that has it."""
NEEDED_MIB = 1536
"""Measured: the control plane of a small lab takes about half of it; the rest is for what runs on it."""
NAMESPACE = ("--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""For unshare. --kill-child and --pid: whoever dies, nothing inside outlives it."""
SYSCTL = Path("/proc/sys")


def require_lab_possible() -> None:
    """Refuses (LabError) a machine that cannot run a lab, with the remedy."""
    if platform.system() != "Linux":
        raise LabError(f"the lab needs Linux, this is {platform.system()}; run it in a Linux virtual machine")
    for program, package in PROGRAMS.items():
        if not find(program):
            raise LabError(f"the lab needs the program {program!r}; install it (Debian, Ubuntu: apt install {package})")
    if (refusal := namespace_refusal()) is not None:
        raise LabError(refusal)
    free_mib = psutil.virtual_memory().available >> 20
    if free_mib < NEEDED_MIB:
        raise LabError(
            f"the lab needs {NEEDED_MIB} MiB of memory, {free_mib} MiB are free; end something and try again"
        )


def find(program: str) -> str | None:
    """The program's path; an ordinary user's PATH may lack the system's folders."""
    return shutil.which(program, path=system_path())


def namespace_refusal() -> str | None:
    """Reason why this machine does not let its users make a namespace with a network, and the remedy; None where it
    does.
    """
    command = [str(find("unshare")), *NAMESPACE, str(find("ip")), "link", "add", BRIDGE, "type", "bridge"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
    return (
        f"the lab needs a user namespace with a network of its own, which this machine refuses ({said[0]}); {_remedy()}"
    )


def _remedy() -> str:
    if _sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "run: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu 24.04 and newer forbid it)"
    if _sysctl("kernel/unprivileged_userns_clone") == "0":
        return "run: sudo sysctl kernel.unprivileged_userns_clone=1"
    if _sysctl("user/max_user_namespaces") == "0":
        return "run: sudo sysctl user.max_user_namespaces=16384"
    return "in a container, start it with --privileged, or run the lab outside of it"


def _sysctl(name: str) -> str:
    try:
        return (SYSCTL / name).read_text().strip()
    except OSError:
        return ""
