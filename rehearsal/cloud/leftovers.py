"""What is still in the account, and what it would cost by the hour."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from rehearsal.cloud.account import Account, Object
from rehearsal.providers.aws.capacity import asked

FREE_AT_REST = frozenset(
    {"Vpc", "Subnet", "RouteTable", "Route", "RouteTableAssociation", "InternetGateway", "SecurityGroup", "Role"}
    | {"SecurityGroupIngressRule", "SecurityGroupEgressRule", "DefaultSecurityGroup", "LaunchTemplate", "Alias"}
    | {"RolePolicy", "RolePolicyAttachment", "InstanceProfile", "PlacementGroup", "KeyPolicy", "AccessEntry", "Policy"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One live object. `usd_per_hour` None: no price is known, which is not nothing."""

    what: str
    called: str
    usd_per_hour: Decimal | None
    on_purpose: bool
    """The engine was told to retain it."""

    def __str__(self) -> str:
        price = "price unknown" if self.usd_per_hour is None else f"${self.usd_per_hour} an hour"
        return f"{self.what} ({self.called}), {price}"


def leftovers(account: Account, retained: Iterable[str]) -> tuple[Leftover, ...]:
    """Everything that is in the account; `retained` are the ids of what the engine was told to leave."""
    kept = set(retained)
    return tuple(
        Leftover(what=thing.what, called=thing.called, usd_per_hour=_price(account, thing), on_purpose=thing.id in kept)
        for thing in account.objects()
    )


def kept_in_words(left: Iterable[Leftover]) -> tuple[str, ...]:
    """What was kept on purpose, a line for each; settings that bear the name of what they set are counted with it."""
    by_name: dict[str, list[Leftover]] = {}
    for one in sorted(left, key=lambda one: len(one.what)):
        if one.on_purpose:
            by_name.setdefault(one.what.rpartition(" ")[2], []).append(one)
    return tuple(
        str(first) + (f", with its settings ({len(others)})" if others else "") for first, *others in by_name.values()
    )


def _price(account: Account, thing: Object) -> Decimal | None:
    from providers.aws.network.bill import ENDPOINT_USD_PER_HOUR, NAT_GATEWAY_USD_PER_HOUR, PUBLIC_ADDRESS_USD_PER_HOUR

    word = thing.token.rpartition(":")[2]
    if word in FREE_AT_REST:
        return Decimal(0)
    if word == "VpcEndpoint":
        return ENDPOINT_USD_PER_HOUR * len(thing.outputs.get("networkInterfaceIds", ()))
    fixed = {"NatGateway": NAT_GATEWAY_USD_PER_HOUR, "Eip": PUBLIC_ADDRESS_USD_PER_HOUR}
    return fixed[word] if word in fixed else _price_of_machines(account, thing)


def _price_of_machines(account: Account, thing: Object) -> Decimal | None:
    from providers.aws.catalog import machines

    ask = asked(account, thing.token, thing.inputs)
    machine = machines().get(ask.machine_types[0]) if ask and ask.machine_types else None
    return machine.usd_per_hour * ask.count if ask and machine and machine.usd_per_hour else None
