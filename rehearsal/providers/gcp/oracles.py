"""Legality of a request to Google: its APIs' own descriptions say. Nothing in schemas.json.gz was written for penstock.

Google's client checks no body. Here its names, types, enumerations, patterns and required members are, and that nothing
is sent which only the service fills in.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Treatment
from rehearsal.cloud.standing import StandingThing
from rehearsal.cloud.store import Store

DATA = Path(__file__).with_name("schemas.json.gz")
BODY = "body"
INVALID = "INVALID_ARGUMENT"
KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float), "object": (Mapping,),
    "array": (list, tuple),
}  # fmt: skip
WHOLE_IN_TEXT = ("int64", "uint64")
WHOLE = re.compile(r"-?\d+")
NOT_NEEDED = frozenset({"UpdateNodePoolRequest.nodeVersion", "UpdateNodePoolRequest.imageType"})
"""Members that the description calls required and that Google's own clients leave out (google-beta, node_pool.go)."""
READ_ONLY = ("get", "list", "getIamPolicy", "testIamPermissions", "aggregatedList")


class DiscoveryOracle:
    """Judge of requests by Google's discovery documents, and of Managed Lustre's by the types of Google's client."""

    names: Mapping[Treatment, str] = {
        Treatment.EXECUTED: "Google's discovery documents",
        Treatment.KEPT: "Google's discovery documents, kept by the account",
        Treatment.PREVIEWED: "Google's discovery documents, in a preview",
    }

    def __init__(self, store: Store, standing: Sequence[StandingThing] = ()) -> None:
        del store, standing  # all that there is, the account keeps

    def check(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters without what is None. Refuses (CloudApiError) all that the description forbids.

        `operation` is a method's id without the service: `networks.insert`; the member `body` is what is sent, all
        others stand in the address.
        """
        request: dict[str, Any] = _without_none(parameters)
        problems = list(_problems(service, operation, request))
        if problems:
            raise CloudApiError(INVALID, "; ".join(problems), operation=f"{service}:{operation}")
        return request

    def execute(self, service: str, operation: str, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError(f"no emulator executes {service}:{operation} for {sorted(parameters)} in {region}")

    def is_read_only(self, operation: str) -> bool:
        return operation.rpartition(".")[2] in READ_ONLY

    def touched(self) -> tuple[str, ...]:
        return ()

    def warm(self, *, preview: bool) -> None:  # noqa: ARG002 (the form of every oracle)
        """Reads the descriptions, which takes a few hundredths of a second."""
        _apis()

    def close(self) -> None:
        """Closes nothing."""


def _problems(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[str]:
    api = _apis().get(service)
    method = api["methods"].get(f"{service}.{operation}") if api else None
    if api is None or method is None:
        yield f"the API {service} has no method {operation}"
        return
    yield from _address(method["parameters"], {name: value for name, value in request.items() if name != BODY})
    body = request.get(BODY)
    if body is not None and not method["request"]:
        yield f"{operation} takes no body"
    elif body is not None:
        walk = _Walk(api["schemas"], f"{service}.{operation}", is_create=operation.endswith((".create", ".insert")))
        yield from walk.of(body, {"$ref": method["request"]}, "")


def _address(parameters: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    for name, one in parameters.items():
        if one.get("required") and name not in given:
            yield f"{name} is required and missing"
    for name, value in given.items():
        one = parameters.get(name)
        if one is None:
            yield f"{name} is no parameter of it"
        elif not is_unknown(value) and "pattern" in one and not re.fullmatch(one["pattern"], str(value)):
            yield f"{name}: {value!r} does not have the form {one['pattern']}"


class _Walk:
    """One body, beside the schemas of its API."""

    def __init__(self, schemas: Mapping[str, Any], method: str, *, is_create: bool) -> None:
        self._schemas, self._method, self._is_create = schemas, method, is_create

    def of(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        """Violations of the schema. A value that is not known yet is right."""
        name = str(schema.get("$ref", ""))
        if name:
            schema = self._schemas[name]
        if is_unknown(value):
            return
        kind = str(schema.get("type", "object"))
        if kind == "any" or (schema.get("format") in WHOLE_IN_TEXT and type(value) is int):
            return  # clients write a whole number of 64 bits as text
        if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
            yield f"{path or 'body'}: {value!r} is not {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
        elif isinstance(value, Mapping):
            yield from self._object(value, schema, name, path)
        elif isinstance(value, list | tuple):
            for index, part in enumerate(value):
                yield from self.of(part, schema["items"], f"{path}[{index}]")
        elif isinstance(value, str):
            yield from _text(value, schema, path)

    def _object(self, value: Mapping[str, Any], schema: Mapping[str, Any], name: str, path: str) -> Iterator[str]:
        members = schema.get("properties", {})
        further = schema.get("additionalProperties")
        for key, part in value.items():
            below = f"{path}.{key}".lstrip(".")
            if key in members:
                if members[key].get("readOnly"):
                    yield f"{below} is the service's own to fill in"
                else:
                    yield from self.of(part, members[key], below)
            elif further:
                yield from self.of(part, further, below)
            else:
                yield f"{below} is unknown"
        for key, one in members.items():
            needs = one.get("required", ())
            if key in value or f"{name}.{key}" in NOT_NEEDED or one.get("readOnly"):
                continue
            if self._method in needs or ("*" in needs and self._is_create):
                yield f"{path}.{key}".lstrip(".") + " is required and missing"


def _text(value: str, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if (allowed := schema.get("enum")) and value not in allowed:
        yield f"{path}: {value!r} is not one of {', '.join(allowed[:12])}"
    elif (form := schema.get("pattern")) and not re.fullmatch(form, value):
        yield f"{path}: {value!r} does not have the form {form}"
    elif schema.get("format") in WHOLE_IN_TEXT and not WHOLE.fullmatch(value):
        yield f"{path}: {value!r} is not a whole number, in text"


@cache
def _apis() -> Mapping[str, Any]:
    """Each API by its name without the version."""
    content = json.loads(gzip.decompress(DATA.read_bytes()))
    return {name.partition(".")[0]: api for name, api in content["apis"].items()}


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_none(part) for name, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [_without_none(part) for part in value if part is not None]
    return value
