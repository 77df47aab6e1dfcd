"""Merge patches and JSON patches. A strategic merge patch is taken as a merge patch."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.kubernetes.objects import Body
from rehearsal.kubernetes.refusals import RefusalError


def changed_by(patch: Any, content_type: str) -> Callable[[Body], Body]:
    """Patch that makes the new object of the old one."""
    if content_type.startswith("application/json-patch"):
        return lambda body: _by_operations(body, patch)
    return lambda body: _merged(body, patch)


def _merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for name, part in patch.items():
        if part is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), part)
    return result


def _by_operations(body: Body, operations: list[Mapping[str, Any]]) -> Body:
    result = copy.deepcopy(body)
    for operation in operations:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place: Any = result
        try:
            for part in path:
                place = place[int(part)] if isinstance(place, list) else place[part]
            _operate(place, last, operation)
        except (KeyError, IndexError, ValueError) as error:
            raise RefusalError(422, "Invalid", f"the patch does not fit at {operation['path']}") from error
    return result


def _operate(place: Any, last: str, operation: Mapping[str, Any]) -> None:
    name: Any = last if isinstance(place, dict) else len(place) if last == "-" else int(last)
    match operation["op"]:
        case "remove":
            del place[name]
        case "add" if isinstance(place, list):
            place.insert(name, operation["value"])
        case "add" | "replace":
            place[name] = operation["value"]
        case "test":
            if place[name] != operation["value"]:
                raise RefusalError(422, "Invalid", f"the test at {operation['path']} failed")
        case other:
            raise RefusalError(400, "BadRequest", f"patch operation {other} is not understood")
