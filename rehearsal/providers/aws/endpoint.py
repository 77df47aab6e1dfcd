"""The account's API over HTTP on loopback, for programs that speak to AWS themselves, as penstock's own drain does.

It answers from the same moto that the engine's requests change, and groups that are resized here are in the account.
"""

import json
import logging
import os
import shlex
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from rehearsal.cloud.credential_program import credential_program
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.aws import session_manager
from rehearsal.providers.aws.resizing import resizing

LOOPBACK = "127.0.0.1"
SIMULATED = "simulated"
STATE = "state"
"""Folder of what penstock's processes note for each other."""
KEEPER, TUNNEL_END_S = "providers.aws.tunnel.keeper", 20.0
DISCARD_PORT = 9
"""Port that nobody listens on: a client of AWS in a preview gets no answer, and never a real account's."""


@contextmanager
def environment(
    folder: Path, config: Mapping[str, Any], cloud: SimulatedCloud, *, preview: bool
) -> Iterator[Mapping[str, str]]:
    """The environment that leads boto3 to the simulation; in a preview, to nobody. The profile that the stack file
    names is there, and leads to the same.
    """
    profile = str(config.get("aws:profile") or SIMULATED)
    if preview:
        yield _nobodys(folder, f"http://{LOOPBACK}:{DISCARD_PORT}", profile)
        return
    with api_endpoint(folder, profile, cloud) as env:
        try:
            yield env
        finally:
            _close_tunnels(folder)


@contextmanager
def api_endpoint(
    folder: Path, profile: str = SIMULATED, cloud: SimulatedCloud | None = None
) -> Iterator[Mapping[str, str]]:
    """The environment that leads boto3 there, and to no account of the user's, while the block runs. Without `cloud`,
    moto is all that answers.
    """
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells of every request
    moto: Any = DomainDispatcherApplication(create_backend_app)
    app = resizing(cloud, moto) if cloud else moto
    server = make_server(LOOPBACK, 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield _nobodys(folder, f"http://{LOOPBACK}:{server.server_port}", profile)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def credentials(folder: Path, given: Path) -> Mapping[str, str]:
    """The environment in which a kubeconfig finds the programs `aws`, which gives out tokens of a cluster and forwards
    ports through its host, and `penstock` itself, whose tunnels it keeps apart from the user's own.
    """
    further = dict.fromkeys(("ec2 describe-instances", "ssm start-session"), session_manager.__file__)
    env = credential_program(folder, "aws", "eks get-token --cluster-name ", given, further)
    own = folder / "bin" / "penstock"
    own.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m penstock "$@"\n')
    own.chmod(0o700)
    return {**env, "XDG_STATE_HOME": str(folder / STATE)}


def _close_tunnels(folder: Path) -> None:
    """Ends the tunnels of the rehearsal, which would else wait for somebody to use them."""
    for record in (folder / STATE).glob("penstock/tunnels/*/*.json"):
        with suppress(psutil.Error, OSError, ValueError):
            keeper = psutil.Process(json.loads(record.read_text())["pid"])
            if KEEPER in keeper.cmdline():
                keeper.terminate()
                keeper.wait(TUNNEL_END_S)


def _nobodys(folder: Path, url: str, profile: str) -> dict[str, str]:
    """The environment in which nothing of the user's own AWS settings is found: neither identity nor endpoint. Its
    settings lie in the folder. An endpoint of one service comes before that of all (boto3, "Service-specific
    endpoints"), and AWS_DEFAULT_PROFILE before AWS_PROFILE.
    """
    settings = folder / "aws.config"
    keys = "aws_access_key_id = simulated\naws_secret_access_key = simulated\n"
    settings.write_text("".join(f"[profile {name}]\n{keys}" for name in sorted({profile, SIMULATED})))
    of_services = {name: url for name in os.environ if name.startswith("AWS_ENDPOINT_URL_")}
    return of_services | {
        "AWS_ACCESS_KEY_ID": SIMULATED,
        "AWS_SECRET_ACCESS_KEY": SIMULATED,
        "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": SIMULATED,
        "AWS_DEFAULT_PROFILE": SIMULATED,
        "AWS_CONFIG_FILE": str(settings),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws.credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_ENDPOINT_URL": url,
    }
