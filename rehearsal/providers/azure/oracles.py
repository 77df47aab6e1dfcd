"""Judge of requests to Azure: the types and enumerations of azure-native, which Pulumi generates from the REST specs.

Names, types, required members and enumerated values of every PUT are held to them, in the API version that the SDK
speaks: a property that a later version documents does not exist.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from rehearsal.cloud import sdk
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Treatment
from rehearsal.cloud.sdk_types import problems_of
from rehearsal.cloud.standing import StandingThing
from rehearsal.cloud.store import Store
from rehearsal.providers.azure import kinds

INVALID = "InvalidParameter"
PACKAGE = "azure-native"


class SdkOracle:
    """Judge by the installed SDK."""

    names: Mapping[Treatment, str] = {
        Treatment.EXECUTED: "azure-native's types and enumerations",
        Treatment.KEPT: "azure-native's types and enumerations, kept by the account",
        Treatment.PREVIEWED: "azure-native's types and enumerations, in a preview",
    }

    def __init__(self, store: Store, standing: Sequence[StandingThing] = ()) -> None:
        del store, standing  # all that there is, the account keeps

    def check(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters. Refuses (CloudApiError) all in `body` that the types forbid."""
        path, _, verb = operation.rpartition(".")
        token = _tokens().get((service, path))
        if token is None:
            raise CloudApiError("InvalidResourceType", f"{service} has no type {path}", operation=operation)
        known = sdk.signature(PACKAGE, token)
        assert known is not None, token
        problems = list(problems_of(known, parameters["body"])) if verb == "put" else []
        if problems:
            raise CloudApiError(INVALID, "; ".join(problems), operation=f"{service}:{operation}")
        return dict(parameters)

    def execute(self, service: str, operation: str, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError(f"no emulator executes {service}:{operation} for {sorted(parameters)} in {region}")

    def is_read_only(self, operation: str) -> bool:
        return not operation.endswith((".put", ".delete"))

    def touched(self) -> tuple[str, ...]:
        return ()

    def warm(self, *, preview: bool) -> None:
        """Loads nothing: the SDK's source is read type by type."""

    def close(self) -> None:
        """Closes nothing."""


@cache
def _tokens() -> Mapping[tuple[str, str], str]:
    return {(one.namespace, one.path): token for token, one in kinds.types().items()}
