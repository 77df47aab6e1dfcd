"""A question to the account, and what it means that it is not answered."""

from collections.abc import Callable
from typing import TypeVar

from components.errors import Problem, SpecError

T = TypeVar("T")

DENIED = ("AccessDenied", "UnauthorizedOperation")
"""Beginnings of the error codes of a missing right (IAM User Guide, "Troubleshoot access denied error messages"; EC2
API Reference, "Error codes")."""


def asked(
    action: str, path: str, request: Callable[[], T], *, absent: tuple[str, ...] = (), stops: bool = True
) -> T | None:
    """AWS's answer; None where it says that there is no such thing, by an error code that begins as one of `absent`.

    SpecError where it says neither: a right that is missing is not the answer that nothing is there. `stops` is false
    for an action that `up` itself does not need.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return request()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if absent and code.startswith(absent):
            return None
        remedy = f"allow {action} to them" if code.startswith(DENIED) else "run again when AWS answers"
        message = f"could not be compared with the account, as the credentials got no answer ({error}); {remedy}"
    except BotoCoreError as error:
        message = f"could not be compared with the account, as {action} cannot be asked ({error}); make AWS reachable"
    raise SpecError([Problem(path=path, message=message, stops=stops)])
