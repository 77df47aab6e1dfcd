"""Between what a program gives, what the server has, and what the engine's state keeps of an object."""

import base64
from collections.abc import Mapping
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.providers.kubernetes.tokens import Token

Body = dict[str, Any]
PREFIX = "pulumi.com/"
AUTONAMED = f"{PREFIX}autonamed"
INPUTS, FIRST_VERSION, MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"
SERVERS_OWN = ("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
               "resourceVersion", "uid")  # fmt: skip
QUANTITIES = frozenset(
    {"limits", "requests", "capacity", "allocatable", "hard", "sizeLimit", "storage", "nominalQuota"}
)


def manifest(inputs: Mapping[str, Any], token: Token) -> Body:
    """The object that the inputs mean, without what only a server sets and without what is null."""
    body: Body = _dashed(without_nulls(inputs))
    body.pop(INPUTS, None)
    body.setdefault("apiVersion", token.api_version)
    body["kind"] = str(body.get("kind") or token.kind).removesuffix("Patch" if token.is_patch else "")
    meta = body.setdefault("metadata", {})
    if isinstance(meta, dict):
        for name in SERVERS_OWN:
            meta.pop(name, None)
    body.pop("status", None) if token.is_patch else None
    return body


def named(inputs: Mapping[str, Any], before: Mapping[str, Any], proposed: str) -> Body:
    """The inputs with a name: their own, the one that was made up before, or a new one."""
    meta = dict(inputs.get("metadata") or {})
    if meta.get("name") or meta.get("generateName"):
        return dict(inputs)
    old = before.get("metadata") or {}
    had = old.get("name") if (old.get("annotations") or {}).get(AUTONAMED) == "true" else None
    meta["name"] = had or proposed
    meta["annotations"] = {**(meta.get("annotations") or {}), AUTONAMED: "true"}
    return {**inputs, "metadata": meta}


def is_autonamed(body: Mapping[str, Any]) -> bool:
    return annotation(body, AUTONAMED) == "true"


def annotation(body: Mapping[str, Any], name: str) -> str:
    meta = body.get("metadata") or {}
    return str((meta.get("annotations") or {}).get(name, "")) if isinstance(meta, Mapping) else ""


def state_of(live: Mapping[str, Any], inputs: Mapping[str, Any], *, manager: str) -> Body:
    """State that the engine keeps: the live object, beside the inputs that led to it."""
    shown = {**live, "metadata": {k: v for k, v in live["metadata"].items() if k != "managedFields"}}
    kept = {INPUTS: dict(inputs), FIRST_VERSION: live["apiVersion"], MANAGER: manager}
    result: Body = _underscored(shown)
    return result | kept


def live_of(state: Mapping[str, Any]) -> Body:
    """The object in the engine's state."""
    body: Body = _dashed({name: value for name, value in state.items() if not name.startswith("__")})
    return body


def pruned(live: Any, given: Any, *, key: str = "") -> Any:
    """Of the live value what was given, as it was given where it means the same."""
    if isinstance(live, Mapping) and isinstance(given, Mapping):
        return {name: pruned(live[name], part, key=_key(key, name)) for name, part in given.items() if name in live}
    if isinstance(live, list) and isinstance(given, list):
        pairs = zip(live, given, strict=False)
        return [pruned(one, part, key=key) for one, part in pairs]
    return given if same(live, given, key=key) else live


def normal(body: Mapping[str, Any]) -> Body:
    """The object with a Secret's text where the server puts it."""
    if body.get("kind") != "Secret" or not isinstance(body.get("stringData"), Mapping):
        return dict(body)
    texts = {name: base64.b64encode(str(text).encode()).decode() for name, text in body["stringData"].items()}
    data = {**(body.get("data") or {}), **texts}
    return {name: value for name, value in body.items() if name != "stringData"} | {"data": data}


def same(one: Any, other: Any, *, key: str = "") -> bool:
    """True if the values mean the same to a server: `0.5` of a cpu is `500m`."""
    if one == other:
        return True
    if key in QUANTITIES and not is_unknown(one) and not is_unknown(other):
        return _amount(one) is not None and _amount(one) == _amount(other)
    return False


def without_nulls(value: Any) -> Any:
    """The value without members that are null: to a server they are not there."""
    if isinstance(value, Mapping):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(part) for part in value]
    return value


def identity(body: Mapping[str, Any]) -> str:
    """The resource's id: `namespace/name`, or the name alone."""
    meta = body["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])


def has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(has_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(has_unknown(part) for part in value)
    return is_unknown(value)


def _key(key: str, name: str) -> str:
    return key if key in QUANTITIES else name


def _amount(text: Any) -> Any:
    from rehearsal.field.pods import quantity

    try:
        return quantity(text)
    except (KeyError, ArithmeticError):
        return None


def _dashed(value: Any) -> Any:
    """`x_kubernetes_list_type`, as SDKs write it, as `x-kubernetes-list-type`."""
    return _renamed(value, "x_kubernetes_", "_", "-")


def _underscored(value: Any) -> Any:
    return _renamed(value, "x-kubernetes-", "-", "_")


def _renamed(value: Any, head: str, old: str, new: str) -> Any:
    if isinstance(value, Mapping):
        return {
            (name.replace(old, new) if name.startswith(head) else name): _renamed(part, head, old, new)
            for name, part in value.items()
        }
    return [_renamed(part, head, old, new) for part in value] if isinstance(value, list) else value
