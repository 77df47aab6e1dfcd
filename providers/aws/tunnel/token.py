"""Tokens of an EKS cluster, by the AWS command line, and the command that a kubeconfig names."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

from components.errors import PenstockError
from providers.aws.tunnel.way import Way

_API = "client.authentication.k8s.io/v1beta1"


def direct_command(cluster: str, region: str, identity: Mapping[str, str]) -> dict[str, Any]:
    """Credential command of a kubeconfig whose server is reached as it is."""
    return {
        "apiVersion": _API, "interactiveMode": "Never", "command": "aws",
        "args": _asked(cluster, region, identity), "installHint": "install the AWS command line (version 2)",
    }  # fmt: skip


def tunnel_command(way: Way, cluster: str) -> dict[str, Any]:
    """Credential command of a kubeconfig whose server is reached through a tunnel."""
    hint = "activate penstock's environment (source .venv/bin/activate), so that `penstock` is on PATH"
    return {
        "apiVersion": _API, "interactiveMode": "Never", "command": "penstock",
        "args": ["token", cluster, way.written()], "installHint": hint,
    }  # fmt: skip


def print_token(way: Way, cluster: str) -> int:
    """Status of the AWS command line, which prints the credential."""
    try:
        return subprocess.run(["aws", *_asked(cluster, way.region, _identity(way))], check=False).returncode
    except FileNotFoundError:
        raise PenstockError("the program aws is missing; install the AWS command line (version 2)") from None


def _asked(cluster: str, region: str, identity: Mapping[str, str]) -> list[str]:
    words = ["--region", region, "eks", "get-token", "--cluster-name", cluster, "--output", "json"]
    return words + [word for key, value in identity.items() for word in (f"--{key.replace('_', '-')}", value)]


def _identity(way: Way) -> dict[str, str]:
    return {key: value for key, value in (("profile", way.profile), ("role_arn", way.role_arn)) if value}
