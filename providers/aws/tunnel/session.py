"""A session of Session Manager that forwards a port: the AWS command line with its session-manager-plugin."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from components.errors import PenstockError
from providers.aws.session import session
from providers.aws.tunnel.way import Way

DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"
"""Forwards to another host than the one it runs on (Systems Manager User Guide, Starting a session)."""
API_PORT = 443
ASK_TIMEOUT_S = 30.0
YOUNG_HOST_S, PAUSE_S = 180.0, 5.0
"""A host that was just started is known to Session Manager after a minute or two."""
OPEN_TIMEOUT_S = 30.0
END_TIMEOUT_S = 5.0
NOT_YET = ("TargetNotConnected", "no host runs")
PLUGIN_MISSING = "SessionManagerPlugin is not found"


class SessionError(PenstockError):
    """One sentence: why there is no session, and the remedy."""


class Session:
    """A session that is up. It ends by itself at the limits of Session Manager, or with its process."""

    def __init__(self, way: Way, log: Path) -> None:
        """Starts it; SessionError where it cannot be had within minutes."""
        deadline = time.monotonic() + YOUNG_HOST_S
        while True:
            try:
                self._process, self.port = _start(way, log)
                return
            except SessionError as error:
                if not any(words in str(error) for words in NOT_YET) or time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_S)

    @property
    def is_up(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Ends the session. Interrupted, the plugin tells Session Manager, and the command line waits for it."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if _ended(self._process, number):
                return


def _ended(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    try:
        os.killpg(process.pid, number)
        process.wait(END_TIMEOUT_S)
    except ProcessLookupError:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _start(way: Way, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The process of a session, and the port of 127.0.0.1 that it listens on."""
    env = _identity(way)
    instance = _instance(way, env)
    port = _free_port()
    parameters = {"host": [way.endpoint], "portNumber": [str(API_PORT)], "localPortNumber": [str(port)]}
    command = [
        *_aws(way), "ssm", "start-session", "--target", instance, "--document-name", DOCUMENT,
        "--parameters", json.dumps(parameters),
    ]  # fmt: skip
    with log.open("ab") as file:
        begin = file.tell()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, env=env
        )
    deadline = time.monotonic() + OPEN_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SessionError(_reason(_said(log, begin), instance))
        if _listens(port):
            return process, port
        time.sleep(0.1)
    _ended(process, signal.SIGKILL)
    raise SessionError(f"Session Manager opened no port within {OPEN_TIMEOUT_S:.0f} s; see {log}")


def _aws(way: Way) -> list[str]:
    """The command line, as the stack's profile; a role is given by the environment."""
    profile = ["--profile", way.profile] if way.profile and not way.role_arn else []
    return ["aws", "--region", way.region, *profile]


def _identity(way: Way) -> Mapping[str, str]:
    """The environment in which the command line acts as the stack does: it has no option to assume a role."""
    env = dict(os.environ)
    if not way.role_arn:
        return env
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = session(way.region, profile=way.profile, role_arn=way.role_arn).get_credentials()
    except (BotoCoreError, ClientError) as error:
        raise SessionError(f"{way.role_arn} is not to be had: {error}") from None
    given = {
        "AWS_ACCESS_KEY_ID": found.access_key, "AWS_SECRET_ACCESS_KEY": found.secret_key,
        "AWS_SESSION_TOKEN": found.token,
    }  # fmt: skip
    return {key: value for key, value in env.items() if key not in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")} | given


def _instance(way: Way, env: Mapping[str, str]) -> str:
    """Id of the host that runs now."""
    command = [
        *_aws(way), "ec2", "describe-instances", "--output", "json",
        "--filters", f"Name=tag:aws:autoscaling:groupName,Values={way.group}",
        "Name=instance-state-name,Values=running", "--query", "Reservations[].Instances[].InstanceId",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command,
            env=env,
            capture_output=True,
            text=True,
            timeout=ASK_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise SessionError("the program aws is missing; install the AWS command line (version 2)") from None
    except subprocess.TimeoutExpired:
        raise SessionError(f"EC2 did not answer within {ASK_TIMEOUT_S:.0f} s; look at your connection") from None
    if done.returncode:
        raise SessionError(_reason(done.stderr, way.group))
    found: list[str] = json.loads(done.stdout or "[]")
    if not found:
        raise SessionError(f"no host runs in the group {way.group}; its activity history says why")
    return found[0]


def _reason(said: str, target: str) -> str:
    """The last line of a program, with a remedy where one is known."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if PLUGIN_MISSING in said:
        return "session-manager-plugin is missing; install it (Systems Manager User Guide, Install the plugin)"
    if "TargetNotConnected" in said:
        return f"TargetNotConnected: the agent of {target} has not reached Systems Manager; look at its role and routes"
    return lines[-1] if lines else "the AWS command line ended without a word; run it by hand to see why"


def _said(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode(errors="replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
