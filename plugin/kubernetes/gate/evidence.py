"""Findings of a gate, kept in the cluster for whoever looks later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from components.kubernetes.api import KubernetesApi
from components.labels import OWN_LABELS
from components.plan.kubernetes import NAMESPACE


def save(api: KubernetesApi, name: str, outputs: dict[str, Any]) -> None:
    """In a ConfigMap that is named after the gate; one that is there is replaced."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _config_map(name), "namespace": NAMESPACE, "labels": OWN_LABELS},
        "data": {"gate": json.dumps(outputs, indent=1)},
    }
    api.apply(body, force=True)


def note_emptied(api: KubernetesApi, name: str, pools: Sequence[str]) -> None:
    """Adds the pools that are being set to no nodes to the findings of last time."""
    save(api, name, (load(api, name) or {}) | {"emptied": list(pools)})


def load(api: KubernetesApi, name: str) -> dict[str, Any] | None:
    """Saved findings; None where there are none."""
    found = api.get("v1", "ConfigMap", _config_map(name), NAMESPACE)
    if found is None:
        return None
    outputs: dict[str, Any] = json.loads(found["data"]["gate"])
    return outputs


def remove(api: KubernetesApi, name: str) -> None:
    api.delete("v1", "ConfigMap", _config_map(name), NAMESPACE)


def _config_map(name: str) -> str:
    return f"penstock-gate-{name}"[:253].rstrip("-.")
