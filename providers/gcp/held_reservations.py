"""Reservations of the project against the pools that stand in them."""

from collections.abc import Iterator, Sequence
from typing import Any

from components.errors import Problem
from providers.gcp.session import Google, GoogleError
from providers.gcp.types import GcpCalendar, GcpNodePoolPlan, GcpReserved


def held_problems(pools: Sequence[GcpNodePoolPlan], google: Google, *, stands: bool) -> Iterator[Problem]:
    """Reservations that are not there, not ready, of other machines, or too small: GKE would repeat its request in
    silence until its patience ends. Where the stack `stands`, its own nodes are among those in use. One that is not
    dense is told and stops nothing: its nodes come without the labels by which gangs are placed (Google Cloud, "Reserve
    capacity").
    """
    for pool in pools:
        if isinstance(pool.capacity, GcpReserved | GcpCalendar):
            yield from _problems(pool, pool.capacity.path, google, stands=stands)


def _problems(pool: GcpNodePoolPlan, path: str, google: Google, *, stands: bool) -> Iterator[Problem]:
    where = f"cluster.nodePools.{pool.name}.capacity"
    _, project, _, name, *_ = path.split("/")
    try:
        found = google.get("compute", f"projects/{project}/zones/{pool.zone}/reservations/{name}")
    except GoogleError as error:
        if not error.is_absent:
            raise
        message = f"{name!r} is not in {pool.zone} of {project}; name one that is, in its own zone"
        yield Problem(path=where, message=message)
        return
    if found.get("status") not in ("READY", None):
        yield Problem(path=where, message=f"{name!r} is {found['status']}; wait until it is READY")
    if pool.binding.topology_keys and "specificReservation" in found and found.get("deploymentType") != "DENSE":
        message = (
            f"{name!r} is not said to be DENSE, and its nodes would lack {pool.binding.topology_keys[0]}: a queue that "
            "places by it lets no gang in; ask for a dense reservation, or look at the labels of a node of it"
        )
        yield Problem(path=where, message=message, stops=False)
    interval = found.get("specificReservation", {}).get("instanceProperties", {}).get("maintenanceInterval", "")
    if interval and interval != (pool.maintenance or "AS_NEEDED"):
        word = "periodic" if interval == "PERIODIC" else "asNeeded"
        message = f"{name!r} is maintained {interval}, and Google starts machines of no other interval in it"
        yield Problem(path=where, message=f"{message}; set gcp.pools.{pool.name}.maintenance: {word}")
    machine, free = _offer(found, stands=stands)
    if machine and machine != pool.machine.name:
        message = f"{name!r} holds {machine}, and {pool.name} is of {pool.machine.name}; take that, or another"
        yield Problem(path=where, message=message)
    elif free is not None and free < (pool.desired_now or 0):
        message = f"{name!r} has {free} machines left, and {pool.name} has {pool.desired_now}; lower its count"
        yield Problem(path=where, message=message)


def _offer(found: dict[str, Any], *, stands: bool) -> tuple[str, int | None]:
    """Machine type and machines left; of an aggregate reservation, as those of TPUs and of the calendar, neither."""
    specific = found.get("specificReservation")
    if not specific:
        return "", None
    used = 0 if stands else int(specific.get("inUseCount", 0))
    return str(specific.get("instanceProperties", {}).get("machineType", "")), int(specific.get("count", 0)) - used
