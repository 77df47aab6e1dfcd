"""Compute Engine: networks and what lies in them, addresses, placement of machines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.gcp.kinds.parts import Form, each, link, number, project_of, region_of
from rehearsal.providers.gcp.names import ADDRESS, FIREWALL, NETWORK, POLICY, ROUTER, ROUTER_NAT, SUBNETWORK, last
from rehearsal.providers.gcp.words import bare

MOST_MTU, LEAST_MTU = 8896, 1300


def _nothing(_api: CloudApi, _inputs: Inputs) -> None:
    return None


def _no_outputs(_api: CloudApi, _inputs: Inputs, _id: str) -> Outputs:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection of Compute Engine: resources are made by `insert`, and changed by `patch` where there is such."""

    token: str
    of: str
    one: str
    """The parameter of the address that names one of them."""
    path: str = ""
    """The collection in a resource's name, where it is not `of`."""
    is_global: bool = False
    form: Form = field(default_factory=Form)
    fixed: frozenset[str] = frozenset()
    patched: bool = True
    refers: Mapping[str, str] = field(default_factory=dict)
    outputs: Callable[[CloudApi, Inputs, str], Outputs] = _no_outputs
    refuse: Callable[[CloudApi, Inputs], None] = _nothing
    """Raises CloudApiError for what no description forbids and the service does."""
    ready_min: float = 0.3
    gone_min: float = 0.3

    def kind(self) -> ResourceKind:
        """The resource type."""
        return ResourceKind(
            token=self.token, create=self._create, update=self._update if self.patched else None, delete=self._delete,
            fixed=self.fixed | {"name", "project", "region"}, refers=self.refers, own_name="name", longest_name=63,
            ready_after_min=lambda _inputs: self.ready_min, deleted_after_min=lambda _inputs: self.gone_min,
        )  # fmt: skip

    def address(self, api: CloudApi, inputs: Inputs) -> dict[str, str]:
        """Parameters of the address of the collection."""
        region = {} if self.is_global else {"region": last(region_of(api, inputs))}
        return {"project": project_of(api, inputs), **region}

    def _create(self, api: CloudApi, inputs: Inputs) -> Made:
        self.refuse(api, inputs)
        address = self.address(api, inputs)
        api.keep("compute", f"{self.of}.insert", {}, **address, body=self.form.body(inputs))
        place = "global" if self.is_global else f"regions/{address['region']}"
        found = f"projects/{address['project']}/{place}/{self.path or self.of}/{inputs['name']}"
        common = {"selfLink": link(found), "project": address["project"]}
        return Made(id=found, outputs={**common, **self.outputs(api, inputs, found)})

    def _update(self, api: CloudApi, _id: str, old: Outputs, new: Inputs) -> Outputs:
        self.refuse(api, new)
        body, before = self.form.body(new), self.form.body({name: old.get(name) for name in new})
        changed = {name: value for name, value in body.items() if before.get(name) != value}
        if changed:
            name = {self.one: last(new["name"])}
            api.keep("compute", f"{self.of}.patch", {}, **self.address(api, new), **name, body=changed)
        return {}

    def _delete(self, api: CloudApi, _id: str, outputs: Outputs) -> None:
        api.keep("compute", f"{self.of}.delete", {}, **self.address(api, outputs), **{self.one: outputs["name"]})


