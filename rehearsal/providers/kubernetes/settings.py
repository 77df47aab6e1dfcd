"""Configuration of an explicit provider `kubernetes`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.kubernetes.kubeconfig import Access, KubeconfigError, parse_kubeconfig, read_kubeconfig
from engine.provider.errors import ProviderError

IDENTIFIER = "clusterIdentifier"
WHERE = ("kubeconfig", "context", "cluster")


def opened(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings; a provider gets what is no text as JSON."""
    return {name: _opened(value) if name != "kubeconfig" else value for name, value in values.items()}


def access_of(settings: Mapping[str, Any]) -> Access:
    """Access by the kubeconfig: its content, or the path of a file. ProviderError where it leads nowhere."""
    given, context = settings.get("kubeconfig"), settings.get("context")
    try:
        if isinstance(given, Mapping):
            return parse_kubeconfig(json.dumps(given), context)
        if given and _is_path(str(given)):
            return read_kubeconfig(Path(str(given)), context)
        if given:
            return parse_kubeconfig(str(given), context)
    except KubeconfigError as error:
        raise ProviderError(str(error)) from error
    raise ProviderError("kubeconfig: is not set; give the provider the content of the cluster's own, or its path")


def replacing(old: Mapping[str, Any], new: Mapping[str, Any], changed: tuple[str, ...]) -> tuple[str, ...]:
    """The settings by which the cluster is another, so that all in it must be made anew."""
    if old.get(IDENTIFIER) and new.get(IDENTIFIER):
        return (IDENTIFIER,) if old[IDENTIFIER] != new[IDENTIFIER] else ()
    if _server(old) and _server(new) and _server(old) != _server(new):
        return tuple(name for name in WHERE if name in changed)
    return ()


def _server(settings: Mapping[str, Any]) -> str:
    try:
        return access_of(settings).server
    except ProviderError:
        return ""


def _is_path(text: str) -> bool:
    return "\n" not in text and not text.lstrip().startswith("{")


def _opened(value: Any) -> Any:
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
