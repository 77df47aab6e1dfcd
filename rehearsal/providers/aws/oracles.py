"""Legality of an AWS request: botocore's service models say, read at run time. Nothing here was written for penstock.

botocore itself checks names, required members, types and smallest sizes. Its models hold more that it leaves to the
service: enumerations, patterns and largest sizes. These are walked here.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from engine.provider.values import Unknown, is_unknown
from rehearsal.cloud.errors import CloudApiError

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

# What a program most likely needs, so that a thread can load it while the engine starts.
USUAL_SERVICES = ("ec2", "eks", "iam", "kms", "logs", "autoscaling", "fsx", "efs", "s3", "ecr")


class ServiceModels:
    """botocore's models, each loaded once and only when asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._loaded: dict[str, Any] = {}

    def preload(self, services: Iterable[str] = USUAL_SERVICES) -> None:
        """Loads these in a thread of their own."""
        threading.Thread(target=lambda: [self._service(name) for name in services], daemon=True).start()

    def operation(self, service: str, operation: str) -> "OperationModel":
        """The model of the operation. Refuses (CloudApiError) one that AWS does not have."""
        model = self._service(service)
        if operation not in model.operation_names:
            raise CloudApiError("InvalidAction", f"the service {service} has no operation {operation}")
        found: OperationModel = model.operation_model(operation)
        return found

    def _service(self, name: str) -> Any:
        with self._lock:
            lock = self._loading.setdefault(name, threading.Lock())
        with lock:
            if name not in self._loaded:
                self._loaded[name] = _load(name)
            return self._loaded[name]


def checked(operation: "OperationModel", parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they go to the service: None left out. Refuses (CloudApiError) all that the model forbids."""
    request: dict[str, Any] = _without_none(parameters)
    shape = operation.input_shape
    problems = list(_problems(operation, request, shape)) if shape else [f"takes no {name}" for name in request]
    if problems:
        raise CloudApiError(
            "ValidationError", "; ".join(problems), operation=f"{_service_name(operation)}:{operation.name}"
        )
    return request


def _load(service: str) -> Any:
    from botocore.exceptions import UnknownServiceError
    from botocore.model import ServiceModel

    try:
        return ServiceModel(_loader().load_service_model(service, "service-2"), service_name=service)
    except UnknownServiceError as error:
        raise CloudApiError("InvalidAction", f"AWS has no service {service!r}") from error


@cache
def _loader() -> Any:
    """One for all: each looks through the folders of every service once."""
    from botocore.loaders import Loader

    return Loader()


def _problems(operation: "OperationModel", request: Mapping[str, Any], shape: "Shape") -> Iterator[str]:
    tokens = {
        name: "idempotency-token" for name in operation.idempotent_members if name not in request
    }  # botocore fills these
    report = _validator().validate(dict(request) | tokens, shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    yield from _beyond(request, shape, "")


def _service_name(operation: "OperationModel") -> str:
    return str(operation.service_model.service_name)


@cache
def _validator() -> Any:
    from botocore.validate import ParamValidator

    class PreviewValidator(ParamValidator):
        """botocore's own, to which what is not known yet is right in every place."""

        def _validate(self, params: Any, shape: Any, errors: Any, name: str) -> None:
            if not isinstance(params, Unknown):
                super()._validate(params, shape, errors, name)  # type: ignore[misc]  # its stubs leave it out

    return PreviewValidator()


def _beyond(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Violations of the model that botocore does not look at."""
    if isinstance(value, Mapping):
        yield from _beyond_members(value, shape, path)
    elif isinstance(value, list | tuple) and shape.type_name == "list":
        yield from _too_much(len(value), shape, path, "members")
        for index, part in enumerate(value):
            yield from _beyond(part, shape.member, f"{path}[{index}]")
    elif isinstance(value, str) and shape.type_name == "string" and not is_unknown(value):
        yield from _wrong_text(value, shape, path)
    elif isinstance(value, int | float) and shape.type_name in ("integer", "long", "float", "double"):
        yield from _too_much(value, shape, path, "")


def _beyond_members(value: Mapping[str, Any], shape: Any, path: str) -> Iterator[str]:
    for name, part in value.items():
        below = f"{path}.{name}".lstrip(".")
        if shape.type_name == "map":
            yield from _beyond(name, shape.key, f"{path} (key: {name})")
            yield from _beyond(part, shape.value, below)
        elif shape.type_name == "structure" and name in shape.members:
            yield from _beyond(part, shape.members[name], below)


def _wrong_text(value: str, shape: Any, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is not one of {_some(shape.enum)}"
        return
    yield from _too_much(len(value), shape, path, "characters")
    pattern = _pattern(shape.metadata.get("pattern", ""))
    if pattern and not pattern.search(value):
        yield f"{path}: {value!r} does not satisfy the pattern {pattern.pattern}"


def _too_much(size: float, shape: Any, path: str, unit: str) -> Iterator[str]:
    largest = shape.metadata.get("max")
    if largest is not None and size > largest:
        yield f"{path}: {size} {unit}".rstrip() + f" is more than {largest}"


def _some(values: list[str], most: int = 12) -> str:
    rest = f", ... ({len(values)} in all)" if len(values) > most else ""
    return ", ".join(values[:most]) + rest


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """The pattern, None where Python cannot read it: some use Java's classes."""
    try:
        return re.compile(text) if text else None
    except re.error:
        return None


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_none(part) for name, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [_without_none(part) for part in value if part is not None]
    return value
