"""Tags of services whose APIs take them apart from the object: what is to be set, what is to go."""

from collections.abc import Mapping
from dataclasses import dataclass

from rehearsal.cloud.kind import Inputs, Outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChange:
    gone: list[str]
    set: list[dict[str, str]]
    """[{Key, Value}]."""


def tag_change(old: Outputs, new: Inputs) -> TagChange:
    """Change that leads from the old tags to the new ones."""
    before: Mapping[str, str] = old.get("tags") or {}
    after: Mapping[str, str] = new.get("tags") or {}
    return TagChange(
        gone=[key for key in before if key not in after],
        set=[{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value],
    )
