"""Answers of Google's APIs to programs that ask themselves, out of the account: what they read, and what they set."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import OF_CONTROLLERS, Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.gcp import container_engine
from rehearsal.providers.gcp.kinds.gke_pools import FORM
from rehearsal.providers.gcp.kinds.parts import link, number
from rehearsal.providers.gcp.machines import machine
from rehearsal.providers.gcp.names import (
    BACKEND_SERVICE,
    CLUSTER,
    ENDPOINT_GROUP,
    NETWORK,
    NODE_POOL,
    REPOSITORY,
    SERVICE,
    SPECIFIC,
    last,
)
from rehearsal.providers.gcp.project_answers import ProjectAnswers
from rehearsal.providers.gcp.services import ON, unusable
from rehearsal.providers.gcp.sizes import first_count

API_OF = {
    "compute": "compute", "container": "container", "service_usage": "serviceusage",
    "resource_manager": "cloudresourcemanager", "artifact_registry": "artifactregistry", "storage": "storage",
    "filestore": "file", "vertex_ai": "aiplatform", "lustre": "lustre",
    "service_networking": "servicenetworking", "logging": "logging",
    "monitoring": "monitoring", "iam_credentials": "iamcredentials", "cloud_quotas": "cloudquotas",
    "hypercomputecluster": "hypercomputecluster",
}  # fmt: skip
"""APIs by the words that pulumi-gcp's settings have for them."""
ASKED_AGAIN_MIN = 0.5
"""Minutes that somebody is taken to have waited who is told that an API is off."""
MANY = 1000
_PLACE = r"projects/[^/]+/locations/[^/]+"
_REPOSITORY = rf"{_PLACE}/repositories/[^/]+"
_KINDS = ("forwardingRules", "targetPools", "backendServices", "networkEndpointGroups", "disks")


