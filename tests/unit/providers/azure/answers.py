"""Azure Resource Manager with fixed answers, for what asks it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from providers.azure.session import AzureError

ABSENT = AzureError(404, "ResourceNotFound", "it was not found")
DENIED = AzureError(403, "AuthorizationFailed", "the client has no right to it")
BUSY = AzureError(409, "OperationNotAllowed", "Another agentpool operation (train - Scaling) is in progress")


class Answers:
    """By `METHOD path`, an answer or a refusal; what is not there is absent. `asked` has every request in order."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []
        self.bodies: dict[str, Any] = {}

    def _answer(self, method: str, path: str) -> Any:
        request = f"{method} {path}"
        self.asked.append(request)
        found = self.answers.get(request, ABSENT)
        found = found() if isinstance(found, Callable) else found  # type: ignore[arg-type]
        if isinstance(found, AzureError):
            raise found
        return found

    def get(self, path: str, version: str, **query: str) -> Any:
        return self._answer("GET", path)

    def put(self, path: str, version: str, body: Mapping[str, Any]) -> Any:
        self.bodies[path] = body
        return self._answer("PUT", path)

    def put_when_free(self, path: str, version: str, body: Mapping[str, Any], patience_s: float) -> Any:
        return self.put(path, version, body)

    def await_state(self, path: str, version: str, patience_s: float, *, failed_too: bool = False) -> Any:
        found = self._answer("GET", path)
        if found.get("properties", {}).get("provisioningState") == "Failed" and not failed_too:
            raise AzureError(0, "Failed", "AllocationFailed")
        return found

    def pages(self, path: str, version: str, **query: str) -> Iterator[Any]:
        yield from self._answer("GET", path)["value"]

    def token(self) -> str:
        return "a-token"
