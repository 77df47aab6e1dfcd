"""ArmAnswers of Azure Resource Manager to programs that ask it themselves, out of the account."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import OF_CONTROLLERS, Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.azure import container_engine
from rehearsal.providers.azure.capacity import inline
from rehearsal.providers.azure.invokes import ADMIN, USER, invoke
from rehearsal.providers.azure.machines import NO_RESERVATION, VirtualMachine, accelerators, machine
from rehearsal.providers.azure.names import POOL, PROVIDER, REGISTRY, ROLE, last
from rehearsal.providers.azure.registrations import ALWAYS, OTHERS, REGISTERED, feature_of, state_of
from rehearsal.providers.azure.roles import SPREAD_MIN
from rehearsal.providers.azure.words import TENANT

UNLIMITED = 100000
ASKED_AGAIN_MIN = 0.5
"""Minutes that somebody is taken to have waited who is told that a role does not count yet."""
GENERAL = tuple(f"Standard_D{vcpus}ds_v5" for vcpus in (2, 4, 8, 16, 32, 48, 64, 96))
_S = r"/subscriptions/[^/]+"
_GROUP = rf"{_S}/resource[gG]roups/[^/]+"
Route = tuple[str, str, Callable[..., Any]]


class ArmRefusal(Exception):  # noqa: N818 (ARM's own word)
    """An answer of another status, in ARM's form."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"code": code, "message": message}}


