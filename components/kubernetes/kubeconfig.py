"""Address and credentials of one cluster, from a kubeconfig."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

EXEC_TIMEOUT_S = 240.0
"""Of a credential helper: one that opens a tunnel waits minutes for a host that was just started."""


class KubeconfigError(Exception):
    """One sentence: what is wrong with the kubeconfig, and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One server and the credentials for it. Its text shows neither token nor key."""

    server: str
    authority: bytes | None = None
    """The certificate (PEM) that the server's own must come from; None: those that this machine trusts."""
    server_name: str = ""
    """Name that the server's certificate bears, where it is not the host of `server`."""
    insecure: bool = False
    token: str | None = None
    certificate: tuple[bytes, bytes] | None = None
    """Client certificate and key, PEM."""
    ends_s: float | None = None
    """Seconds since 1970 at which the credentials end, as far as their helper tells."""
    renew: Callable[[], Access] | None = None
    """Gets the access once more, with new credentials; KubeconfigError where there are none. None: it never changes."""

    def __repr__(self) -> str:
        return f"Access({self.server})"

    def tls(self) -> ssl.SSLContext | bool:
        """Verification of a connection's server, and the client's own proof."""
        if self.server.startswith("http://"):
            return False
        context = ssl.create_default_context(cadata=self.authority.decode() if self.authority else None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            with tempfile.NamedTemporaryFile() as file:  # only ever readable by this user
                file.write(b"\n".join(self.certificate))
                file.flush()
                context.load_cert_chain(file.name)
        return context


def read_kubeconfig(path: Path, context: str | None = None) -> Access:
    """The access that the file's context gives, the current one when left out; KubeconfigError where it gives none."""
    try:
        text = path.expanduser().read_text()
    except OSError as error:
        raise KubeconfigError(f"{path} cannot be read ({error.strerror})") from None
    return parse_kubeconfig(text, context, folder=path.expanduser().parent, source=str(path))


def parse_kubeconfig(
    text: str, context: str | None = None, *, folder: Path = Path(), source: str = "kubeconfig"
) -> Access:
    """As read_kubeconfig, from its content (YAML or JSON). Relative paths in it start at `folder`."""
    try:
        content = yaml.safe_load(text)
        chosen = context or content["current-context"]
        pair = _named(content, "contexts", chosen)["context"]
        cluster = _named(content, "clusters", pair["cluster"])["cluster"]
        user = _named(content, "users", pair["user"])["user"]
        server = cluster["server"]
    except (yaml.YAMLError, ValueError, KeyError, TypeError) as error:
        what = f"has no {error}" if isinstance(error, KeyError) else "is not a kubeconfig"
        raise KubeconfigError(f"{source} {what}; get a new one from the cluster's administrator") from None
    changes = "exec" in user or "tokenFile" in user
    return Access(
        server=server.rstrip("/"),
        authority=_bytes(cluster, "certificate-authority", folder),
        server_name=str(cluster.get("tls-server-name") or ""),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        renew=partial(parse_kubeconfig, text, context, folder=folder, source=source) if changes else None,
        **_credentials(user, folder, source),
    )


def _named(content: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    for row in content[key] or ():
        if row["name"] == name:
            found: Mapping[str, Any] = row
            return found
    raise KeyError(f"{key.removesuffix('s')} {name!r}")


def _credentials(user: Mapping[str, Any], folder: Path, source: str) -> dict[str, Any]:
    """Fields of the access."""
    if "exec" in user:
        return _run_helper(user["exec"], source)
    token = (_bytes(user, "tokenFile", folder) or b"").decode().strip() or user.get("token") or None
    certificate, key = _bytes(user, "client-certificate", folder), _bytes(user, "client-key", folder)
    return {"token": token, "certificate": (certificate, key) if certificate and key else None}


def _bytes(row: Mapping[str, Any], key: str, folder: Path) -> bytes | None:
    if data := row.get(f"{key}-data"):
        return base64.b64decode(data)
    if path := row.get(key):
        try:
            return (folder / Path(path).expanduser()).read_bytes()
        except OSError as error:
            raise KubeconfigError(f"{key}: {path} cannot be read ({error.strerror})") from None
    return None


def _run_helper(helper: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Runs a credential helper such as `aws eks get-token` and reads its answer as fields of the access."""
    own = {row["name"]: row["value"] for row in helper.get("env") or ()}
    command = [helper["command"], *(helper.get("args") or ())]
    try:
        done = subprocess.run(
            command, env=os.environ | own, capture_output=True, text=True, timeout=EXEC_TIMEOUT_S, check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return _given(json.loads(done.stdout)["status"])
    except FileNotFoundError:
        raise KubeconfigError(f"{source} needs the program {helper['command']}; install it") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or "").strip().splitlines()[-1:] or [f"it ended with {error.returncode}"]
        raise KubeconfigError(f"{source}: {helper['command']} gave no credentials: {reason[0]}") from None
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError, AttributeError):
        raise KubeconfigError(f"{source}: {helper['command']} gave no credentials; run it by hand to see why") from None


def _given(status: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the access in the status of an ExecCredential (client.authentication.k8s.io)."""
    pair = (status.get("clientCertificateData", "").encode(), status.get("clientKeyData", "").encode())
    ends = status.get("expirationTimestamp")
    return {
        "token": status.get("token"),
        "certificate": pair if all(pair) else None,
        "ends_s": datetime.fromisoformat(ends).timestamp() if ends else None,
    }
