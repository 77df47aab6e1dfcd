"""A question to the account, and what it means that it is not answered."""

from collections.abc import Callable
from typing import TypeVar

from components.errors import Problem, SpecError

T = TypeVar("T")

DENIED = ("AccessDenied", "UnauthorizedOperation")
"""Beginnings of the error codes of a missing right (IAM User Guide, "Troubleshoot access denied error messages"; EC2
API Reference, "Error codes")."""
_ORGANIZATION = "a policy of the organization denies it, whatever the account allows: ask whoever holds it"
ELSEWHERE = {
    "service control policy": _ORGANIZATION,
    "resource control policy": _ORGANIZATION,
    "permissions boundary": "let the boundary of their role or user have {action}, beside its own policies",
}
"""Remedies, by the policy that a refusal names (IAM User Guide, as above)."""
NOT_ENABLED = ("OptInRequired", "UnrecognizedClient", "InvalidClientTokenId", "AuthFailure")
"""Codes of credentials that a region does not know, as one that the account has not enabled (Account Management Guide,
"Enable or disable AWS Regions")."""
ENDED = ("ExpiredToken", "RequestExpired")


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
        told = f"could not be compared with the account, as the credentials got no answer ({error})"
        message = f"{told}; {_remedy(action, code, str(error))}"
    except BotoCoreError as error:
        message = f"could not be compared with the account, as {action} cannot be asked ({error}); make AWS reachable"
    raise SpecError([Problem(path=path, message=message, stops=stops)])


def _remedy(action: str, code: str, words: str) -> str:
    if code.startswith(DENIED):
        where = (remedy for policy, remedy in ELSEWHERE.items() if policy in words)
        return next(where, "allow {action} to them").format(action=action)
    if code.startswith(NOT_ENABLED):
        return "enable the region in the account (`aws account list-regions` shows those that are), or take another"
    return "renew the credentials" if code.startswith(ENDED) else "run again when AWS answers"
