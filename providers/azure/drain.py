"""A look at a stack's resource groups before they go: Azure takes all that is in a group with it, of whomever."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.errors import PenstockError
from components.labels import STACK
from providers.azure.api_versions import RESOURCES
from providers.azure.session import Azure, AzureError

_STEP_S = 10.0


def drain(azure: Azure, inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Returns when the groups hold nothing but what has the stack's tag. PenstockError names what else is there when
    the patience ends: what AKS made goes by itself in that time.
    """
    until = time.monotonic() + float(inputs["patienceS"])
    while True:
        left = list(_foreign(azure, inputs))
        if not left:
            return
        if time.monotonic() >= until:
            groups = ", ".join(inputs["groups"])
            raise PenstockError(
                f"{groups} would go with what the stack {inputs['stack']} did not make: {', '.join(left)}; move it to "
                "another group or delete it, and run destroy again"
            )
        say(f"waits for {left[0]}, which is not the stack's")
        time.sleep(_STEP_S)


def _foreign(azure: Azure, inputs: Mapping[str, Any]) -> Iterator[str]:
    for group in inputs["groups"]:
        path = f"/subscriptions/{inputs['subscription']}/resourceGroups/{group}/resources"
        try:
            for found in azure.pages(path, RESOURCES):
                if (found.get("tags") or {}).get(STACK) != inputs["stack"]:
                    yield str(found.get("id", found.get("name", "")))
        except AzureError as error:
            if not error.is_absent:
                raise
