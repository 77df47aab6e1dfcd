"""The wait until rights that were given are known to Azure's other services."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from components.errors import PenstockError
from providers.azure.api_versions import AUTHORIZATION
from providers.azure.session import Azure, AzureError

_STEP_S = 10.0
AGE_S = 120.0
"""Of a right that is known nearly everywhere; what needs it is asked for again by the same command where it is not yet
(AKS, "Use a managed identity": minutes, up to an hour)."""


def await_rights(azure: Azure, assignments: Sequence[str], say: Callable[[str], None], patience_s: float) -> None:
    """Returns when each right is listed and has its age; PenstockError where one is not within the patience."""
    until = time.monotonic() + patience_s
    for name in assignments:
        told = False
        while (left := _missing_s(azure, name)) > 0:
            if time.monotonic() >= until:
                raise PenstockError(f"{name} is not to be seen after {patience_s:.0f} s; run the same command again")
            if not told:
                say("waits until the rights that were given are known")
                told = True
            time.sleep(min(left, _STEP_S))


def _missing_s(azure: Azure, name: str) -> float:
    """Seconds until the right has its age; a step where it is not listed yet."""
    try:
        found = azure.get(name, AUTHORIZATION)
    except AzureError as error:
        if not error.is_absent:
            raise
        return _STEP_S
    made = str(found.get("properties", {}).get("createdOn", ""))
    if not made:
        return 0.0
    since = datetime.now(UTC) - datetime.fromisoformat(made.replace("Z", "+00:00")).astimezone(UTC)
    return AGE_S - since.total_seconds()
