"""Credentials of which AWS does not say whose they are: the cause in words, and the remedy for that one."""

from components.errors import Problem
from providers.aws.asked import NOT_ENABLED

PATH = "cluster.cloud"
_CLOCK = ("Signature expired", "Signature not yet current", "RequestTimeTooSkewed")
"""Words of a service about a signature that is older or newer than its own time by over five minutes (IAM User Guide,
"Troubleshoot signed requests for AWS APIs")."""


def unknown_caller(error: Exception, region: str) -> Problem:
    """The problem with credentials of which AWS did not say whose they are."""
    return Problem(path=PATH, message=f"{_cause(error)}: {error}; {_remedy(error, region)}")


def _cause(error: Exception) -> str:
    return "AWS cannot be asked" if _is_unreachable(error) else "the credentials found do not work"


def _is_unreachable(error: Exception) -> bool:
    from botocore.exceptions import ConnectionError as Unreachable
    from botocore.exceptions import HTTPClientError

    return isinstance(error, Unreachable | HTTPClientError)


def _remedy(error: Exception, region: str) -> str:
    from botocore.exceptions import ClientError, NoCredentialsError, SSOError, TokenRetrievalError

    without = "unset them to plan without an account"
    if _is_unreachable(error):
        return "they may be right: look at network, proxy (HTTPS_PROXY) and the region's name"
    if isinstance(error, NoCredentialsError):
        return "AWS's files have none by default: name a profile (aws:profile in the stack file, or AWS_PROFILE)"
    if isinstance(error, SSOError | TokenRetrievalError):
        return f"run `aws sso login` for their profile, or {without}"
    if any(words in str(error) for words in _CLOCK):
        return "they may be right: set the clock of this machine, which differs from AWS's by minutes"
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code.startswith(NOT_ENABLED):
        return f"renew them, or enable {region} in the account if it is a region that has to be, or {without}"
    return f"renew them, or {without}"
