"""Facts of Google Cloud: the types of its resources, and where their fields hold what the rules ask about.

Left out: keys of one's own, as Google encrypts all that it keeps; and interfaces of a fabric, which a pod of GKE asks
for by its annotations, and whose number GKE itself holds to.
"""

import re
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

MACHINE_ROWS: Final = ("providers", "gcp/machine_types.toml")
"""Rows of facts of Google Cloud with their sources, read here anew: a rule is a second opinion on the plan."""

NODE_POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
DIRECTOR = "gcp:hypercomputecluster/cluster:Cluster"
FIREWALL = "gcp:compute/firewall:Firewall"
ARMOR = "gcp:compute/securityPolicy:SecurityPolicy"
BACKEND_SERVICE = "gcp:compute/backendService:BackendService"
EXPIRES, BUDGET = "penstock-expires", "penstock-budget-cents-h"
SPECIFIC, NONE = "SPECIFIC_RESERVATION", "NO_RESERVATION"
_MARKETS: Final = {
    "on-demand": "newOnDemandInstances", "spot": "newSpotInstances", "flex start": "newFlexStartInstances",
    "reservation": "newReservedInstances",
}  # fmt: skip
"""Ways to have machines of Cluster Director, and the member of its API for each."""
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)z")


@cache
def machines() -> Mapping[str, MachineFacts]:
    """Machine types by name."""
    package, file = MACHINE_ROWS
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    assert folders, f"the package {package} is not installed beside the policy pack"
    rows = tomllib.loads((Path(folders[0]) / file).read_text())
    return {name: _machine(row) for name, row in rows.items()}


def _machine(row: Mapping[str, Any]) -> MachineFacts:
    price = row.get("usd_per_hour")
    return MachineFacts(accelerators="accelerator" in row, usd_per_hour=None if price is None else Decimal(str(price)))


def launch(kind: str, inputs: Inputs) -> Launch | None:
    """Machines of a node pool, which says itself how they are started, or those of a cluster of Slurm's."""
    if kind == DIRECTOR:
        return _slurms(inputs)
    if kind != NODE_POOL:
        return None
    nodes = at(inputs, "nodeConfig")
    return Launch(
        machine_type=at(nodes, "machineType"),
        expires=_time(at(nodes, "resourceLabels", EXPIRES)),
        market=_market(nodes),
        is_prepaid=_is_prepaid(nodes),
        placement_group=_own_placement(inputs),
        reservation=_reservation(at(nodes, "reservationAffinity")),
    )


def _slurms(inputs: Inputs) -> Launch | None:
    """The first machines with accelerators of a cluster of Cluster Director, or the first of all. A reservation brings
    its own machine type, which the cluster does not name."""
    _, market, asked = _first_machines(inputs)
    if not market:
        return None
    held, named = market == "reservation", at(asked, "reservation")
    untargeted = "" if named else "its compute resource names no reservation"
    return Launch(
        machine_type=at(asked, "machineType"), expires=_time(at(_slurm_labels(inputs), EXPIRES)), market=market,
        is_prepaid=held, reservation=ReservationFacts(id=named, untargeted=untargeted) if held else None,
    )  # fmt: skip


def _first_machines(inputs: Inputs) -> tuple[Any, str, Any]:
    """Id of a compute resource, the way in which its machines are had, and what is said of them."""
    found = [
        (at(one, "id"), word, asked)
        for one in entries(inputs, "computeResources")
        for word, member in _MARKETS.items()
        if (asked := at(one, "config", member)) is not None
    ]
    known = machines()
    dear = [one for one in found if (row := known.get(str(at(one[2], "machineType")))) and row.accelerators]
    return next(iter((*dear, *found)), (None, "", None))


def _slurm_labels(inputs: Inputs) -> Any:
    """Of its machines, which all have the same."""
    return at(next(iter(entries(inputs, "orchestrator", "slurm", "nodeSets")), {}), "computeInstance", "labels")


def _slurm_pool(inputs: Inputs) -> Pool | None:
    """Those machines as they always run: others start with a job."""
    compute, market, _ = _first_machines(inputs)
    sets = [one for one in entries(inputs, "orchestrator", "slurm", "nodeSets") if at(one, "computeId") == compute]
    counts = [at(one, "staticNodeCount") for one in sets]
    if not market or not sets:
        return None
    nodes = UNKNOWN if UNKNOWN in counts else sum(int(count or 0) for count in counts)
    return Pool(nodes=nodes, capacity=market, is_prepaid=market == "reservation")


def _time(label: Any) -> Any:
    """The time of a label, which takes no colon, as others write it; the label itself where it is none."""
    found = _TIME.fullmatch(label) if isinstance(label, str) else None
    return "{}-{}-{}T{}:{}+00:00".format(*found.groups()) if found else label


def _market(nodes: Any) -> Any:
    for field, word in (("spot", "spot"), ("flexStart", "flex start")):
        if (value := at(nodes, field)) is UNKNOWN or value:
            return UNKNOWN if value is UNKNOWN else word
    return "reservation" if _is_prepaid(nodes) is True else "on-demand"


def _is_prepaid(nodes: Any) -> Any:
    kind = at(nodes, "reservationAffinity", "consumeReservationType")
    return kind if kind is UNKNOWN else kind == SPECIFIC


def _own_placement(inputs: Inputs) -> Any:
    """A compact placement of the pool's own: a slice of TPUs, or a policy that somebody made, is none."""
    policy = at(inputs, "placementPolicy")
    if policy is UNKNOWN or at(policy, "tpuTopology") or at(policy, "policyName"):
        return None
    return at(policy, "type")


