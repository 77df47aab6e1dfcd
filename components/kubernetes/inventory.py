"""Penstock's note in the cluster of its own add-ons: so that it takes none of them for somebody else's later."""

import json
from collections.abc import Mapping
from typing import Any

from components.labels import OWN_LABELS, STACK_LABEL
from components.plan.kubernetes import NAMESPACE, Concern, Manifest, PlatformPlan

INVENTORY = "penstock-inventory"
"""On what penstock makes in a cluster: the stack that it belongs to."""


def inventory(stack: str, platform: PlatformPlan) -> Manifest:
    """The note, to be made before the first add-on is: a stack that is interrupted knows its own all the same."""
    done = {addon.name: [concern.value for concern in addon.does] for addon in platform.addons}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": INVENTORY,
            "namespace": NAMESPACE,
            "labels": {**OWN_LABELS, STACK_LABEL: stack},
        },
        "data": {"addons": json.dumps(done, sort_keys=True)},
    }


def noted(manifest: Mapping[str, Any] | None) -> dict[Concern, str]:
    """By thing, the add-on of penstock's that does it; nothing where there is no note."""
    if manifest is None:
        return {}
    addons: dict[str, list[str]] = json.loads(manifest["data"]["addons"])
    known = {concern.value: concern for concern in Concern}
    return {known[one]: name for name, done in addons.items() for one in done if one in known}


def noted_addons(manifest: Mapping[str, Any] | None) -> frozenset[str]:
    """Names of penstock's own add-ons; none where there is no note."""
    return frozenset(json.loads(manifest["data"]["addons"])) if manifest else frozenset()
