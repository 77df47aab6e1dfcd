"""One way through a host, as a kubeconfig names it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from components.errors import PenstockError

FIRST_PORT, PORTS = 20_000, 10_000
"""Ports that are chosen from: registered ones, below those that Linux (32768 and up) and macOS hand out themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Everything that a session needs to reach one API server."""

    region: str
    group: str
    """Auto scaling group of the host, which is found by it: it may have been started anew."""
    endpoint: str
    """Host name of the API server."""
    port: int
    """Port of 127.0.0.1 that leads there."""
    profile: str = ""
    role_arn: str = ""

    def written(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Way:
        """The way that `written` wrote; PenstockError for anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            raise PenstockError(f"{text!r} is no way to an API server; take the kubeconfig's own words") from None

    @property
    def server(self) -> str:
        """Address of the API server on this machine."""
        return server_at(self.port)


def server_at(port: int) -> str:
    return f"https://127.0.0.1:{port}"


def host_of(endpoint: str) -> str:
    """Host name in the cluster's address."""
    return urlsplit(endpoint).hostname or ""


def port_of(endpoint: str) -> int:
    """Port by the name of the endpoint: the same on every machine, and seldom that of another cluster."""
    digest = sha256(host_of(endpoint).encode()).digest()
    return FIRST_PORT + int.from_bytes(digest[:8], "big") % PORTS
