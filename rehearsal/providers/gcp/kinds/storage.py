"""Storage: buckets, repositories of images, file systems, the private way to managed services, keys."""

import re
from collections.abc import Iterator
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind, nothing_to_change
from rehearsal.providers.gcp.kinds.gke import bad_labels
from rehearsal.providers.gcp.kinds.parts import Form, number, project_of
from rehearsal.providers.gcp.names import (
    BUCKET,
    CONNECTION,
    FILESTORE,
    KEY,
    LUSTRE,
    NETWORK,
    RANGE,
    REPOSITORY,
    RING,
    last,
)
from rehearsal.providers.gcp.standing import host_of, require_peering

LUSTRE_MIN, FILESTORE_MIN, CONNECTION_MIN = 15.0, 6.0, 1.5
"""Google Cloud, "Create a Managed Lustre instance": 15 to 20 minutes; "Filestore: create instances": 5 and more."""
PRODUCERS_HOLD_MIN = 20.0
"""Minutes for which a deleted instance still holds its connection (terraform-provider-google 19908, 16275: minutes to
days)."""
# Managed Lustre, "Performance tiers": MB/s for each TiB -> least and most GiB, step.
LUSTRE_TIERS = {
    "125": (72_000, 8_056_000, 72_000),
    "250": (36_000, 4_032_000, 36_000),
    "500": (18_000, 2_016_000, 18_000),
    "1000": (9_000, 1_008_000, 9_000),
}
_BUCKET_NAME = re.compile(r"[a-z0-9][-a-z0-9_.]{1,61}[a-z0-9]")

_BUCKET_FORM = Form(
    moved={
        "lifecycleRules": "lifecycle.rule", "uniformBucketLevelAccess":
        "iamConfiguration.uniformBucketLevelAccess.enabled", "requesterPays": "billing.requesterPays",
        "publicAccessPrevention": "iamConfiguration.publicAccessPrevention", "cors": "cors",
    },
    changed={
        "lifecycle.rule": lambda value: [
            {"action": one["action"], "condition": {_condition(k): v for k, v in one["condition"].items() if v}}
            for one in value
        ],
        "logging": lambda value: value,
        "softDeletePolicy": lambda value: {
            name: part for name, part in value.items() if name == "retentionDurationSeconds"
        },
    },
    unsent=frozenset({"forceDestroy", "enableObjectRetention"}),
)  # fmt: skip


_CONDITIONS = {
    "withState": "isLive",
    "matchesPrefixes": "matchesPrefix",
    "matchesSuffixes": "matchesSuffix",
    "matchesStorageClasses": "matchesStorageClass",
}


def _condition(name: str) -> str:
    return _CONDITIONS.get(name, name)


def _bucket_body(inputs: Inputs) -> dict[str, Any]:
    body = _BUCKET_FORM.body(inputs)
    body["location"] = inputs["location"]
    for rule in (body.get("lifecycle") or {}).get("rule", ()):
        if rule["condition"].get("isLive") in ("LIVE", "ARCHIVED", "ANY"):
            rule["condition"]["isLive"] = rule["condition"]["isLive"] == "LIVE"
    return body


def _create_bucket(api: CloudApi, inputs: Inputs) -> Made:
    name = inputs["name"]
    if not is_unknown(name) and _BUCKET_NAME.fullmatch(str(name)) is None:
        raise CloudApiError("Error 400", f"Invalid bucket name: '{name}', invalid")
    if (inputs.get("hierarchicalNamespace") or {}).get("enabled") and not inputs.get("uniformBucketLevelAccess"):
        # Cloud Storage, "Hierarchical namespace": needs uniform bucket-level access
        raise CloudApiError("Error 400", "hierarchicalNamespace requires uniform bucket-level access, invalid")
    _refuse_labels(inputs)
    api.keep("storage", "buckets.insert", {}, project=project_of(api, inputs), body=_bucket_body(inputs))
    soft = inputs.get("softDeletePolicy") or {"retentionDurationSeconds": 604800}
    return Made(
        id=str(name),
        outputs={
            "url": f"gs://{name}", "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
            "softDeletePolicy": soft,
            "projectNumber": number(project_of(api, inputs))[:12], "project": project_of(api, inputs),
            "storageClass": inputs.get("storageClass", "STANDARD"),
        },
    )  # fmt: skip


