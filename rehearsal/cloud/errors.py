"""Refusals of a simulated cloud, in the cloud's words."""

from typing import NoReturn

from components.errors import PenstockError


class CloudApiError(PenstockError):
    """An API's error with the cloud's code and message."""

    def __init__(self, code: str, message: str, *, operation: str = "") -> None:
        self.code = code
        self.message = message
        self.operation = operation
        super().__init__(f"{operation}: {code}: {message}" if operation else f"{code}: {message}")


def no_functions(_account: object, token: str, _arguments: object) -> NoReturn:
    """The answer of a simulated cloud whose programs call no function of the provider's."""
    raise CloudApiError("Error", f"no oracle answers the function {token}; take it out of the program")


class NoOracleError(PenstockError):
    """A resource type that nothing here can judge."""

    def __init__(self, token: str) -> None:
        super().__init__(f"no oracle covers {token}; add its requests to the cloud's rules in rehearsal/providers")
