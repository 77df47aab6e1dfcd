"""Compute: placement of machines, and capacity that is reserved on demand."""

from collections.abc import Iterator

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs
from rehearsal.providers.azure.arm import ArmType
from rehearsal.providers.azure.machines import NO_RESERVATION, machine
from rehearsal.providers.azure.names import PLACEMENT, RESERVATION, RESERVATIONS


def _refuse(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    """azure-compute-docs, capacity-reservation-overview, 2026-02-17."""
    size = (inputs.get("sku") or {}).get("name")
    if is_unknown(size):
        return
    if machine(str(size)) is None:
        yield CloudApiError("InvalidParameter", f"The requested VM size {size} is not available.")
    elif NO_RESERVATION.match(str(size)):
        message = f"The requested VM size {size} is not supported for capacity reservations."
        yield CloudApiError("CapacityReservationNotSupported", message)


def _delete_group(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (the engine's own word)
    if any(str(one["id"]).startswith(f"{id}/") for one in api.listed(RESERVATION)):
        message = f"The capacity reservation group {id} has reservations: they are deleted first."
        raise CloudApiError("OperationNotAllowed", message)


_C = "Microsoft.Compute"
TYPES = (
    ArmType(token=PLACEMENT, namespace=_C, path="proximityPlacementGroups", own_name="proximityPlacementGroupName"),
    ArmType(
        token=RESERVATIONS, namespace=_C, path="capacityReservationGroups", own_name="capacityReservationGroupName",
        fixed=frozenset({"zones"}), refuse_delete=_delete_group,
    ),
    ArmType(
        token=RESERVATION, namespace=_C, path="capacityReservationGroups/capacityReservations",
        own_name="capacityReservationName", parents=(("capacityReservationGroupName", RESERVATIONS),),
        fixed=frozenset({"zones"}), refuse=_refuse, ready_min=2.0,
    ),
)  # fmt: skip
