"""Objects still in the account, with their cost by the hour."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from rehearsal.cloud.account import Account


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
        Leftover(
            what=thing.what,
            called=thing.called,
            usd_per_hour=account.rules.price(account, thing),
            on_purpose=thing.id in kept,
        )
        for thing in account.objects()
    )


def kept_in_words(left: Iterable[Leftover]) -> tuple[str, ...]:
    """Resources that were kept on purpose, a line for each; settings that bear the name of their resource are counted
    with it.
    """
    by_name: dict[str, list[Leftover]] = {}
    for one in sorted(left, key=lambda one: len(one.what)):
        if one.on_purpose:
            by_name.setdefault(one.what.rpartition(" ")[2], []).append(one)
    return tuple(
        str(first) + (f", with its settings ({len(others)})" if others else "") for first, *others in by_name.values()
    )
