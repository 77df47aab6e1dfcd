"""What the simulated AWS refuses, in AWS's words."""

from components.errors import PenstockError


class ApiError(PenstockError):
    """An API's error as AWS codes and words it."""

    def __init__(self, code: str, message: str, *, operation: str = "") -> None:
        self.code = code
        self.operation = operation
        super().__init__(f"{operation}: {code}: {message}" if operation else f"{code}: {message}")


class NoOracleError(PenstockError):
    """A resource type that nothing here can judge."""

    def __init__(self, token: str) -> None:
        super().__init__(f"no oracle covers {token}; add its requests to rehearsal/providers/aws/kinds")