class Refusal(Exception):  # noqa: N818 (Google's own word)
    """An answer of another status, in Google's form."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
        self.status = status
        self.body = {"error": {"code": status, "message": message, "status": reason, "details": details}}


class Answers:
    """The APIs of one simulated project. Refusal for what it does not have, or does not let be done."""

    def __init__(self, cloud: SimulatedCloud) -> None:
        self._cloud, self._store = cloud, cloud.account.store
        around = ProjectAnswers(cloud.account, cloud.standing, _absent)
        self._routes: tuple[tuple[str, str, Callable[..., dict[str, Any]]], ...] = (
            ("GET resource_manager", r"projects/(?P<project>[^/:]+)", self._project),
            ("POST resource_manager", r"projects/[^/:]+:testIamPermissions", self._rights),
            ("GET service_usage", r"projects/(?P<project>[^/]+)/services:batchGet", self._services),
            ("GET compute", r"projects/[^/]+/zones/(?P<zone>[^/]+)/machineTypes/(?P<name>[^/]+)", self._machine),
            ("GET compute", r"projects/[^/]+/zones/(?P<zone>[^/]+)/reservations/(?P<name>[^/]+)", self._reservation),
            ("GET compute", r"projects/[^/]+/global/networkProfiles/(?P<name>[^/]+)", self._profile),
            ("GET compute", r"projects/[^/]+/aggregated/(?P<kind>\w+)", self._aggregated),
            ("GET compute", r"(?P<path>projects/[^/]+/zones/[^/]+/networkEndpointGroups/[^/]+)",
             self._group_of_endpoints),
            ("GET compute", r".*/instanceGroupManagers/(?P<name>[^/]+)/listErrors", self._group_errors),
            ("GET compute", r".*/instanceGroupManagers/(?P<name>[^/]+)", self._group),
            *around.routes,
            ("DELETE compute", r"(?P<path>projects/.*)", self._delete),
            ("GET container", r"(?P<path>projects/.*/nodePools/[^/:]+)", self._pool),
            ("GET container", r"(?P<path>projects/[^/]+/locations/[^/]+/clusters/[^/]+)", self._cluster),
            ("GET container", r"projects/.*/operations/[^/]+", lambda **_: {"status": "DONE"}),
            ("POST container", r"(?P<path>projects/.*/nodePools/[^/:]+):setSize", self._resize),
            ("POST container", r"(?P<path>projects/.*/nodePools/[^/:]+):setAutoscaling", self._scale),
            ("GET artifact_registry", rf"(?P<repository>{_REPOSITORY})/packages/(?P<package>[^/]+)/tags/(?P<tag>[^/]+)",
             self._image),
            ("GET artifact_registry",
             rf"(?P<repository>{_REPOSITORY})/dockerImages/(?P<package>[^/]+)@(?P<digest>[^/]+)", self._image),
            ("GET artifact_registry", rf"(?P<repository>{_REPOSITORY})", self._repository),
            ("POST artifact_registry", rf"(?P<parent>{_PLACE})/repositories", self._make_repository),
            ("GET artifact_registry", r".*/operations/[^/]+|operations/[^/]+", lambda **_: {"done": True}),
            ("POST artifact_registry", r"push", self._push),
            ("GET compute", r"projects/[^/]+(/regions(/[^/]+)?)?", lambda **_: {"items": []}),
            ("GET \\w+", r".*/(locations|clusters)", lambda **_: {}),
        )  # fmt: skip

    def to(
        self, method: str, service: str, path: str, body: Mapping[str, Any], query: Mapping[str, list[str]]
    ) -> dict[str, Any]:
        """The answer to one request."""
        with self._cloud.clock.working():
            self._require_on(service, path)
            for asked, form, answer in self._routes:
                found = re.fullmatch(form, path)
                if found and re.fullmatch(asked, f"{method} {service}"):
                    return answer(body=body, query=query, **found.groupdict())
        raise Refusal(404, "notFound", f"{method} {service}: {path} is not simulated")

    def _require_on(self, service: str, path: str) -> None:
        api, cloud = API_OF.get(service, service), self._cloud
        if error := unusable(cloud.account, cloud.clock.now_min, api, {"parent": path}):
            cloud.clock.wait(ASKED_AGAIN_MIN)
            raise Refusal(403, "SERVICE_DISABLED", error.message)

    @staticmethod
    def _project(*, project: str, **_: Any) -> dict[str, Any]:
        return {"projectId": project, "projectNumber": number(project)[:12], "lifecycleState": "ACTIVE"}

    @staticmethod
    def _rights(*, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {"permissions": list(body.get("permissions", ()))}

    def _services(self, *, project: str, query: Mapping[str, list[str]], **_: Any) -> dict[str, Any]:
        names = [last(name) for name in query.get("names", ())]
        return {"services": [{"config": {"name": name}, "state": self._state(project, name)} for name in names]}

    def _state(self, project: str, name: str) -> str:
        account, key = self._cloud.account, f"{project}/{name}"
        stood = account.stood(SERVICE, key)
        return ON if account.get(SERVICE, key) or stood is None or stood.inputs.get("state") == ON else "DISABLED"

    @staticmethod
    def _machine(*, zone: str, name: str, **_: Any) -> dict[str, Any]:
        found = machine(name)
        if found is None:
            raise Refusal(404, "notFound", f"The resource 'zones/{zone}/machineTypes/{name}' was not found")
        return {"name": name, "guestCpus": found.vcpus, "memoryMb": int(found.memory_gib * 1024), "zone": zone}

    @staticmethod
    def _profile(*, name: str, **_: Any) -> dict[str, Any]:
        return {"name": name, "features": {"allowCloudNat": "DISALLOWED", "interfaceTypes": ["MRDMA"]}}

    def _reservation(self, *, zone: str, name: str, **_: Any) -> dict[str, Any]:
        """As somebody has reserved it: dense, for the machines of the pools that name it, and enough of them."""
        pools = [one for one in self._cloud.account.objects() if one.token == NODE_POOL and _reserves(one, name)]
        types = {str(one.inputs["nodeConfig"].get("machineType")) for one in pools}
        told: dict[str, Any] = {"count": str(MANY), "inUseCount": "0"}
        if types:
            told["instanceProperties"] = {"machineType": min(types)}
        held = {"name": name, "zone": f"zones/{zone}", "status": "READY", "deploymentType": "DENSE"}
        return {**held, "specificReservation": told}

    def _aggregated(self, *, kind: str, **_: Any) -> dict[str, Any]:
        if kind not in _KINDS:
            return {"items": {}}
        found: list[dict[str, Any]] = []
        if kind == "forwardingRules":
            found = [_told(one) for one in self._balancers() if one.token != ENDPOINT_GROUP]
        elif kind == "networkEndpointGroups":
            found = [_told_group(one) for one in self._balancers() if one.token == ENDPOINT_GROUP]
        elif kind == "backendServices":
            services = (one for one in self._cloud.account.objects() if one.token == BACKEND_SERVICE)
            found = [{"name": last(one.id), "backends": one.inputs.get("backends") or []} for one in services]
        return {"items": {"global": {kind: found}}}

    def _group_of_endpoints(self, *, path: str, **_: Any) -> dict[str, Any]:
        thing = self._cloud.account.find(ENDPOINT_GROUP, path)
        if thing is None:
            raise _absent(path)
        return {"name": last(path), "networkEndpointType": "GCE_VM_IP_PORT"}

    def _balancers(self) -> Iterator[Object]:
        return (one for one in self._cloud.account.objects() if one.token.startswith(OF_CONTROLLERS))

    def _delete(self, *, path: str, **_: Any) -> dict[str, Any]:
        for one in self._balancers():
            if path == one.id or (last(path) == one.id and one.token != ENDPOINT_GROUP):
                try:
                    self._cloud.account.require_unused(one)
                except CloudApiError as error:
                    raise Refusal(400, "resourceInUseByAnotherResource", error.message) from error
                self._cloud.account.remove(one)
                return {"name": "operation-1", "status": "DONE"}
        raise Refusal(404, "notFound", f"The resource '{path}' was not found")

    def _named(self, token: str, path: str) -> Object:
        thing = self._cloud.account.get(token, path)
        if thing is None:
            raise Refusal(404, "NOT_FOUND", f"Not found: {path}.")
        return thing

    def _cluster(self, *, path: str, **_: Any) -> dict[str, Any]:
        thing = self._named(CLUSTER, path)
        return {
            "name": last(path), "status": "RUNNING", "currentMasterVersion": thing.outputs.get("masterVersion", ""),
            "endpoint": thing.outputs.get("endpoint", ""),
        }  # fmt: skip

    def _pool(self, *, path: str, **_: Any) -> dict[str, Any]:
        thing = self._named(NODE_POOL, path)
        conditions = [{"code": "GCE_STOCKOUT", "message": thing.reason}] if thing.reason else []
        body = FORM.body(thing.inputs)
        return {**body, "instanceGroupUrls": thing.outputs.get("instanceGroupUrls", []), "conditions": conditions}

    def _of_group(self, name: str) -> Object:
        for one in self._cloud.account.objects():
            if one.token == NODE_POOL and any(last(url) == name for url in one.outputs.get("instanceGroupUrls", ())):
                return one
        raise Refusal(404, "notFound", f"The resource '{name}' was not found")

    def _group(self, *, name: str, **_: Any) -> dict[str, Any]:
        return {"name": name, "targetSize": first_count(self._of_group(name).inputs)}

    def _group_errors(self, *, name: str, **_: Any) -> dict[str, Any]:
        reason = self._of_group(name).reason
        return {"items": [{"error": {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": reason}}] if reason else []}

    def _resize(self, *, path: str, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        thing = self._named(NODE_POOL, path)
        if (thing.inputs.get("placementPolicy") or {}).get("tpuTopology") and body["nodeCount"] != first_count(
            thing.inputs
        ):
            raise Refusal(400, "FAILED_PRECONDITION", "a TPU slice cannot be resized")
        self._cloud.resize_from_outside(thing, {"nodeCount": int(body["nodeCount"])})
        return {"name": "operation-1", "status": "RUNNING"}

    def _scale(self, *, path: str, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        given = {name: value for name, value in body["autoscaling"].items() if name != "enabled"}
        thing = self._named(NODE_POOL, path)
        self._cloud.resize_from_outside(thing, {"autoscaling": {**(thing.inputs.get("autoscaling") or {}), **given}})
        return {"name": "operation-1", "status": "RUNNING"}

    def _image(self, *, repository: str, package: str, tag: str = "", digest: str = "", **_: Any) -> dict[str, Any]:
        found = container_engine.described(self._store, repository, package, tag=tag, digest=digest)
        if found is None:
            raise Refusal(404, "NOT_FOUND", "Requested entity was not found.")
        return found

    def _repositories(self) -> dict[str, Any]:
        """Those of the stack and those that were made by hand, by their path."""
        own = {one.id: one.inputs for one in self._cloud.account.objects() if one.token == REPOSITORY}
        by_hand: dict[str, Any] = self._store.fact(container_engine.REPOSITORIES, {})
        return {**by_hand, **own}

    def _repository(self, *, repository: str, **_: Any) -> dict[str, Any]:
        found = self._repositories().get(repository)
        if found is None:
            raise Refusal(404, "NOT_FOUND", "Requested entity was not found.")
        return {"name": repository, "labels": found.get("labels") or {}}

    def _make_repository(
        self, *, parent: str, body: Mapping[str, Any], query: Mapping[str, list[str]], **_: Any
    ) -> dict[str, Any]:  # fmt: skip
        there = self._store.fact(container_engine.REPOSITORIES, {})
        path = f"{parent}/repositories/{query['repositoryId'][0]}"
        self._store.set_fact(container_engine.REPOSITORIES, {**there, path: dict(body)})
        return {"name": f"{parent}/operations/1", "done": True}

    def _push(self, *, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        place, project, name, *_rest = str(body["image"]).split("/")
        repository = f"projects/{project}/locations/{place.removesuffix('-docker.pkg.dev')}/repositories/{name}"
        if repository not in self._repositories():
            message = f'Permission "artifactregistry.repositories.uploadArtifacts" denied on resource "{repository}"'
            raise Refusal(403, "PERMISSION_DENIED", f"{message} (or it may not exist)")
        container_engine.put_image(self._store, str(body["image"]), list(body["built"]))
        return {}


def _absent(path: str) -> Refusal:
    return Refusal(404, "notFound", f"The resource '{path}' was not found")


def _reserves(pool: Object, name: str) -> bool:
    affinity = (pool.inputs.get("nodeConfig") or {}).get("reservationAffinity") or {}
    named = [str(one) for one in affinity.get("values") or ()]
    return affinity.get("consumeReservationType") == SPECIFIC and any(f"/reservations/{name}" in one for one in named)


def _told_group(group: Object) -> dict[str, Any]:
    return {**_told(group), "name": last(group.id), "selfLink": link(group.id)}


def _told(balancer: Object) -> dict[str, Any]:
    networks = [key.partition("|")[2] for key in balancer.blocks_deletion_of if key.startswith(f"{NETWORK}|")]
    return {"name": balancer.id, "selfLink": link(f"projects/p/global/forwardingRules/{balancer.id}"),
            "network": link(networks[0]) if networks else ""}  # fmt: skip
