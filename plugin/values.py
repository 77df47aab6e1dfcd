"""Property values between the engine's messages and plain Python."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import Struct

# Source: pulumi sdk/go/common/resource/sig/sig.go and pkg/resource/plugin/rpc.go.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a signature, not a password)
OUTPUT_VALUE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_WIRE = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown:
    """A value that a preview does not have yet."""

    def __repr__(self) -> str:
        return "(not known yet)"


UNKNOWN = Unknown()


def plain(properties: Struct) -> dict[str, Any]:
    """The properties as plain Python: secrets opened, whole numbers as int, what is not known yet as UNKNOWN."""
    return {name: _plain(value) for name, value in _python(properties).items()}


def answer(inputs: Struct, outputs: Mapping[str, Any]) -> Struct:
    """The inputs as they came, secrets still secret, and beside them the outputs. UNKNOWN stays unknown."""
    message = Struct()
    message.CopyFrom(inputs)
    message.update({name: _wire(value) for name, value in outputs.items()})
    return message


def is_known(value: object) -> bool:
    """Whether nothing in the value is UNKNOWN."""
    if isinstance(value, Mapping):
        return all(is_known(part) for part in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(is_known(part) for part in value)
    return value is not UNKNOWN


def _python(message: Struct) -> dict[str, Any]:
    return {name: _unwrap(value) for name, value in message.fields.items()}


def _unwrap(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _python(value.struct_value)
        case "list_value":
            return [_unwrap(part) for part in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _plain(value: Any) -> Any:
    match value:
        case {"4dabf18193072939515e22adb298388d": kind} if kind == SECRET:
            return _plain(value["value"])
        case {"4dabf18193072939515e22adb298388d": kind} if kind == OUTPUT_VALUE:
            return _plain(value["value"]) if "value" in value else UNKNOWN
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case str() if value in UNKNOWN_WIRE:
            return UNKNOWN
        case _:
            return value


def _wire(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_STRING
    if isinstance(value, float) and not math.isfinite(value):
        return None  # the state file is JSON, which has no such numbers
    return value