def _update_bucket(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    _refuse_labels(new)
    body, before = _bucket_body(new), _BUCKET_FORM.body({name: old.get(name) for name in new})
    changed = {name: value for name, value in body.items() if before.get(name) != value and name != "location"}
    api.keep("storage", "buckets.patch", {}, bucket=id, body=changed)
    return {}


def _create_repository(api: CloudApi, inputs: Inputs) -> Made:
    _refuse_labels(inputs)
    place = f"projects/{project_of(api, inputs)}/locations/{inputs.get('location') or api.region}"
    body = Form(unsent=frozenset({"repositoryId"}), changed={"cleanupPolicies": _by_id}).body(inputs)
    name = inputs["repositoryId"]
    api.keep(
        "artifactregistry", "projects.locations.repositories.create", {}, parent=place, repositoryId=name, body=body
    )
    location = inputs.get("location") or api.region
    uri = f"{location}-docker.pkg.dev/{project_of(api, inputs)}/{name}"
    outputs = {"name": name, "createTime": "", "updateTime": "", "registryUri": uri, "project": project_of(api, inputs)}
    return Made(id=f"{place}/repositories/{name}", outputs=outputs)


def _by_id(policies: Any) -> Any:
    return {one["id"]: dict(one) for one in policies}


def _update_repository(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    _refuse_labels(new)
    form = Form(unsent=frozenset({"repositoryId"}), changed={"cleanupPolicies": _by_id})
    body, before = form.body(new), form.body({name: old.get(name) for name in new})
    changed = {name: value for name, value in body.items() if before.get(name) != value}
    api.keep("artifactregistry", "projects.locations.repositories.patch", {}, name=id, body=changed)
    return {}


def _instance_place(api: CloudApi, inputs: Inputs) -> str:
    return f"projects/{project_of(api, inputs)}/locations/{inputs.get('location') or inputs.get('zone') or api.region}"


def _create_lustre(api: CloudApi, inputs: Inputs) -> Made:
    for message in lustre_problems(inputs):
        raise CloudApiError("Error 400", f"{message}, INVALID_ARGUMENT")
    require_peering(api.find, inputs["network"], "Managed Lustre")
    place, name = _instance_place(api, inputs), inputs["instanceId"]
    body = Form(unsent=frozenset({"instanceId"})).body(inputs)
    api.keep("lustre", "projects.locations.instances.create", {}, parent=place, instanceId=name, body=body)
    found = f"{place}/instances/{name}"
    mount = f"10.127.0.5@tcp:/{inputs['filesystem']}"
    times = {"createTime": "", "updateTime": ""}
    return Made(
        id=found,
        outputs={
            "name": found,
            "mountPoint": mount,
            "state": "ACTIVE",
            "stateReason": "",
            "uid": number(found),
            **times,
        },
    )


def lustre_problems(inputs: Inputs) -> Iterator[str]:
    """All that Managed Lustre refuses and its types allow (Google Cloud, "Managed Lustre: performance tiers")."""
    tier, size = str(inputs.get("perUnitStorageThroughput", "")), inputs.get("capacityGib")
    file_system = inputs.get("filesystem")
    if not is_unknown(file_system) and re.fullmatch(r"[a-zA-Z0-9]{1,8}", str(file_system)) is None:
        yield f"filesystem {file_system!r} must be 1 to 8 letters and digits"
    rules = inputs.get("accessRulesOptions")
    if rules is not None and not rules.get("defaultSquashMode"):
        yield "accessRulesOptions.defaultSquashMode is required"
    if inputs.get("perUnitStorageThroughput") is None or is_unknown(size) or size is None:
        return
    if tier not in LUSTRE_TIERS:
        yield f"perUnitStorageThroughput {tier} is not one of {', '.join(LUSTRE_TIERS)}"
        return
    least, most, step = LUSTRE_TIERS[tier]
    if not least <= int(size) <= most or int(size) % step:
        yield f"capacityGib {size} is not a multiple of {step} from {least} to {most} of the tier of {tier} MB/s"
    yield from bad_labels(inputs.get("labels"))


def _update_lustre(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    for message in lustre_problems(new):
        raise CloudApiError("Error 400", f"{message}, INVALID_ARGUMENT")
    if int(new["capacityGib"]) < int(old["capacityGib"]):
        raise CloudApiError("Error 400", "capacityGib can only be raised, INVALID_ARGUMENT")
    form = Form(unsent=frozenset({"instanceId"}))
    body, before = form.body(new), form.body({name: old.get(name) for name in new})
    changed = {name: value for name, value in body.items() if before.get(name) != value}
    api.keep("lustre", "projects.locations.instances.patch", {}, name=id, updateMask=",".join(changed), body=changed)
    return {}


_FILESTORE_FORM = Form(
    changed={"fileShares": lambda value: [value] if not isinstance(value, list) else value},
    unsent=frozenset({"name", "initialReplication", "desiredReplicaState"}),
)


def _create_filestore(api: CloudApi, inputs: Inputs) -> Made:
    place, name = _instance_place(api, inputs), inputs["name"]
    _refuse_network(api, inputs)
    api.keep(
        "file", "projects.locations.instances.create", {}, parent=place, instanceId=name,
        body=_filestore_body(inputs),
    )  # fmt: skip
    networks = [{**one, "ipAddresses": ["10.127.1.2"]} for one in inputs.get("networks") or ()]
    return Made(id=f"{place}/instances/{name}", outputs={"createTime": "", "etag": "", "networks": networks})


def _refuse_network(api: CloudApi, inputs: Inputs) -> None:
    """A service project connects an instance to a shared VPC by Private Service Access alone
    (GoogleCloudPlatform/k8s-config-connector 691, in the service's words; gcp-filestore-csi-driver 192).
    """
    own = project_of(api, inputs)
    for one in inputs.get("networks") or ():
        host = host_of(one["network"], own)
        if one.get("connectMode") == "PRIVATE_SERVICE_ACCESS":
            require_peering(api.find, one["network"], "Filestore")
        elif host != own:
            message = f"network project is: {host}, mismatch with instance project with project_id: {own}, badRequest"
            raise CloudApiError("Error 400", message)


def _filestore_body(inputs: Inputs) -> dict[str, Any]:
    body = _FILESTORE_FORM.body(inputs)
    for one in body.get("networks") or ():
        one.pop("ipAddresses", None)
    return body


def _update_filestore(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    size, before = (one["capacityGb"] for inputs in (new, old) for one in _shares(inputs)[:1])
    if not is_unknown(size) and str(new.get("tier", "")).startswith("BASIC") and size < before:
        raise CloudApiError("Error 400", "the capacity of a basic tier can only be raised, INVALID_ARGUMENT")
    body = {
        name: value for name, value in _filestore_body(new).items() if name in ("fileShares", "labels", "description")
    }
    api.keep("file", "projects.locations.instances.patch", {}, name=id, updateMask=",".join(body), body=body)
    return {}


def _shares(inputs: Inputs) -> list[Any]:
    given = inputs.get("fileShares") or []
    return given if isinstance(given, list) else [given]


def _create_connection(api: CloudApi, inputs: Inputs) -> Made:
    service, network = inputs["service"], inputs["network"]
    body = {"network": network, "reservedPeeringRanges": inputs["reservedPeeringRanges"]}
    api.keep("servicenetworking", "services.connections.create", {}, parent=f"services/{service}", body=body)
    peering = service.replace(".", "-")
    return Made(id=f"{str(network).replace('/', '%2F')}:{service}", outputs={"peering": peering})


def _update_connection(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    name = f"services/{new['service']}/connections/-"
    body = {"network": new["network"], "reservedPeeringRanges": new["reservedPeeringRanges"]}
    api.keep("servicenetworking", "services.connections.patch", {}, name=name, body=body)
    return {}


def _delete_connection(api: CloudApi, _id: str, outputs: Outputs) -> None:
    """Producers hold it for a while (terraform-provider-google 19908). REMOVE_PEERING takes the peering away all the
    same; ABANDON leaves it, and the network cannot go (pulumi-gcp 3354; magic-modules 18476).
    """
    policy, network = outputs.get("deletionPolicy", ""), last(outputs["network"])
    held = (api.gone_min(token, "") for token in (LUSTRE, FILESTORE))
    held_min = min((one for one in held if one is not None), default=None)
    if policy != "REMOVE_PEERING" and held_min is not None and held_min < PRODUCERS_HOLD_MIN:
        raise CloudApiError(
            "Error",
            "Unable to remove Service Networking Connection, err: Producer services (e.g. CloudSQL, Cloud Memstore, "
            "etc.) are still using this connection.",
        )
    project = next(iter(re.findall(r"projects/([^/]+)", str(outputs["network"]))), api.account_id)
    name = f"services/{outputs['service']}/connections/{outputs['service'].replace('.', '-')}"
    consumer = f"projects/{number(project)[:12]}/global/networks/{network}"
    api.keep(
        "servicenetworking", "services.connections.deleteConnection", {}, name=name, body={"consumerNetwork": consumer}
    )


def _create_ring(api: CloudApi, inputs: Inputs) -> Made:
    place = f"projects/{project_of(api, inputs)}/locations/{inputs['location']}"
    body: dict[str, Any] = {}
    api.keep("cloudkms", "projects.locations.keyRings.create", {}, parent=place, keyRingId=inputs["name"], body=body)
    return Made(id=f"{place}/keyRings/{inputs['name']}", outputs={"project": project_of(api, inputs)})


def _create_key(api: CloudApi, inputs: Inputs) -> Made:
    body = Form(unsent=frozenset({"keyRing", "name", "skipInitialVersionCreation"})).body(inputs)
    body.setdefault("purpose", "ENCRYPT_DECRYPT")
    api.keep(
        "cloudkms", "projects.locations.keyRings.cryptoKeys.create", {}, parent=inputs["keyRing"],
        cryptoKeyId=inputs["name"], body=body,
    )  # fmt: skip
    return Made(id=f"{inputs['keyRing']}/cryptoKeys/{inputs['name']}", outputs={"purpose": body["purpose"]})


def _update_key(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    body = Form(unsent=frozenset({"keyRing", "name", "skipInitialVersionCreation", "purpose"})).body(new)
    api.keep(
        "cloudkms", "projects.locations.keyRings.cryptoKeys.patch", {}, name=id, updateMask=",".join(body), body=body
    )
    return {}


def _refuse_labels(inputs: Inputs) -> None:
    for message in bad_labels(inputs.get("labels")):
        raise CloudApiError("Error 400", f"{message}, invalid")


def _deleted(service: str, operation: str, name: str = "name") -> Any:
    return lambda api, id_, _outputs: _delete(api, service, operation, {name: id_})


def _delete(api: CloudApi, service: str, operation: str, address: dict[str, str]) -> None:
    api.keep(service, operation, {}, **address)


KINDS = (
    ResourceKind(
        token=BUCKET, create=_create_bucket, update=_update_bucket,
        delete=_deleted("storage", "buckets.delete", "bucket"),
        fixed=frozenset({"name", "location", "project", "hierarchicalNamespace", "customPlacementConfig"}),
        own_name="name", longest_name=63, ready_after_min=lambda _: 0.1,
    ),
    ResourceKind(
        token=REPOSITORY, create=_create_repository, update=_update_repository,
        delete=_deleted("artifactregistry", "projects.locations.repositories.delete"),
        fixed=frozenset(
            {"repositoryId", "location", "project", "format", "mode", "remoteRepositoryConfig", "kmsKeyName"}
        ),
        own_name="repositoryId", longest_name=63, ready_after_min=lambda _: 0.3,
    ),
    ResourceKind(
        token=FILESTORE, create=_create_filestore, update=_update_filestore,
        delete=_deleted("file", "projects.locations.instances.delete"),
        fixed=frozenset({"name", "location", "zone", "project", "tier", "networks", "protocol", "kmsKeyName"}),
        refers={"networks.network": NETWORK}, own_name="name", longest_name=63,
        ready_after_min=lambda _: FILESTORE_MIN, deleted_after_min=lambda _: 3.0,
    ),
    ResourceKind(
        token=LUSTRE, create=_create_lustre, update=_update_lustre,
        delete=_deleted("lustre", "projects.locations.instances.delete"),
        fixed=frozenset(
            {"instanceId", "location", "project", "filesystem", "network", "kmsKey", "perUnitStorageThroughput",
             "placementPolicy"}
        ),
        refers={"network": NETWORK}, own_name="instanceId", longest_name=63,
        ready_after_min=lambda _: LUSTRE_MIN, deleted_after_min=lambda _: 5.0,
    ),
    ResourceKind(
        token=CONNECTION, create=_create_connection, update=_update_connection, delete=_delete_connection,
        fixed=frozenset({"network", "service"}), refers={"network": NETWORK, "reservedPeeringRanges": RANGE},
        ready_after_min=lambda _: CONNECTION_MIN, deleted_after_min=lambda _: 1.0,
    ),
    ResourceKind(
        token=RING, create=_create_ring, update=nothing_to_change, delete=lambda _api, _id, _outputs: None,
        fixed=frozenset({"name", "location", "project"}), own_name="name", longest_name=63,
    ),
    ResourceKind(
        token=KEY, create=_create_key, update=_update_key, delete=lambda _api, _id, _outputs: None,
        fixed=frozenset({"name", "keyRing", "purpose"}), refers={"keyRing": RING}, own_name="name", longest_name=63,
    ),
)  # fmt: skip
