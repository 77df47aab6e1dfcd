"""Dollars an hour of what is left in a simulated subscription."""

from decimal import Decimal

from rehearsal.cloud.account import Account, Object
from rehearsal.providers.azure.capacity import demand
from rehearsal.providers.azure.machines import machine
from rehearsal.providers.azure.names import POOL

FREE_AT_REST = frozenset(
    {"ResourceGroup", "UserAssignedIdentity", "FederatedIdentityCredential", "RoleAssignment", "VirtualNetwork"}
    | {"Subnet", "NetworkSecurityGroup", "MaintenanceConfiguration", "ProximityPlacementGroup", "BlobContainer"}
    | {"CapacityReservationGroup", "Account"}
)
USD_PER_CHIP = {"A100-80": "3.67", "A100-40": "3.40", "H100-80": "12.29", "H200-141": "13.78", "H100-94": "6.98",
                "T4": "0.53"}  # fmt: skip
"""Of a machine by its chips, East US, on demand (Azure's price pages, 2026-09): what it costs to leave one running."""
PARTS = {"NatGateway": "0.045", "PublicIPAddress": "0.005", "ManagedCluster": "0.10"}


def price(account: Account, thing: Object) -> Decimal | None:
    """Dollars an hour, None where no price is known."""
    word = thing.token.rpartition(":")[2]
    if word in FREE_AT_REST:
        return Decimal(0)
    if word in PARTS:
        return Decimal(PARTS[word])
    asked = demand(account, thing.token, thing.inputs) if thing.token == POOL else None
    found = machine(asked.machine_types[0]) if asked else None
    usd = USD_PER_CHIP.get(found.chip) if found else None
    return Decimal(usd) * found.chips * asked.count if usd and found and asked else None
