"""Google's APIs with fixed answers, for what asks them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from providers.gcp.session import GoogleError

ABSENT = GoogleError(404, "notFound", "it was not found")
OFF = GoogleError(403, "SERVICE_DISABLED", "X API has not been used in project 1 before or it is disabled")


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
        if isinstance(found, GoogleError):
            raise found
        return found

    def get(self, service: str, path: str, **query: str) -> Any:
        return self._answer("GET", path)

    def get_many(self, service: str, path: str, query: Mapping[str, list[str]]) -> Any:
        return self._answer("GET", path)

    def post(self, service: str, path: str, body: Mapping[str, Any], **query: str) -> Any:
        self.bodies[path] = body
        return self._answer("POST", path)

    def delete(self, service: str, path: str) -> Any:
        return self._answer("DELETE", path)

    def pages(self, service: str, path: str, key: str, **query: str) -> Iterator[Any]:
        yield from self._answer("GET", path)

    def await_operation(self, service: str, path: str, patience_s: float) -> None:
        self.asked.append(f"WAIT {path}")

    def token(self) -> str:
        return "a-token"
