"""Objects as the engine's messages: what was secret stays secret, and a Secret's data always is."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

from engine.provider.values import OUTPUT_VALUE, SECRET, SIGNATURE, UNKNOWN_TEXT, is_unknown
from rehearsal.providers.kubernetes.manifests import INPUTS

SECRET_MEMBERS = frozenset({"data", "stringData"})


def message(values: Mapping[str, Any], like: Struct | None = None) -> Struct:
    """The values, with each secret that is in the place of one in `like`."""
    return _message(values, like if like is not None else Struct())


def _message(values: Mapping[str, Any], like: Struct) -> Struct:
    result = Struct()
    is_secret_kind = values.get("kind") == "Secret"
    for name, value in values.items():
        before = like if name == INPUTS else _member(like, name)
        secret = is_secret_kind and name in SECRET_MEMBERS
        result.fields[name].CopyFrom(_value(value, before, secret=secret))
    return result


def _value(value: Any, like: Struct | Value | None, *, secret: bool) -> Value:
    inner = like.struct_value if isinstance(like, Value) and like.HasField("struct_value") else like
    if isinstance(inner, Struct) and _signature(inner) in (SECRET, OUTPUT_VALUE):
        secret = secret or _is_secret(inner)
        inner = None
    elif isinstance(inner, Value) and _holds_secret(inner):
        secret = True
    made = _plain(value, inner if isinstance(inner, Struct) else None)
    if not secret or value is None:
        return made
    wrapped = Struct()
    wrapped.fields[SIGNATURE].string_value = SECRET
    wrapped.fields["value"].CopyFrom(made)
    return Value(struct_value=wrapped)


def _plain(value: Any, like: Struct | None) -> Value:
    if value is None:
        return Value(null_value=0)  # type: ignore[arg-type]  # the enum's only number
    if is_unknown(value):
        return Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    if isinstance(value, Mapping):
        return Value(struct_value=_message(value, like if like is not None else Struct()))
    if isinstance(value, list | tuple):
        made = Value()
        made.list_value.values.extend(_value(part, None, secret=False) for part in value)
        return made
    return Value(string_value=str(value))


def _member(like: Struct, name: str) -> Value | None:
    return like.fields[name] if name in like.fields else None  # noqa: SIM401 (its stub has no get)


def _signature(value: Struct) -> str:
    return value.fields[SIGNATURE].string_value if SIGNATURE in value.fields else ""


def _is_secret(value: Struct) -> bool:
    if _signature(value) == SECRET:
        return True
    return "secret" in value.fields and value.fields["secret"].bool_value


def _holds_secret(value: Value) -> bool:
    """True if a secret is anywhere in a list."""
    if value.HasField("list_value"):
        return any(_holds_secret(part) for part in value.list_value.values)
    if value.HasField("struct_value"):
        inner = value.struct_value
        return _is_secret(inner) or any(_holds_secret(part) for part in inner.fields.values())
    return False
