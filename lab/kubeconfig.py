"""A kubeconfig for programs that read nothing else."""

import base64
import json
import os
from pathlib import Path
from typing import Any

from components.kubernetes.kubeconfig import Access

NAME = "penstock"


def write_kubeconfig(access: Access, file: Path) -> Path:
    """The file, readable by this user only; JSON, which is YAML too."""
    cluster: dict[str, Any] = {"server": access.server}
    if access.authority:
        cluster["certificate-authority-data"] = _coded(access.authority)
    if access.insecure:
        cluster["insecure-skip-tls-verify"] = True
    user: dict[str, Any] = {"token": access.token} if access.token else {}
    if access.certificate:
        certificate, key = access.certificate
        user |= {"client-certificate-data": _coded(certificate), "client-key-data": _coded(key)}
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": cluster}], "users": [{"name": NAME, "user": user}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
    }  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        json.dump(content, stream)
    return file


def _coded(content: bytes) -> str:
    return base64.b64encode(content).decode()
