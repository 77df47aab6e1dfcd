"""The account's API over HTTP on loopback, for programs that speak to AWS themselves, as penstock's own drain does.

It answers from the same moto that the engine's requests change.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rehearsal.cloud.credential_program import credential_program

LOOPBACK = "127.0.0.1"
DISCARD_PORT = 9
"""Port that nobody listens on: a client of AWS in a preview gets no answer, and never a real account's."""


@contextmanager
def environment(folder: Path, *, preview: bool) -> Iterator[Mapping[str, str]]:
    """The environment that leads boto3 to the simulation; in a preview, to nobody."""
    if preview:
        yield _no_credentials(folder)
        return
    with api_endpoint(folder) as env:
        yield env


@contextmanager
def api_endpoint(folder: Path) -> Iterator[Mapping[str, str]]:
    """The environment that leads boto3 there, and to no account of the user's, while the block runs."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells of every request
    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield _no_credentials(folder) | {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}"}
    finally:
        server.stop()


def credentials(folder: Path, token: str) -> Mapping[str, str]:
    """The environment in which a kubeconfig finds the program `aws`, which gives out the token of a cluster."""
    return credential_program(folder, "aws", "eks get-token --cluster-name ", token)


def _no_credentials(folder: Path) -> dict[str, str]:
    """The environment in which nothing of the user's own AWS settings is found. Its settings lie in the folder."""
    settings = folder / "aws.config"
    settings.write_text("[profile simulated]\n")
    return {
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",
        "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": "simulated",
        "AWS_CONFIG_FILE": str(settings),
        "AWS_SHARED_CREDENTIALS_FILE": str(settings),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{DISCARD_PORT}",
    }
