"""Facts of Azure: the types of its resources, and where their fields hold what the rules ask about.

Left out: keys of one's own, as Azure encrypts all that it keeps; and interfaces of a fabric, which are the machine's
own and whose number no request names.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from policies.facts import CloudReader, Ingress, Inputs, Launch, MachineFacts, Pool, ReservationFacts, Versioned
from policies.rule import StackResource
from policies.values import UNKNOWN, at, entries, is_true

MACHINE_ROWS: Final = ("providers", "azure/machine_types.toml")
"""Rows of facts of Azure with their sources, read here anew: a rule is a second opinion on the plan."""
PRICE_ROWS: Final = ("providers", "azure/machine_prices.toml")

NODE_POOL = "azure-native:containerservice:AgentPool"
CLUSTER = "azure-native:containerservice:ManagedCluster"
SECURITY_GROUP = "azure-native:network:NetworkSecurityGroup"
EXPIRES, BUDGET = "penstock:expires", "penstock:budget-usd-per-hour"
_ANYBODY = {"*", "internet", "any"}


@cache
def machines() -> Mapping[str, MachineFacts]:
    """Machine types by name; at the price of the cheapest region, as a pool does not say where it is."""
    prices = _rows(PRICE_ROWS)
    return {name: _machine(row, prices.get(name, {})) for name, row in _rows(MACHINE_ROWS).items()}


def _rows(place: tuple[str, str]) -> Mapping[str, Mapping[str, Any]]:
    package, file = place
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    assert folders, f"the package {package} is not installed beside the policy pack"
    return tomllib.loads((Path(folders[0]) / file).read_text(), parse_float=Decimal)


def _machine(row: Mapping[str, Any], prices: Mapping[str, Any]) -> MachineFacts:
    cheapest = min((Decimal(str(price)) for price in prices.values()), default=None)
    return MachineFacts(accelerators="accelerator" in row, usd_per_hour=cheapest)


def launch(kind: str, inputs: Inputs) -> Launch | None:
    """Machines of a node pool, which says itself how they are started."""
    if kind != NODE_POOL:
        return None
    reservation = at(inputs, "capacityReservationGroupID")
    return Launch(
        machine_type=at(inputs, "vmSize"),
        expires=at(inputs, "tags", EXPIRES),
        market=_market(inputs),
        is_prepaid=reservation if reservation is UNKNOWN else bool(reservation),
        placement_group=at(inputs, "proximityPlacementGroupID"),
        reservation=ReservationFacts(id=reservation) if reservation else None,
    )


def _market(inputs: Inputs) -> Any:
    priority = at(inputs, "scaleSetPriority")
    if priority is UNKNOWN:
        return UNKNOWN
    if priority == "Spot":
        return "spot"
    return "reservation" if at(inputs, "capacityReservationGroupID") else "on-demand"


def pool(kind: str, inputs: Inputs) -> Pool | None:
    """A node pool."""
    if kind != NODE_POOL:
        return None
    reservation = at(inputs, "capacityReservationGroupID")
    return Pool(
        nodes=at(inputs, "count") or at(inputs, "minCount") or 0,
        labels=at(inputs, "nodeLabels"),
        capacity=_market(inputs),
        is_prepaid=reservation if reservation is UNKNOWN else bool(reservation),
    )


def launches(group: StackResource) -> Iterable[StackResource]:
    """The pool itself."""
    return [group]


def zones(group: StackResource) -> Iterable[Any]:
    """Zones of a pool's nodes."""
    return entries(group.outputs, "availabilityZones")


def budget(inputs: Inputs) -> Any:
    """The budget of a pool's tags."""
    return at(inputs, "tags", BUDGET)


def ingress(kind: str, inputs: Inputs) -> Iterator[Ingress]:
    """Ranges that a rule of a security group, or the API server by its public address, lets in."""
    if kind == SECURITY_GROUP:
        for rule in entries(inputs, "securityRules"):
            if at(rule, "direction") == "Inbound" and at(rule, "access") == "Allow":
                given = [at(rule, "sourceAddressPrefix"), *entries(rule, "sourceAddressPrefixes")]
                ranges = [_range(one) for one in given if one]
                yield Ingress(path="securityRules", ranges=ranges, open_when_empty="")
    elif kind == CLUSTER:
        yield from _api_server(inputs)


def _range(given: Any) -> Any:
    return "0.0.0.0/0" if isinstance(given, str) and given.lower() in _ANYBODY else given


def _api_server(inputs: Inputs) -> Iterator[Ingress]:
    """AKS has a public address unless told otherwise, and opens it to everybody where no range is authorized."""
    profile = at(inputs, "apiServerAccessProfile")
    if profile is UNKNOWN or is_true(at(profile, "enablePrivateCluster")):
        return
    ranges = entries(profile, "authorizedIPRanges")
    yield Ingress(path="authorizedIPRanges", ranges=ranges, open_when_empty="the API server's address")


def versions(kind: str, inputs: Inputs) -> Iterator[Versioned]:
    """The version of Kubernetes that a cluster and each of its pools name."""
    field = {CLUSTER: "kubernetesVersion", NODE_POOL: "orchestratorVersion"}.get(kind)
    if field is not None:
        version = at(inputs, field)
        exact = version is UNKNOWN or version is not None
        yield Versioned(software="Kubernetes", version=version, is_exact=exact)


FACTS: Final = CloudReader(
    name="azure",
    accelerator_devices=("nvidia.com/gpu",),
    internal_services={"service.beta.kubernetes.io/azure-load-balancer-internal": "true"},
    machines=machines,
    launch=launch,
    pool=pool,
    budget=budget,
    launches=launches,
    zones=zones,
    ingress=ingress,
    versions=versions,
)
