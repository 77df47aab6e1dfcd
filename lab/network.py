"""The network inside the lab's namespace: a bridge for the pods, and every service address on this one host."""

import os
import shutil
import subprocess

from lab.folders import BRIDGE, GATEWAY, SERVICE_NETWORK

PREFIX = 16
BRIDGE_ADDRESS = "02:88:00:00:00:01"
COMMANDS = (
    ("link", "set", "lo", "up"),
    # With an address of its own: else it takes its lowest port's, which changes as pods come and go, and with each
    # change the others lose the way to the API server until their neighbour tables are renewed.
    ("link", "add", BRIDGE, "address", BRIDGE_ADDRESS, "type", "bridge"),
    ("addr", "add", f"{GATEWAY}/{PREFIX}", "dev", BRIDGE),
    ("link", "set", BRIDGE, "up"),
    # Every service address is one of this host: the service proxy can listen on any of them.
    ("route", "add", "local", SERVICE_NETWORK, "dev", "lo"),
)


def set_up_network() -> None:
    """Makes it. subprocess.CalledProcessError, with what `ip` says, where the namespace does not allow it."""
    program = _ip_program()
    for arguments in COMMANDS:
        subprocess.run([program, *arguments], check=True, capture_output=True, text=True)


def _ip_program() -> str:
    """`ip`, which lies in a folder that an ordinary user's PATH may lack; FileNotFoundError where there is none."""
    found = shutil.which("ip", path=system_path())
    if not found:
        raise FileNotFoundError("ip")
    return found


def system_path() -> str:
    """PATH, and the folders of the system's own programs."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])
