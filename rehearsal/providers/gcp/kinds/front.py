"""Fronts of services: backend services over groups of endpoints, URL maps, proxies, policies, certificates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.gcp.kinds.compute import Collection
from rehearsal.providers.gcp.kinds.parts import Form, number, project_of
from rehearsal.providers.gcp.names import (
    ARMOR,
    BACKEND_SERVICE,
    CERTIFICATE,
    CERTIFICATE_MAP,
    DNS_PROOF,
    ENDPOINT_GROUP,
    FORWARDING_RULE,
    HEALTH_CHECK,
    HTTPS_PROXY,
    MAP_ENTRY,
    TLS_POLICY,
    URL_MAP,
    last,
)

MOST_RANGES, LAST_PRIORITY = 10, 2_147_483_647
LEAST_CAPACITY, MOST_DRAINING_S = 0.1, 3600


def _invalid(message: str) -> CloudApiError:
    return CloudApiError("Error 400", f"{message}, invalid")


def _refuse_service(api: CloudApi, inputs: Inputs) -> None:
    """Compute Engine API, BackendService and Backend; Cloud Load Balancing, Backend services overview: zonal groups
    are balanced by rate, and stand in the project of the service."""
    drain = inputs.get("connectionDrainingTimeoutSec")
    if isinstance(drain, int | float) and not 0 <= drain <= MOST_DRAINING_S:
        raise _invalid(f"Invalid value for field 'resource.connectionDraining.drainingTimeoutSec': '{drain}'")
    for one in inputs.get("backends") or ():
        group, scaler = one.get("group"), one.get("capacityScaler", 1.0)
        if not is_unknown(scaler) and scaler and not LEAST_CAPACITY <= scaler <= 1:
            raise _invalid(f"Invalid value for field 'capacityScaler': '{scaler}'. Must be 0, or from 0.1 to 1.0")
        if is_unknown(group) or "/networkEndpointGroups/" not in str(group):
            continue
        if one.get("balancingMode", "UTILIZATION") not in ("RATE", "IN_FLIGHT"):
            raise _invalid("Invalid value for field 'balancingMode': UTILIZATION is not supported for a zonal NEG")
        if one.get("balancingMode") == "RATE" and not (one.get("maxRate") or one.get("maxRatePerEndpoint")):
            raise _invalid("maxRate or maxRatePerEndpoint must be set for a NEG with balancing mode RATE")
        if f"projects/{project_of(api, inputs)}/" not in str(group):
            raise _invalid(f"Cross-project references for this resource are not allowed: '{group}'")


def _refuse_policy(_api: CloudApi, inputs: Inputs) -> None:
    """Compute Engine API, SecurityPolicyRuleMatcherConfig.srcIpRanges, SecurityPolicy.rules."""
    rules = [one for one in inputs.get("rules") or () if not is_unknown(one)]
    for one in rules:
        ranges = ((one.get("match") or {}).get("config") or {}).get("srcIpRanges") or ()
        if len(ranges) > MOST_RANGES:
            raise _invalid(f"Maximum number of srcIpRanges is {MOST_RANGES}, and the rule has {len(ranges)}")
    if rules and not any(one.get("priority") == LAST_PRIORITY for one in rules):
        raise _invalid(f"a security policy needs a default rule of priority {LAST_PRIORITY}")


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _numbered(name: str) -> Callable[[CloudApi, Inputs, str], Outputs]:
    """Outputs of what Google numbers under that name."""
    return lambda _api, _inputs, found: {"creationTimestamp": "", "fingerprint": "", name: int(number(found)[:12])}


COLLECTIONS = (
    Collection(
        token=HEALTH_CHECK, of="healthChecks", one="healthCheck", is_global=True,
        outputs=lambda _api, _inputs, _id: {"creationTimestamp": "", "type": "HTTP"},
    ),
    Collection(token=ARMOR, of="securityPolicies", one="securityPolicy", is_global=True, refuse=_refuse_policy),
    Collection(
        token=TLS_POLICY, of="sslPolicies", one="sslPolicy", is_global=True,
        outputs=lambda _api, _inputs, _id: {"creationTimestamp": "", "enabledFeatures": [], "fingerprint": ""},
    ),
    Collection(
        token=BACKEND_SERVICE, of="backendServices", one="backendService", is_global=True, refuse=_refuse_service,
        form=Form(
            moved={"connectionDrainingTimeoutSec": "connectionDraining.drainingTimeoutSec"},
            changed={"healthChecks": _listed}, unsent=frozenset({"securityPolicy"}),
        ),
        refers={"backends.group": ENDPOINT_GROUP, "healthChecks": HEALTH_CHECK, "securityPolicy": ARMOR},
        fixed=frozenset({"loadBalancingScheme"}), ready_min=0.5, gone_min=0.5,
        outputs=_numbered("generatedId"),
    ),
    Collection(
        token=URL_MAP, of="urlMaps", one="urlMap", is_global=True, refers={"defaultService": BACKEND_SERVICE},
        outputs=_numbered("mapId"),
    ),
    Collection(
        token=HTTPS_PROXY, of="targetHttpsProxies", one="targetHttpsProxy", is_global=True,
        refers={"urlMap": URL_MAP, "sslPolicy": TLS_POLICY}, fixed=frozenset({"proxyBind"}),
        outputs=_numbered("proxyId"),
    ),
    Collection(
        token=FORWARDING_RULE, of="globalForwardingRules", path="forwardingRules", one="forwardingRule", is_global=True,
        refers={"target": HTTPS_PROXY}, form=Form(moved={"ipAddress": "IPAddress", "ipProtocol": "IPProtocol"}),
        fixed=frozenset({"ipAddress", "ipProtocol", "portRange", "loadBalancingScheme", "ipVersion", "network"}),
        ready_min=0.5, gone_min=0.5,
        outputs=lambda _api, _inputs, found: {"forwardingRuleId": int(number(found)[:12]), "networkTier": "PREMIUM"},
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A collection of Certificate Manager, in the location `global`."""

    token: str
    of: str
    parameter: str
    """Parameter of the address that names a new one."""
    inside: str = ""
    """Input that names what it lies in, where that is not the location."""
    form: Form = field(default_factory=Form)
    fixed: frozenset[str] = frozenset()
    refers: Mapping[str, str] = field(default_factory=dict)
    ready_min: float = 0.2

    def kind(self) -> ResourceKind:
        """The resource type."""
        return ResourceKind(
            token=self.token, create=self._create, update=self._update, delete=self._delete, own_name="name",
            fixed=self.fixed | {"name", "project", "location"}, refers=self.refers, longest_name=63,
            ready_after_min=lambda _inputs: self.ready_min, deleted_after_min=lambda _inputs: self.ready_min,
        )  # fmt: skip

    def _create(self, api: CloudApi, inputs: Inputs) -> Made:
        place = f"projects/{project_of(api, inputs)}/locations/global"
        method = f"projects.locations.{self.of}"
        if self.inside:
            place = f"{place}/certificateMaps/{last(inputs[self.inside])}"
            method = f"projects.locations.certificateMaps.{self.of}"
        named = {self.parameter: inputs["name"]}
        api.keep("certificatemanager", f"{method}.create", {}, parent=place, **named, body=self._body(inputs))
        found = f"{place}/{self.of}/{inputs['name']}"
        records = [
            {
                "name": f"_acme-challenge.{inputs.get('domain')}.",
                "type": "CNAME",
                "data": f"{number(found)[:8]}.authorize.certificatemanager.goog.",
            }
        ]
        told: Outputs = {"dnsResourceRecords": records} if self.token == DNS_PROOF else {}
        return Made(id=found, outputs={**told, "project": project_of(api, inputs)})

    def _body(self, inputs: Inputs) -> dict[str, Any]:
        body = self.form.body(inputs)
        body.pop("name", None)
        return body

    def _update(self, api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
        method = f"projects.locations.{'certificateMaps.' if self.inside else ''}{self.of}.patch"
        api.keep("certificatemanager", method, {}, name=id, updateMask="*", body=self._body(new))
        return {}

    def _delete(self, api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002, ARG002 (the engine's own word)
        method = f"projects.locations.{'certificateMaps.' if self.inside else ''}{self.of}.delete"
        api.keep("certificatemanager", method, {}, name=id)


CERTIFIED = (
    Certified(
        token=DNS_PROOF, of="dnsAuthorizations", parameter="dnsAuthorizationId", fixed=frozenset({"domain", "type"})
    ),
    Certified(
        token=CERTIFICATE, of="certificates", parameter="certificateId", fixed=frozenset({"managed", "scope"}),
        refers={"managed.dnsAuthorizations": DNS_PROOF},
    ),
    Certified(token=CERTIFICATE_MAP, of="certificateMaps", parameter="certificateMapId"),
    Certified(
        token=MAP_ENTRY, of="certificateMapEntries", parameter="certificateMapEntryId", inside="map",
        form=Form(unsent=frozenset({"map"})), fixed=frozenset({"map", "hostname", "matcher"}),
        refers={"map": CERTIFICATE_MAP, "certificates": CERTIFICATE},
    ),
)  # fmt: skip

KINDS = (*(one.kind() for one in COLLECTIONS), *(one.kind() for one in CERTIFIED))