def _network_outputs(_api: CloudApi, _inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    return {"gatewayIpv4": "", "networkId": number(id)}


def _refuse_network(_api: CloudApi, inputs: Inputs) -> None:
    mtu, profile = inputs.get("mtu"), inputs.get("networkProfile")
    if mtu is not None and not is_unknown(mtu) and not LEAST_MTU <= mtu <= MOST_MTU:
        raise _invalid(f"Invalid value for field 'resource.mtu': '{mtu}'. Must be from {LEAST_MTU} to {MOST_MTU}")
    if profile and inputs.get("autoCreateSubnetworks", True):
        raise _invalid("a network of a network profile takes no automatic subnetworks")


def is_rdma(api: CloudApi, network: Any) -> bool:
    """True for a network of an RDMA profile (Google Cloud, "Remote Direct Memory Access network profiles")."""
    found = api.find(NETWORK, bare(str(network)))
    return bool(found and found.get("networkProfile"))


def _refuse_subnetwork(api: CloudApi, inputs: Inputs) -> None:
    if is_rdma(api, inputs.get("network")) and inputs.get("secondaryIpRanges"):
        raise _invalid("a subnetwork of a network with an RDMA profile takes no secondary ranges")
    ranges = [inputs.get("ipCidrRange"), *(one.get("ipCidrRange") for one in inputs.get("secondaryIpRanges") or ())]
    known = [ip_network(one) for one in ranges if one and not is_unknown(one)]
    for index, one in enumerate(known):
        for other in known[:index]:
            if one.overlaps(other):
                raise _invalid(f"Invalid IPCidrRange: {one} conflicts with existing range {other} of the subnetwork")


def _subnetwork_outputs(_api: CloudApi, inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    first = inputs.get("ipCidrRange")
    gateway = "" if not first or is_unknown(first) else str(next(ip_network(first).hosts()))
    return {
        "creationTimestamp": "2026-01-01T00:00:00.000-08:00", "gatewayAddress": gateway, "fingerprint": "",
        "subnetworkId": int(number(id)) % 10**12, "purpose": inputs.get("purpose", "PRIVATE"),
        "stackType": inputs.get("stackType", "IPV4_ONLY"),
        "privateIpv6GoogleAccess": inputs.get("privateIpv6GoogleAccess", "DISABLE_GOOGLE_ACCESS"),
    }  # fmt: skip


def _refuse_firewall(api: CloudApi, inputs: Inputs) -> None:
    """A network of an RDMA profile takes no such rule (Google Cloud, "Cloud NGFW for RoCE VPC networks")."""
    if is_rdma(api, inputs.get("network")):
        raise _invalid("VPC firewall rules are not supported in a network with an RDMA network profile")


def _refuse_router(api: CloudApi, inputs: Inputs) -> None:
    if is_rdma(api, inputs.get("network")):
        raise _invalid("Cloud Router and Cloud NAT are not supported in a network with an RDMA network profile")


def _refuse_policy(_api: CloudApi, inputs: Inputs) -> None:
    """REST reference, resourcePolicies: acceleratorTopology excludes maxTopologyDistance."""
    policy = inputs.get("workloadPolicy") or {}
    if policy.get("acceleratorTopology") and policy.get("maxTopologyDistance"):
        raise _invalid("workloadPolicy takes acceleratorTopology or maxTopologyDistance, not both")


def _invalid(message: str) -> CloudApiError:
    return CloudApiError("Error 400", f"{message}, invalid")


def _global_address_outputs(_api: CloudApi, inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    given = "10.127.0.0" if inputs.get("addressType") == "INTERNAL" else "34.1.2.3"
    return {"address": inputs.get("address") or given, "creationTimestamp": "", "selfLink": link(id)}


_RULES = each({"protocol": "IPProtocol"})

COLLECTIONS = (
    Collection(
        token=NETWORK, of="networks", one="network", is_global=True, refuse=_refuse_network, outputs=_network_outputs,
        form=Form(
            moved={"routingMode": "routingConfig.routingMode"}, unsent=frozenset({"deleteDefaultRoutesOnCreate"})
        ),
        fixed=frozenset({"autoCreateSubnetworks", "mtu", "networkProfile", "description", "internalIpv6Range"}),
        ready_min=0.4, gone_min=0.6,
    ),
    Collection(
        token=SUBNETWORK, of="subnetworks", one="subnetwork", refuse=_refuse_subnetwork, outputs=_subnetwork_outputs,
        refers={"network": NETWORK},
        form=Form(changed={"logConfig": lambda value: {"enable": True, **value}}),
        fixed=frozenset({"network", "ipCidrRange", "purpose", "description"}),
    ),
    Collection(
        token=ROUTER, of="routers", one="router", refers={"network": NETWORK}, refuse=_refuse_router,
        fixed=frozenset({"network"}),
        outputs=lambda _api, _inputs, _id: {"creationTimestamp": ""},
    ),
    Collection(
        token=FIREWALL, of="firewalls", one="firewall", is_global=True, refuse=_refuse_firewall,
        refers={"network": NETWORK}, fixed=frozenset({"network"}),
        form=Form(moved={"allows": "allowed", "denies": "denied"}, changed={"allowed": _RULES, "denied": _RULES}),
        outputs=lambda _api, inputs, _id: {
            "creationTimestamp": "", "direction": inputs.get("direction", "INGRESS"),
            "priority": inputs.get("priority", 1000),
        },
    ),
    Collection(
        token=ADDRESS, of="addresses", one="address", patched=False,
        refers={"network": NETWORK, "subnetwork": SUBNETWORK},
        outputs=lambda _api, inputs, _id: {"address": inputs.get("address") or "34.1.2.4", "users": []},
    ),
    Collection(
        token="gcp:compute/globalAddress:GlobalAddress", of="globalAddresses", path="addresses", one="address",
        is_global=True, patched=False, refers={"network": NETWORK}, outputs=_global_address_outputs,
    ),
    Collection(
        token=POLICY, of="resourcePolicies", one="resourcePolicy", refuse=_refuse_policy,
        patched=False,
    ),
)  # fmt: skip

_NAT_FORM = Form(
    unsent=frozenset({"router", "initialNatIps"}),
    changed={"subnetworks": each({"sourceIpRangesToNats": "sourceIpRangesToNat"})},
)


def _nats(api: CloudApi, inputs: Inputs, nats: list[dict[str, Any]]) -> None:
    """A NAT is a member of its router, which is patched."""
    address = {"project": project_of(api, inputs), "region": last(region_of(api, inputs))}
    api.keep("compute", "routers.patch", {}, **address, router=last(inputs["router"]), body={"nats": nats})


def _create_nat(api: CloudApi, inputs: Inputs) -> Made:
    dynamic, most = inputs.get("enableDynamicPortAllocation"), inputs.get("maxPortsPerVm")
    if most is not None and not dynamic:
        raise _invalid("maxPortsPerVm can only be set with enableDynamicPortAllocation")
    if dynamic and inputs.get("enableEndpointIndependentMapping"):
        raise _invalid("enableDynamicPortAllocation and enableEndpointIndependentMapping exclude each other")
    _nats(api, inputs, [_NAT_FORM.body(inputs)])
    router = last(inputs["router"])
    return Made(id=f"{project_of(api, inputs)}/{last(region_of(api, inputs))}/{router}/{inputs['name']}", outputs={})


def _update_nat(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    _nats(api, new, [_NAT_FORM.body(new)])
    return {}


NAT = ResourceKind(
    token=ROUTER_NAT, create=_create_nat, update=_update_nat,
    delete=lambda api, _id, outputs: _nats(api, outputs, []),
    fixed=frozenset({"name", "router", "region", "project"}),
    refers={"router": ROUTER, "natIps": ADDRESS, "subnetworks.name": SUBNETWORK}, own_name="name", longest_name=63,
    ready_after_min=lambda _inputs: 0.3,
)  # fmt: skip

KINDS = (*(one.kind() for one in COLLECTIONS), NAT)