class ArmAnswers:
    """ARM of one simulated subscription. ArmRefusal for what it does not have."""

    def __init__(self, cloud: SimulatedCloud) -> None:
        self._cloud, self._account, self._store = cloud, cloud.account, cloud.account.store
        self._routes: tuple[Route, ...] = (
            ("GET", _S, self._subscription),
            ("GET", rf"{_S}/locations", lambda **_: {"value": []}),
            ("GET", rf"{_S}/providers", self._providers),
            ("GET", rf"{_S}/providers/(?P<name>[^/]+)", self._provider),
            ("GET", rf"{_S}/providers/Microsoft\.Features/providers/(?P<name>[^/]+)/features/(?P<feature>[^/]+)",
             self._feature),
            ("GET", rf"{_S}/providers/Microsoft\.Compute/locations/[^/]+/usages", self._usages),
            ("GET", rf"{_S}/providers/Microsoft\.Compute/skus", self._skus),
            ("GET", rf"{_S}/providers/Microsoft\.\w+/locations/[^/]+/usages", lambda **_: {"value": []}),
            ("GET", r"(?P<scope>/.*)/providers/Microsoft\.Authorization/permissions", self._permissions),
            ("GET", r"(?P<scope>/.*)/providers/Microsoft\.Authorization/roleAssignments", self._roles),
            ("GET", rf"(?P<group>{_GROUP})/resources", self._within),
            ("POST", r"(?P<path>/.*)/listCluster(?P<whose>User|Admin)Credential", self._credential),
            ("GET", r"(?P<path>/.*/managedClusters/[^/]+)/agentPools", self._pools),
            ("PUT", r"(?P<path>/.*/agentPools/[^/]+)", self._resize),
            ("GET", r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)", self._manifest),
            ("POST", r"/push", self._push),
            ("GET", rf"(?P<path>{_GROUP}(?:/providers/.+)?)", self._by_id),
            ("DELETE", rf"(?P<path>{_GROUP}/providers/.+)", self._delete),
        )  # fmt: skip

    def to(self, method: str, path: str, body: Mapping[str, Any], query: Mapping[str, list[str]], host: str) -> Any:
        """The answer to one request. `host` of a registry's own name, where it is asked by that."""
        with self._cloud.clock.working():
            for verb, form, answer in self._routes:
                if verb == method and (found := re.fullmatch(form, path)):
                    return answer(body=body, query=query, host=host, **found.groupdict())
        raise ArmRefusal(404, "ResourceNotFound", f"{method} {path} is not simulated")

    def _subscription(self, **_: Any) -> dict[str, Any]:
        own = self._account.rules.account_id
        return {"id": f"/subscriptions/{own}", "subscriptionId": own, "state": "Enabled", "tenantId": TENANT,
                "displayName": "rehearsal"}  # fmt: skip

    def _providers(self, **_: Any) -> dict[str, Any]:
        return {"value": [self._provider(name=name) for name in (*ALWAYS, *OTHERS)]}

    def _provider(self, *, name: str, **_: Any) -> dict[str, Any]:
        known = self._account.stood(PROVIDER, f"{self._account.rules.account_id}/{name}")
        return {"namespace": name, "registrationState": state_of(self._account, name) if known else REGISTERED}

    def _feature(self, *, name: str, feature: str, **_: Any) -> dict[str, Any]:
        return {"name": f"{name}/{feature}", "properties": {"state": feature_of(self._account, f"{name}/{feature}")}}

    def _usages(self, **_: Any) -> dict[str, Any]:
        families = sorted({one.family for one in self._sizes()})
        names = ("cores", "lowPriorityCores", "virtualMachines", *families)
        counted = ({"name": {"value": name, "localizedValue": name}, "currentValue": 0} for name in names)
        return {"value": [{**one, "limit": UNLIMITED, "unit": "Count"} for one in counted]}

    @staticmethod
    def _sizes() -> Iterator[VirtualMachine]:
        yield from accelerators().values()
        yield from (found for name in GENERAL if (found := machine(name)))

    def _skus(self, *, query: Mapping[str, list[str]], **_: Any) -> dict[str, Any]:
        asked = re.search(r"location eq '(?P<place>[^']+)'", " ".join(query.get("$filter", ())))
        return {"value": [_sku(one, asked["place"] if asked else "eastus") for one in self._sizes()]}

    @staticmethod
    def _permissions(**_: Any) -> dict[str, Any]:
        return {"value": [{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}]}

    def _roles(self, *, scope: str, **_: Any) -> dict[str, Any]:
        """Assignments on the scope, or on what it lies in, that count already."""
        now, found = self._cloud.clock.now_min, []
        for one in self._account.objects():
            given = str(one.outputs.get("scope", ""))
            if one.token == ROLE and (scope == given or scope.startswith(f"{given}/")):
                if now - one.created_min < SPREAD_MIN:
                    self._cloud.clock.wait(ASKED_AGAIN_MIN)
                else:
                    found.append(_arm(one))
        return {"value": found}

    def _within(self, *, group: str, **_: Any) -> dict[str, Any]:
        """Resources of the group, by whomever they were made; those within others are not told of."""
        inside = (one for one in self._account.objects() if one.id.startswith(f"{group}/providers/"))
        top = (one for one in inside if one.id.count("/") == group.count("/") + 4)
        return {"value": [{"id": one.id, "name": last(one.id), "type": one.outputs.get("type", "")} for one in top]}

    def _credential(self, *, path: str, whose: str, **_: Any) -> dict[str, Any]:
        try:
            return invoke(self._account, USER if whose == "User" else ADMIN, {"resourceName": last(path)})
        except CloudApiError as error:
            raise ArmRefusal(400, error.code, error.message) from error

    def _found(self, path: str) -> Object:
        wanted = path.lower()
        found = next((one for one in self._account.objects() if one.id.lower() == wanted), None)
        if found is None:
            stood = next((one for one in self._cloud.standing if one.id.lower() == wanted), None)
            found = self._account.stood(stood.token, stood.id) if stood else None
        if found is None:
            raise ArmRefusal(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        return found

    def _by_id(self, *, path: str, **_: Any) -> dict[str, Any]:
        return _arm(self._found(path))

    def _pools(self, *, path: str, **_: Any) -> dict[str, Any]:
        cluster = self._found(path)
        own = [{"name": one.get("name"), "properties": one} for one in inline(cluster.inputs)]
        return {"value": [*own, *(_arm(one) for one in self._account.objects() if _of(one, cluster))]}

    def _resize(self, *, path: str, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """The number of nodes, or their bounds. All that is sent takes the place of what there was."""
        pool, given = self._found(path), body.get("properties") or {}
        if given.get("count") is None:
            message = "Required parameter properties.count is missing (null)."
            raise ArmRefusal(400, "InvalidParameter", message)
        sizes = {name: given[name] for name in ("count", "minCount", "maxCount", "enableAutoScaling") if name in given}
        self._cloud.resize_from_outside(pool, sizes)
        return _arm(pool)

    def _delete(self, *, path: str, **_: Any) -> dict[str, Any]:
        thing = self._found(path)
        if thing.token.startswith(OF_CONTROLLERS):
            self._account.remove(thing)
            return {}
        raise ArmRefusal(409, "Conflict", f"{path} is one of the stack's own: nothing but its engine deletes it here.")

    def _manifest(self, *, name: str, reference: str, host: str, **_: Any) -> dict[str, Any]:
        found = container_engine.described(self._store, host, name, reference)
        if found is None:
            raise ArmRefusal(404, "MANIFEST_UNKNOWN", f"manifest tagged by {reference!r} is not found")
        return found

    def _push(self, *, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        host = str(body["image"]).partition("/")[0]
        hosts = {one.outputs.get("loginServer") for one in self._account.objects() if one.token == REGISTRY}
        by_hand: Mapping[str, Any] = self._store.fact(container_engine.REGISTRIES, {})
        if host not in hosts | set(by_hand):
            raise ArmRefusal(404, "ResourceNotFound", f"dial tcp: lookup {host}: no such host")
        container_engine.put_image(self._store, str(body["image"]), list(body["built"]))
        return {}


def _of(one: Object, cluster: Object) -> bool:
    return one.token == POOL and one.id.startswith(f"{cluster.id}/")


def _arm(one: Object) -> dict[str, Any]:
    """The resource as ARM tells of it."""
    outer = ("name", "location", "tags", "sku", "identity", "zones", "type")
    told = {name: value for name, value in one.outputs.items() if name in outer}
    below = {name: value for name, value in one.outputs.items() if name not in outer}
    own = below.pop("properties", None)
    state = "Failed" if one.reason else "Succeeded"
    properties = {**below, **(own if isinstance(own, Mapping) else {}), "provisioningState": state}
    return {"id": one.id, **told, "properties": properties}


def _sku(one: VirtualMachine, place: str) -> dict[str, Any]:
    reserved = "True" if NO_RESERVATION.match(one.name) is None else "False"
    has = {"vCPUs": one.vcpus, "MemoryGB": one.memory_gib, "GPUs": one.chips, "CapacityReservationSupported": reserved,
           "RdmaEnabled": str(bool(one.infiniband)), "MaxResourceVolumeMB": one.temp_gib * 1024,
           "EphemeralOSDiskSupported": str(bool(one.temp_gib))}  # fmt: skip
    return {
        "name": one.name, "resourceType": "virtualMachines", "family": one.family, "locations": [place],
        "locationInfo": [{"location": place, "zones": ["1", "2", "3"]}], "restrictions": [],
        "capabilities": [{"name": name, "value": str(value)} for name, value in has.items()],
    }  # fmt: skip