def _reservation(affinity: Any) -> ReservationFacts | None:
    kind = at(affinity, "consumeReservationType")
    if kind in (None, UNKNOWN, NONE):
        return None
    names = at(affinity, "values")
    named = names if names is UNKNOWN else next(iter(names or ()), None)
    untargeted = "" if named or kind != SPECIFIC else "its reservation affinity names no reservation"
    outside = kind if named and kind != SPECIFIC else ""
    return ReservationFacts(id=named, untargeted=untargeted, outside=outside)


def pool(kind: str, inputs: Inputs) -> Pool | None:
    """A node pool, whose counts are of each of its zones; or Slurm's machines."""
    if kind == DIRECTOR:
        return _slurm_pool(inputs)
    if kind != NODE_POOL:
        return None
    counts = (at(inputs, "nodeCount"), at(inputs, "initialNodeCount"), at(inputs, "autoscaling", "minNodeCount"))
    nodes = next((count for count in counts if count is not None), 0)
    zones = len(entries(inputs, "nodeLocations")) or 1
    known = isinstance(nodes, int | float)
    return Pool(
        nodes=nodes * zones if known else nodes,
        labels=at(inputs, "nodeConfig", "labels"),
        capacity=_market(at(inputs, "nodeConfig")),
        is_prepaid=_is_prepaid(at(inputs, "nodeConfig")),
    )


def launches(group: StackResource) -> Iterable[StackResource]:
    """The pool itself."""
    return [group]


def zones(group: StackResource) -> Iterable[Any]:
    """Zones of a pool's nodes."""
    return entries(group.outputs, "nodeLocations")


def budget(inputs: Inputs) -> Any:
    """The budget of a pool's labels, which name it in cents."""
    places = (at(inputs, "nodeConfig", "resourceLabels"), at(inputs, "resourceLabels"), _slurm_labels(inputs))
    cents = next((found for labels in places if (found := at(labels, BUDGET))), None)
    return str(Decimal(cents) / 100) if isinstance(cents, str) and cents.isdigit() else None


def ingress(kind: str, inputs: Inputs) -> Iterator[Ingress]:
    """Ranges that a firewall rule, or the API server by its address, lets in. Its DNS name answers whom IAM lets in.
    Login nodes of Slurm with public addresses are reached by everybody whom some rule lets in."""
    if kind == FIREWALL and at(inputs, "direction") in (None, "INGRESS") and at(inputs, "allows"):
        given = at(inputs, "sourceRanges")
        narrowed = at(inputs, "sourceTags") or at(inputs, "sourceServiceAccounts")
        if given is not UNKNOWN and not (narrowed and not given):
            yield Ingress(path="sourceRanges", ranges=given or (), open_when_empty="the rule")
    elif kind == CLUSTER:
        yield from _api_server(inputs)
    elif kind == ARMOR:
        yield from _let_in(inputs)
    elif kind == BACKEND_SERVICE and _is_public(inputs) and at(inputs, "securityPolicy") is None:
        yield Ingress(path="securityPolicy", ranges=(), open_when_empty="the balancer before it")
    elif kind == DIRECTOR and is_true(at(inputs, "orchestrator", "slurm", "loginNodes", "enablePublicIps")):
        yield Ingress(path="loginNodes.enablePublicIps", ranges=(), open_when_empty="ssh of login nodes")


def _is_public(service: Inputs) -> bool:
    return at(service, "loadBalancingScheme") in (None, "EXTERNAL", "EXTERNAL_MANAGED")


def _let_in(inputs: Inputs) -> Iterator[Ingress]:
    """Ranges that a policy of Cloud Armor lets in; `*` is everybody."""
    for rule in entries(inputs, "rules"):
        ranges = at(rule, "match", "config", "srcIpRanges")
        if at(rule, "action") == "allow" and ranges is not UNKNOWN:
            named = ["0.0.0.0/0" if one == "*" else one for one in ranges or ()]
            yield Ingress(path="rules.match.config.srcIpRanges", ranges=named)


def _api_server(inputs: Inputs) -> Iterator[Ingress]:
    """GKE has a public address unless told otherwise, and opens it to everybody where no network is authorized."""
    switched = at(inputs, "controlPlaneEndpointsConfig", "ipEndpointsConfig", "enabled")
    private = at(inputs, "privateClusterConfig", "enablePrivateEndpoint")
    given = at(inputs, "masterAuthorizedNetworksConfig")
    if switched is False or is_true(private) or given is UNKNOWN:
        return
    ranges = [at(block, "cidrBlock") for block in entries(given, "cidrBlocks")]
    closed = given is not None and not ranges
    if not closed:
        yield Ingress(path="cidrBlocks", ranges=ranges, open_when_empty="the API server's address")


def versions(kind: str, inputs: Inputs) -> Iterator[Versioned]:
    """The least version of Kubernetes that a cluster names: its channel moves it on."""
    version = at(inputs, "minMasterVersion")
    if kind == CLUSTER and version is not None:
        exact = version is UNKNOWN or re.match(r"\d+\.\d+", str(version)) is not None
        yield Versioned(software="Kubernetes", version=version, is_exact=exact)


FACTS: Final = CloudReader(
    name="gcp",
    accelerator_devices=("nvidia.com/gpu", "google.com/tpu"),
    internal_services={"networking.gke.io/load-balancer-type": "Internal"},
    machines=machines,
    launch=launch,
    pool=pool,
    budget=budget,
    launches=launches,
    zones=zones,
    ingress=ingress,
    versions=versions,
)
