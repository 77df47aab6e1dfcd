"""A server on this machine listens where only this machine can reach it."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from policies.rule import Rule
from policies.values import at


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """The address of an inference server that others can reach."""
    if kind != "penstock:local:InferenceServer":
        return
    host = at(inputs, "config", "inference", "host")
    if isinstance(host, str) and not _is_loopback(host):
        yield f"it listens on {host}, where others can reach it, and it has no authentication"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


RULE = Rule(
    name="loopback-only",
    reason="the inference service has no authentication of its own",
    remedy="leave inference.host out, and put a proxy with authentication in front for others",
    level="advisory",
    check=check,
)
