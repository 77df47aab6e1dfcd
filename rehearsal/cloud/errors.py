"""What the simulated AWS refuses, in AWS's words."""

from components.errors import PenstockError


class ApiError(PenstockError):
    """An API's error as AWS codes and words it."""

    def __init__(self, code: str, message: str, *, operation: str = "") -> None:
        self.code = code
        self.operation = operation
        super().__init__(f"{operation}: {code}: {message}" if operation else f"{code}: {message}")


class UnfinishedError(PenstockError):
    """The object exists and did not become what was asked."""

    def __init__(self, id: str, reason: str) -> None:  # noqa: A002 (AWS's own word)
        self.id = id
        self.reason = reason
        super().__init__(reason)


class NoOracleError(PenstockError):
    """A resource type that nothing here can judge."""

    def __init__(self, token: str) -> None:
        super().__init__(f"no oracle covers {token}; add its requests to rehearsal/providers/aws/kinds")
