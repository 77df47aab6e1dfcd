"""A file system of FSx that is there, against the one that is asked: steps that FSx takes back or not at all.

Sources: FSx for Lustre User Guide, "Managing storage capacity" (it only grows) and "Managing metadata performance"
(likewise); API reference, UpdateFileSystem: deployment type, storage type, EFA and subnet are not among what it takes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from components.errors import Problem
from providers.aws.storage.lustre_regions import PATH
from providers.aws.storage.types import LustrePlan

GIB_PER_TIB = 1024


def lustre_problems(plan: LustrePlan, found: Mapping[str, Any], zone: str) -> Iterator[Problem]:
    """A problem for each setting whose change would make another, empty file system in the place of this one.

    `found` as DescribeFileSystems has it; `zone` is that of its subnet, empty where it is not known.
    """
    own = found.get("LustreConfiguration", {})
    there, asked = found.get("StorageCapacity", 0), plan.capacity_gib
    if asked is not None and asked < there:
        keep = f"keep capacityTib: {there / 1000:g} or more"
        yield _problem("capacityTib", f"holds {there:,} GiB, and {asked:,} GiB is asked; it only grows: {keep}")
    iops = own.get("MetadataConfiguration", {}).get("Iops")
    if plan.metadata_iops is not None and iops is not None and plan.metadata_iops < iops:
        message = f"has {iops} metadata IOPS, and {plan.metadata_iops} is asked; they only grow: keep {iops}"
        yield _problem("metadataIops", message)
    for key, was, now, setting in _shape(plan, found, own, zone):
        if was and was != now:
            yield _problem(key, f"{was}, and {now} is asked; {_EMPTY}: {setting}")


_EMPTY = "that makes another, empty file system, and this one's data goes"


def _shape(
    plan: LustrePlan, found: Mapping[str, Any], own: Mapping[str, Any], zone: str
) -> Iterator[tuple[str, str, str, str]]:
    """Setting, what there is, what is asked, and how to keep it."""
    deployment = str(own.get("DeploymentType", ""))
    yield "scratch", deployment, "SCRATCH_2" if plan.scratch else "PERSISTENT_2", (
        "set scratch: true" if deployment.startswith("SCRATCH") else "leave scratch out"
    )  # fmt: skip
    storage = str(found.get("StorageType", ""))
    yield "tiering", storage, "INTELLIGENT_TIERING" if plan.tiering else "SSD", (
        "give tiering as before" if storage == "INTELLIGENT_TIERING" else "leave tiering out"
    )  # fmt: skip
    if "EfaEnabled" in own:
        efa = bool(own["EfaEnabled"])
        reach = {True: "EFA", False: "TCP"}
        yield "fabric", reach[efa], reach[plan.efa], f"set fabric: {str(efa).lower()}"
    yield "zone", zone, plan.zone, f"keep the pools with a fabric, or the network's first zone, in {zone}"


def _problem(key: str, message: str) -> Problem:
    return Problem(
        path=f"{PATH}.{key}",
        message=f"the file system that is there is {message}"
        if key in _IS
        else (f"the file system that is there {message}"),
    )


_IS = ("scratch", "tiering", "fabric", "zone")
