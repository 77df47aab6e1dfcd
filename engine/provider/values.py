"""Property values between the engine's messages and plain JSON; a preview's unknowns stand as one placeholder."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from google.protobuf.struct_pb2 import Struct

# Source: pulumi sdk/go/common/resource/sig/sig.go and pkg/resource/plugin/rpc.go.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a signature, not a password)
OUTPUT_VALUE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_WIRE = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown(str):
    """A value that a preview does not know yet: a string, a number, a list or an object, whatever it is taken for.

    Text built from it holds its own text and is unknown too.
    """

    __slots__ = ()

    def __new__(cls) -> Self:
        return super().__new__(cls, UNKNOWN_TEXT)

    def __getitem__(self, _key: Any) -> "Unknown":
        return self

    def get(self, _key: str, _default: Any = None) -> "Unknown":
        return self

    def __iter__(self) -> Iterator["Unknown"]:
        yield self

    def items(self) -> tuple[()]:
        return ()

    def __int__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0

    def __repr__(self) -> str:
        return "(not known yet)"


def is_unknown(value: object) -> bool:
    """Tells that the value is unknown, or text made of what is unknown."""
    return isinstance(value, str) and UNKNOWN_TEXT in str(value)


def is_known(value: object) -> bool:
    """Tells that nothing in the value is unknown."""
    return not any(map(is_unknown, strings(value)))


def plain(properties: Struct) -> dict[str, Any]:
    """The properties as plain JSON: secrets opened, whole numbers as int, what is not known yet as Unknown.

    Keys stand in the order of their names, as a message has none: its map goes out and comes in in another one each
    time (protobuf, "Maps": iteration order is undefined), and a list that is made of it would differ from itself.
    """
    return {name: _plain(properties.fields[name]) for name in sorted(properties.fields)}


def answer(inputs: Struct, values: Mapping[str, Any]) -> Struct:
    """A message of the values; those that are inputs too, and unchanged, as they came: secrets still secret."""
    message, before = Struct(), plain(inputs)
    message.update({name: _wire(value) for name, value in values.items() if before.get(name) != value})
    for name, value in before.items():
        if name in values and values[name] == value:
            message.fields[name].CopyFrom(inputs.fields[name])
    return message


def strings(value: Any) -> Iterator[str]:
    """Every string in the value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from strings(part)


def _plain(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _object(value.struct_value)
        case "list_value":
            return [_plain(part) for part in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return Unknown() if value.string_value in UNKNOWN_WIRE else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _object(message: Struct) -> Any:
    signature = message.fields[SIGNATURE].string_value if SIGNATURE in message.fields else ""
    if signature in (SECRET, OUTPUT_VALUE):
        return _plain(message.fields["value"]) if "value" in message.fields else Unknown()
    return plain(message)


def _wire(value: Any) -> Any:
    if is_unknown(value):
        return UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {name: _wire(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_wire(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # the state file is JSON, which has no such numbers
    return value
