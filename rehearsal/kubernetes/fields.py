"""Managers of each field: server-side apply, as a set of fields for each manager.

A field is a path of parts as in `fieldsV1`: `f:spec`, `k:{"name":"main"}` for an element told by its keys, `v:"x"` for
one of a set.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.kubernetes.schemas import Node

Path = tuple[str, ...]
Fields = dict[Path, Any]
# What the server itself keeps, and what says which object it is.
NOBODYS = frozenset(
    {
        *("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"),
        *("deletionGracePeriodSeconds", "managedFields", "generateName", "selfLink"),
    }
)


def fields_of(body: Mapping[str, Any], node: Node, *, status: bool = False) -> Fields:
    """The values that somebody manages, by their path."""
    found: Fields = {}
    for name, value in body.items():
        if name in ("apiVersion", "kind") or ((name == "status") != status and name != "metadata"):
            continue
        if name == "metadata":
            value = {} if status else {key: part for key, part in value.items() if key not in NOBODYS}  # noqa: PLW2901
            if not value:
                continue
        found |= dict(_leaves(value, node.child(name), (f"f:{name}",)))
    return found


def merged(old: Any, new: Any, node: Node) -> Any:
    """The old value with what the new one says; lists with keys are merged by them."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not node.one_value:
        result = dict(old)
        for name, value in new.items():
            result[name] = merged(result.get(name), value, node.child(name))
        return result
    if isinstance(old, list) and isinstance(new, list) and node.list_type == "map":
        return _merged_list(old, new, node)
    if isinstance(old, list) and isinstance(new, list) and node.list_type == "set":
        return [*old, *(part for part in new if part not in old)]
    return new


def without(body: dict[str, Any], path: Path, node: Node) -> None:
    """Takes the field away, and what is empty without it."""
    _remove(body, path, node)


def encoded(paths: set[Path]) -> dict[str, Any]:
    """`fieldsV1`."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        place = root
        for part in path:
            place = place.setdefault(part, {})
    return root


def decoded(fields: Mapping[str, Any], path: Path = ()) -> set[Path]:
    """The paths of a `fieldsV1`."""
    if not fields:
        return {path} if path else set()
    return {found for part, below in fields.items() for found in decoded(below, (*path, part))}


def in_words(path: Path) -> str:
    """`.spec.containers[name="main"].image`, for a message."""
    text = ""
    for part in path:
        kind, _, rest = part.partition(":")
        if kind == "f":
            text += f".{rest}"
        else:
            content = json.loads(rest)
            inside = ",".join(f'{key}="{value}"' for key, value in content.items()) if kind == "k" else f"={rest}"
            text += f"[{inside}]"
    return text


def _leaves(value: Any, node: Node, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value and not node.one_value:
        for name, part in value.items():
            yield from _leaves(part, node.child(name), (*path, f"f:{name}"))
    elif isinstance(value, list) and value and node.list_type == "map":
        for part in value:
            yield from _leaves(part, node.item, (*path, _key(part, node)))
    elif isinstance(value, list) and value and node.list_type == "set":
        for part in value:
            yield (*path, f"v:{json.dumps(part)}"), part
    else:
        yield path, value


def _key(element: Mapping[str, Any], node: Node) -> str:
    return "k:" + json.dumps({key: element.get(key) for key in node.list_keys})


def _merged_list(old: list[Any], new: list[Any], node: Node) -> list[Any]:
    by_key = {_key(part, node): part for part in old}
    for part in new:
        key = _key(part, node)
        by_key[key] = merged(by_key.get(key), part, node.item)
    return list(by_key.values())


def _remove(place: Any, path: Path, node: Node) -> None:
    head, rest = path[0], path[1:]
    kind, _, word = head.partition(":")
    if kind == "f" and isinstance(place, dict) and word in place:
        if rest:
            _remove(place[word], rest, node.child(word))
        if not rest or place[word] in ({}, []):
            del place[word]
    elif kind == "k" and isinstance(place, list):
        index = next((i for i, part in enumerate(place) if _key(part, node) == head), None)
        if index is None:
            return
        if rest:
            _remove(place[index], rest, node.item)
        if not rest or not (set(place[index]) - set(node.list_keys)):
            del place[index]
    elif kind == "v" and isinstance(place, list) and json.loads(word) in place:
        place.remove(json.loads(word))
