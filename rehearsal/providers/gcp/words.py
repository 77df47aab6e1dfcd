"""Names and error messages of Google Cloud."""

import re
from collections.abc import Sequence

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Demand

PROJECT = "penstock-rehearsal"
"""Project of a program that names none."""
LINK = "https://www.googleapis.com/compute/v1/"
_OWN = (
    "networks|subnetworks|routers|firewalls|addresses|resourcePolicies|clusters|nodePools|instances|repositories"
    "|reservations|reservationBlocks|reservationSubBlocks|serviceAccounts|keyRings|cryptoKeys|networkFirewallPolicies"
    "|networkEndpointGroups|backendServices|urlMaps|certificateMaps|certificates|dnsAuthorizations"
)
_REFERENCE = re.compile(
    rf"(?!.*/zones/[^/]+/reservations/)(?:{re.escape(LINK)})?projects/[^/\s]+(?:/(?:global|(?:regions|zones|locations)/[^/\s]+))?"
    rf"(?:/(?:{_OWN})/[^/\s]+)+"
)
"""A resource's whole name, or its self link. Network profiles and machine types are Google's, and always there; so are
reservations by their zones, a form that no stack file has, where rehearsal/providers/gcp/standing.py has them."""
_ACCOUNT = re.compile(
    r"(?:serviceAccount:)?(?P<email>[a-z][-a-z0-9]{4,28}[a-z0-9]@[-a-z0-9.]+\.iam\.gserviceaccount\.com)"
)

INVALID, PRECONDITION, EXHAUSTED = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"


def is_reference(text: str) -> bool:
    """Tells that the text, as a whole, names a resource of this project, or one of its own service accounts."""
    return _REFERENCE.fullmatch(text) is not None or _ACCOUNT.fullmatch(text) is not None


def bare(text: str) -> str:
    """A reference without what stands before it."""
    return text.removeprefix(LINK).removeprefix("serviceAccount:")


def not_found(text: str, token: str = "") -> CloudApiError:
    """Google's error for a request that names what is not there."""
    if account := _ACCOUNT.fullmatch(text):
        return CloudApiError("Error 400", f"Service account {account['email']} does not exist., badRequest")
    if "/reservations/" in text:
        return CloudApiError("Error 404", f'reservation "{text}" not found for node pool')
    word = token.rpartition(":")[2]
    return CloudApiError("Error 404", f"The {word or 'resource'} '{bare(text)}' was not found, notFound")


def not_ready(what: str) -> CloudApiError:
    return CloudApiError("Error 400", f"The {what} is not ready, resourceNotReady")


def busy(what: str) -> CloudApiError:
    """GKE's error for an operation beside another on the same cluster (hashicorp/terraform-provider-google 10366)."""
    return CloudApiError(
        PRECONDITION,
        f"Operation on {what} is currently running. Please wait and try again once it is done.",
    )


def in_use(token: str, id: str, by: Sequence[str]) -> CloudApiError:  # noqa: A002 (the engine's own word)
    """Google's error for the deletion of what others need (hashicorp/terraform-provider-google 5948)."""
    word = token.rpartition(":")[2].lower()
    return CloudApiError(
        "Error 400",
        f"The {word} resource '{id}' is already being used by {', '.join(by)}, resourceInUseByAnotherResource",
    )


def already_exists(token: str, id: str) -> CloudApiError:  # noqa: A002 (the engine's own word)
    return CloudApiError("Error 409", f"The resource '{id}' already exists, alreadyExists ({token.rpartition(':')[2]})")


def throttled(operation: str) -> CloudApiError:
    return CloudApiError(
        "Error 429", "Quota exceeded for quota metric 'Queries'., rateLimitExceeded", operation=operation
    )


def partial(demand: Demand, launched: int) -> str:
    """Reason of a pool of which only some machines came up: it is there, and its nodes are paid for."""
    return (
        f'NodePool was created in the error state "RUNNING_WITH_ERROR": {launched} of {demand.count} instances were '
        "created"
    )


def no_capacity(demand: Demand, machine_type: str) -> str:
    """Reason of a pool for which Google has no machines."""
    zone = ", ".join(demand.zones)
    return (
        'NodePool was created in the error state "ERROR": ZONE_RESOURCE_POOL_EXHAUSTED: The zone '
        f"'{zone}' does not have enough resources available to fulfill the request. ({machine_type})"
    )
