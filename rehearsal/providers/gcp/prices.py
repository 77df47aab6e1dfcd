"""Dollars an hour of what is left in a simulated project."""

from decimal import Decimal

from rehearsal.cloud.account import Account, Object
from rehearsal.providers.gcp.capacity import demand

FREE_AT_REST = frozenset(
    {"Network", "Subnetwork", "Router", "Firewall", "ResourcePolicy", "Account", "IAMMember", "Service", "Connection"}
    | {"BucketIAMMember", "RepositoryIamMember", "CryptoKeyIAMMember", "KeyRing", "GlobalAddress"}
)


def price(account: Account, thing: Object) -> Decimal | None:
    """Dollars an hour, None where no price is known."""
    from providers.gcp.catalog import machines

    if thing.token.rpartition(":")[2] in FREE_AT_REST:
        return Decimal(0)
    asked = demand(account, thing.token, thing.inputs)
    machine = machines().get(asked.machine_types[0]) if asked else None
    return machine.usd_per_hour * asked.count if asked and machine and machine.usd_per_hour else None
