"""Registration states of resource providers and of features in a simulated subscription.

azure-native registers nothing (pulumi/pulumi-azure-native 3479), and a feature is the whole subscription's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import Account
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.azure.names import FEATURE, INFINIBAND_FEATURE, PROVIDER

REGISTERED = "Registered"
ALWAYS = ("Microsoft.Resources", "Microsoft.Authorization", "Microsoft.Features")
"""Registered in each subscription from the beginning (Azure, "Resource providers and types")."""
OTHERS = (
    "Microsoft.ContainerService", "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage",
    "Microsoft.StorageCache", "Microsoft.ManagedIdentity", "Microsoft.KeyVault", "Microsoft.ContainerRegistry",
    "Microsoft.Insights", "Microsoft.OperationalInsights", "Microsoft.Monitor", "Microsoft.Dashboard",
    "Microsoft.Quota", "Microsoft.NetApp", "Microsoft.PolicyInsights",
)  # fmt: skip


def standing(subscription: str) -> Iterator[StandingThing]:
    """The providers of a subscription in which somebody has registered all of them, and the one feature. A fault script
    may have some otherwise: `existing: [{type: "azure-native:resources:Provider", resource: "*/Microsoft.StorageCache",
    set: {registrationState: NotRegistered}}]`.
    """
    for name in (*ALWAYS, *OTHERS):
        yield StandingThing(token=PROVIDER, id=f"{subscription}/{name}", inputs={"registrationState": REGISTERED})
    yield StandingThing(token=FEATURE, id=f"{subscription}/{INFINIBAND_FEATURE}", inputs={"state": REGISTERED})


def state_of(account: Account, name: str) -> str:
    """State of a provider; of one that is not told of, as nobody has touched it."""
    stood = account.stood(PROVIDER, f"{account.rules.account_id}/{name}")
    return str(stood.inputs.get("registrationState")) if stood else "NotRegistered"


def feature_of(account: Account, name: str) -> str:
    stood = account.stood(FEATURE, f"{account.rules.account_id}/{name}")
    return str(stood.inputs.get("state")) if stood else "NotRegistered"


def unusable(
    account: Account, now_min: float, service: str, parameters: Mapping[str, Any]  # noqa: ARG001 (of every cloud)
) -> CloudApiError | None:  # fmt: skip
    """ARM's error for a request to a provider that is not registered."""
    stood = account.stood(PROVIDER, f"{account.rules.account_id}/{service}")
    if stood is None or stood.inputs.get("registrationState") == REGISTERED:
        return None  # a subscription of which nothing is told has all of them
    return CloudApiError(
        "MissingSubscriptionRegistration",
        f"The subscription is not registered to use namespace '{service}'. See https://aka.ms/rps-not-found for how to "
        "register subscriptions.",
    )
