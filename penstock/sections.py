"""The parts of a plan that `--show` names."""

from collections.abc import Callable, Iterator, Mapping

from components.estimate.cost import known_usd_per_hour
from components.plan.stack import StackPlan
from penstock.inside_tables import addon_lines, owner_lines, queue_lines
from penstock.plan_screen import decision_lines, decisions_of, dollars, moment, summary
from penstock.tables import Line, Table, folded

Section = Callable[[StackPlan, int], Iterator[Line]]


def _bill(plan: StackPlan, width: int) -> Iterator[Line]:
    """Each line with the number of its price's source, and the sum of those that have a price."""
    bill = plan.cluster.bill
    if not bill:
        return
    sources = tuple(dict.fromkeys(line.source for line in bill))
    rows = []
    for line in bill:
        price = "prepaid" if line.prepaid else dollars(line.usd_per_hour)
        begins, ends = moment(line.since), moment(line.until)
        dates = f", {begins or 'up'} to {ends or 'destroy'}" if begins or ends else ""
        rows.append((price, f"{line.count:g}", f"({sources.index(line.source) + 1})", f"{line.what}{dates}"))
    rows.append((dollars(known_usd_per_hour(bill)), "", "", "together, from `up` to `destroy` where no date is given"))
    headers = ("$ an hour", "count", "price", "what")
    yield Line("billed", "bold")
    yield from Table(headers, rows, right=("$ an hour", "count"), prose=True).lines(width)
    for number, source in enumerate(sources, start=1):
        yield from (Line(text, "dim") for text in folded(f"({number}) {source}", width, "    ", first=""))


def _quotas(plan: StackPlan, width: int) -> Iterator[Line]:
    if not plan.cluster.quotas:
        return
    rows = [
        (
            quota.service,
            quota.code or "no code",
            f"{quota.needed:,.0f} {quota.unit}".rstrip(),
            "unknown" if quota.default is None else f"{quota.default:,.0f}",
            f"{quota.name} ({quota.reason})",
        )
        for quota in plan.cluster.quotas
    ]
    yield Line(f"quotas that the account must have in {plan.cluster.region}", "bold")
    headers = ("service", "code", "needed", "new account", "quota, and what for")
    yield from Table(headers, rows, right=("needed", "new account"), drop=("service",), prose=True).lines(width)


def _addresses(plan: StackPlan, width: int) -> Iterator[Line]:
    """Each subnet with the addresses that are free when every pool has its largest size."""
    if not plan.cluster.subnets:
        return
    rows = [
        (one.name, one.zone, one.cidr or one.id, _known(one.usable), f"{one.needed:,}", _known(one.free))
        for one in plan.cluster.subnets
    ]
    yield Line("addresses", "bold")
    headers = ("subnet", "zone", "range", "usable", "needed", "free")
    yield from Table(headers, rows, right=("usable", "needed", "free"), drop=("zone", "usable")).lines(width)


def _known(addresses: int | None) -> str:
    return "not known" if addresses is None else f"{addresses:,}"


def _addons(plan: StackPlan, width: int) -> Iterator[Line]:
    return addon_lines(plan.inside, width) if plan.inside else iter(())


def _owners(plan: StackPlan, width: int) -> Iterator[Line]:
    return owner_lines(plan.inside, width) if plan.inside else iter(())


def _queues(plan: StackPlan, width: int) -> Iterator[Line]:
    return queue_lines(plan.inside, width) if plan.inside else iter(())


def _decisions(plan: StackPlan, width: int) -> Iterator[Line]:
    yield Line("decided for you", "bold")
    yield from decision_lines(decisions_of(plan), width)


SECTIONS: Mapping[str, Section] = {
    "bill": _bill,
    "quotas": _quotas,
    "addresses": _addresses,
    "addons": _addons,
    "owners": _owners,
    "queues": _queues,
    "decisions": _decisions,
}


def screen(plan: StackPlan, width: int) -> Iterator[Line]:
    """The first screen, which names the sections that have something to show."""
    return summary(plan, width, [name for name, section in SECTIONS.items() if next(section(plan, width), None)])


def everything(plan: StackPlan, width: int) -> Iterator[Line]:
    """The first screen and every section that is not empty."""
    yield from screen(plan, width)
    for section in SECTIONS.values():
        lines = tuple(section(plan, width))
        if lines:
            yield from (Line(""), *lines)


def chosen(names: tuple[str, ...], plan: StackPlan, width: int) -> Iterator[Line]:
    """The named sections, in the order they are named in."""
    for number, name in enumerate(names):
        lines = tuple(SECTIONS[name](plan, width)) or (Line(f"{name}: none on {plan.cluster.cloud}"),)
        yield from (Line(""), *lines) if number else lines
