"""Dollars an hour of what is left in a simulated project."""

from decimal import Decimal

from rehearsal.cloud.account import Account, Object
from rehearsal.providers.gcp.capacity import demand
from rehearsal.providers.gcp.kinds.slurm import running
from rehearsal.providers.gcp.names import DIRECTOR

FREE_AT_REST = frozenset(
    {"Network", "Subnetwork", "Router", "Firewall", "ResourcePolicy", "Account", "IAMMember", "Service", "Connection"}
    | {"BucketIAMMember", "RepositoryIamMember", "CryptoKeyIAMMember", "KeyRing", "GlobalAddress"}
)


def price(account: Account, thing: Object) -> Decimal | None:
    """Dollars an hour, None where no price is known."""
    from providers.gcp.catalog import machines

    if thing.token.rpartition(":")[2] in FREE_AT_REST:
        return Decimal(0)
    if thing.token == DIRECTOR:
        return _of_slurm(thing)
    asked = demand(account, thing.token, thing.inputs)
    machine = machines().get(asked.machine_types[0]) if asked else None
    return machine.usd_per_hour * asked.count if asked and machine and machine.usd_per_hour else None


def _of_slurm(cluster: Object) -> Decimal | None:
    """Of login nodes and of the nodes that always run."""
    from providers.gcp.catalog import machines

    total = Decimal(0)
    for name, count in running(cluster.inputs):
        machine = machines().get(name)
        if machine is None or machine.usd_per_hour is None:
            return None
        total += machine.usd_per_hour * count
    return total
