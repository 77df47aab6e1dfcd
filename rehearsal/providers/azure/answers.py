"""ArmAnswers of Azure Resource Manager to programs that ask it themselves, out of the account."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rehearsal.cloud.account import OF_CONTROLLERS, Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.azure import container_engine
from rehearsal.providers.azure.capacity import inline
from rehearsal.providers.azure.invokes import ADMIN, USER, invoke
from rehearsal.providers.azure.lasting import SPREAD_MIN
from rehearsal.providers.azure.machines import NO_RESERVATION, VirtualMachine, accelerators, machine
from rehearsal.providers.azure.names import POOL, PROVIDER, REGISTRY, ROLE, last
from rehearsal.providers.azure.registrations import ALWAYS, OTHERS, REGISTERED, feature_of, state_of
from rehearsal.providers.azure.words import TENANT

UNLIMITED = 100000
SIMULATED = "simulated"
SIZES = ("count", "minCount", "maxCount", "enableAutoScaling")
_HOST = r"[a-z0-9]+\.azurecr\.io"
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
            ("PUT", rf"(?P<path>{_GROUP}(?:/providers/Microsoft\.ContainerRegistry/registries/[^/]+)?)", self._by_hand),
            ("POST", r"/[^/]+/oauth2/v2\.0/token", lambda **_: {"access_token": SIMULATED, "expires_in": 3600}),
            ("POST", rf"/(?P<host>{_HOST})/oauth2/(?:exchange|token)", self._login),
            ("GET", rf"/(?P<host>{_HOST})/acr/v1/(?P<name>.+)/_tags/(?P<reference>[^/]+)", self._tag),
            ("GET", rf"/(?P<host>{_HOST})/acr/v1/(?P<name>.+)/_manifests/(?P<reference>[^/]+)", self._manifest),
            ("POST", r"/push", self._push),
            ("GET", rf"(?P<path>{_GROUP}(?:/providers/.+)?)", self._by_id),
            ("DELETE", rf"(?P<path>{_GROUP}/providers/.+)", self._delete),
        )  # fmt: skip

    def to(self, method: str, path: str, body: Mapping[str, Any], query: Mapping[str, list[str]]) -> Any:
        """The answer to one request."""
        with self._cloud.clock.working():
            for verb, form, answer in self._routes:
                if verb == method and (found := re.fullmatch(form, path)):
                    return answer(body=body, query=query, **found.groupdict())
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
        top = [one for one in inside if one.id.count("/") == group.count("/") + 4 and one.token != ROLE]
        return {"value": [{**_arm(one), "properties": None} for one in top]}

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
        if path in self._store.fact(container_engine.BY_HAND, {}):
            return self._of_hand(path)
        found = self._found(path)
        return self._role(found) if found.token == ROLE else _arm(found)

    def _role(self, role: Object) -> dict[str, Any]:
        """An assignment, once it counts: whoever asks for one is taken to wait for that. Its age is by this machine's
        clock, as the simulated one has none of its own.
        """
        clock = self._cloud.clock
        clock.wait(SPREAD_MIN - (clock.now_min - role.created_min))
        since = datetime.now(UTC) - timedelta(minutes=clock.now_min - role.created_min)
        told = _arm(role)
        return {**told, "properties": {**told["properties"], "createdOn": since.isoformat()}}

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
        sizes = {name: given.get(name) for name in SIZES if given.get(name) != pool.inputs.get(name)}
        self._cloud.resize_from_outside(pool, sizes)
        return _arm(pool)

    def _delete(self, *, path: str, **_: Any) -> dict[str, Any]:
        thing = self._found(path)
        if thing.token.startswith(OF_CONTROLLERS):
            self._account.remove(thing)
            return {}
        raise ArmRefusal(409, "Conflict", f"{path} is one of the stack's own: nothing but its engine deletes it here.")

    def _by_hand(self, *, path: str, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """A group, or a registry, that somebody makes beside the stack, and that `destroy` leaves."""
        there = self._store.fact(container_engine.BY_HAND, {})
        self._store.set_fact(container_engine.BY_HAND, {**there, path: dict(body)})
        return self._of_hand(path)

    def _of_hand(self, path: str) -> dict[str, Any]:
        told = self._store.fact(container_engine.BY_HAND, {})[path]
        properties = {**(told.get("properties") or {}), "provisioningState": "Succeeded"}
        return {**told, "id": path, "name": last(path), "properties": properties}

    def _hosts(self) -> set[str]:
        """Hosts of the registries that are there, by whomever they were made."""
        own = {str(one.outputs.get("loginServer")) for one in self._account.objects() if one.token == REGISTRY}
        ids: Mapping[str, Any] = self._store.fact(container_engine.BY_HAND, {})
        return own | {f"{last(id_)}.azurecr.io" for id_ in ids if "/registries/" in id_}

    def _login(self, *, host: str, **_: Any) -> dict[str, Any]:
        if host not in self._hosts():
            raise ArmRefusal(404, "ResourceNotFound", f"dial tcp: lookup {host}: no such host")
        return {"refresh_token": SIMULATED, "access_token": SIMULATED}

    def _image(self, host: str, name: str, reference: str) -> Mapping[str, Any]:
        found = container_engine.described(self._store, host, name, reference)
        if found is None:
            raise ArmRefusal(404, "MANIFEST_UNKNOWN", f"manifest tagged by {reference!r} is not found")
        return found

    def _tag(self, *, host: str, name: str, reference: str, **_: Any) -> dict[str, Any]:
        return {"tag": {"name": reference, "digest": self._image(host, name, reference)["digest"]}}

    def _manifest(self, *, host: str, name: str, reference: str, **_: Any) -> dict[str, Any]:
        about = {"createdTime": "2026-01-01T00:00:00Z", "imageSize": 1000}
        return {"manifest": {**about, "digest": self._image(host, name, reference)["digest"]}}

    def _push(self, *, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        host = str(body["image"]).partition("/")[0]
        if host not in self._hosts():
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
    told_why = {"status": {"provisioningError": {"message": one.reason}}} if one.reason else {}
    properties = {**below, **(own if isinstance(own, Mapping) else {}), "provisioningState": state, **told_why}
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
