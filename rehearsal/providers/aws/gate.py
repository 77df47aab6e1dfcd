"""Where faults come in: before a request, before a create, and when an object should become ready."""

from typing import Protocol

from rehearsal.providers.aws.kinds.kind import Inputs


class Gate(Protocol):
    """What stands between the program and its wishes."""

    def before(self, service: str, operation: str, *, name: str, may_fail: bool) -> None:
        """Returns when the request for the resource `name` may go on.

        ApiError where it is refused. With `may_fail` False it is not refused: nobody would know of what it left.
        """
        ...

    def before_create(self, token: str, name: str, inputs: Inputs) -> None:
        """ApiError where AWS has no room for it: quotas, capacity."""
        ...

    def unready(self, token: str, name: str, inputs: Inputs) -> str:
        """Why the object that exists does not become what was asked, "" where it does."""
        ...


class NoFaults:
    """All goes well."""

    def before(self, service: str, operation: str, *, name: str, may_fail: bool) -> None:
        pass

    def before_create(self, token: str, name: str, inputs: Inputs) -> None:
        pass

    def unready(self, token: str, name: str, inputs: Inputs) -> str:  # noqa: ARG002 (the form of Gate)
        return ""
