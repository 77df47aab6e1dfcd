"""Access to the cluster that a stack file names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

from components.home import expand_home
from components.kubernetes.kubeconfig import Access, KubeconfigError, read_kubeconfig
from providers.existing.settings import ExistingSpec

FILES = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}


def _kubeconfig_path(settings: ExistingSpec) -> Path:
    """The stack's, else the first that $KUBECONFIG names, else kubectl's own place."""
    named = settings.kubeconfig or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config"
    try:
        return expand_home(named)
    except ValueError as error:
        raise KubeconfigError(str(error)) from None


def access_of(settings: ExistingSpec) -> Access:
    """Finds the access to the cluster; KubeconfigError with a remedy where nothing says it."""
    return read_kubeconfig(_kubeconfig_path(settings), settings.context)


def kubeconfig_content(settings: ExistingSpec) -> str:
    """The kubeconfig as text that does not depend on where it lay."""
    path = _kubeconfig_path(settings)
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        raise KubeconfigError(f"{path} is not a readable kubeconfig") from None
    if settings.context:
        content["current-context"] = settings.context
    for key, names in FILES.items():
        for row in content.get(key) or ():
            part = row.get(key.removesuffix("s")) or {}
            part.update({name: str(path.parent / Path(part[name]).expanduser()) for name in names if name in part})
    return json.dumps(content, sort_keys=True)
