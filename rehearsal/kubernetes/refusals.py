"""Refusals of the simulated server, as a Kubernetes API server words them."""

from typing import Any


class RefusalError(Exception):
    """A Status object with a code."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason

    def status(self) -> dict[str, Any]:
        return {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": str(self),
            "reason": self.reason, "code": self.code,
        }  # fmt: skip


def not_found(what: str, name: str) -> RefusalError:
    return RefusalError(404, "NotFound", f'{what} "{name}" not found')


def already_exists(what: str, name: str) -> RefusalError:
    return RefusalError(409, "AlreadyExists", f'{what} "{name}" already exists')


def conflict(what: str, name: str, why: str) -> RefusalError:
    return RefusalError(409, "Conflict", f'Operation cannot be fulfilled on {what} "{name}": {why}')


def invalid(what: str, name: str, problems: list[str]) -> RefusalError:
    return RefusalError(422, "Invalid", f'{what} "{name}" is invalid: {"; ".join(problems)}')


def no_page() -> RefusalError:
    return RefusalError(404, "NotFound", "the server could not find the requested resource")
