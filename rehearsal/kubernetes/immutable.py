"""Fields of an object that cannot change once it is made, as the server refuses to change them."""

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.field.fixed_fields import changed, fixed_fields, why_not_resized
from rehearsal.kubernetes.kinds import Served
from rehearsal.kubernetes.refusals import RefusalError, invalid

Expands = Callable[[str], bool]
"""By its name, whether a storage class lets its claims grow."""


def require_unchanged(kind: Served, old: Mapping[str, Any] | None, new: Mapping[str, Any], expands: Expands) -> None:
    """RefusalError 422 for each field that may not change and did, 403 for a claim of another size. What the server
    filled in may be left out.
    """
    if old is None:
        return
    paths = [path for row in fixed_fields(kind.group, kind.kind) for path in changed(row, old, new)]
    name = str(new["metadata"]["name"])
    if paths:
        raise invalid(kind.shown, name, [f"{path}: Invalid value: field is immutable" for path in paths])
    if (kind.group, kind.kind) == ("", "PersistentVolumeClaim") and (why := why_not_resized(old, new, expands)):
        raise RefusalError(403, "Forbidden", f'{kind.what} "{name}" is forbidden: {why}')
