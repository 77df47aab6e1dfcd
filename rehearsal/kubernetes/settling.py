"""Work of each controller on one object of its kind: True once there is nothing more to do."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.kubernetes import karpenter
from rehearsal.kubernetes.nodes import fitting
from rehearsal.kubernetes.objects import Body, Objects, labels_of

FIRST_ADDRESS = 16  # 10.96.0.1 and its neighbours are the cluster's own


def namespace(objects: Objects, key: str, body: Body) -> bool:
    name = body["metadata"]["name"]
    _write(objects, key, body, {"phase": "Active"})
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
    root = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "namespace": name},
        "data": {"ca.crt": "simulated"},
    }  # fmt: skip
    for made in (account, root):
        own_key = f"|{made['kind']}|{name}|{made['metadata']['name']}"  # type: ignore[index]  # both are literal
        if objects.at(own_key) is None:
            objects.add(own_key, made)
    return True


def report(objects: Objects, key: str, body: Body, condition: str, reason: str) -> None:
    """Sets the one condition of an object: true where no reason stands against it."""
    _write(objects, key, body, {"conditions": [{**_condition(condition, str(not reason)), "message": reason}]})


def definition(objects: Objects, key: str, body: Body) -> bool:
    names = {**body["spec"]["names"]}
    conditions = [_condition("NamesAccepted", "True"), _condition("Established", "True")]
    stored = [row["name"] for row in body["spec"]["versions"] if row.get("storage")]
    _write(objects, key, body, {"conditions": conditions, "acceptedNames": names, "storedVersions": stored})
    return True


def deployment(objects: Objects, key: str, body: Body) -> bool:
    wanted = body["spec"].get("replicas", 1)
    if wanted and not fitting(_nodes(objects), body["spec"]["template"]["spec"]):
        karpenter.start(objects, body["spec"]["template"]["spec"])
    ready = wanted if not wanted or fitting(_nodes(objects), body["spec"]["template"]["spec"]) else 0
    done = ready == wanted
    conditions = [
        _condition("Progressing", "True", "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"),
        _condition("Available", str(done), "MinimumReplicasAvailable" if done else "MinimumReplicasUnavailable"),
    ]
    counts = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready, "availableReplicas": ready}
    missing = {} if done else {"unavailableReplicas": wanted}
    _write(objects, key, body, _observed(body) | counts | missing | {"conditions": conditions})
    return done and _refresh_services(objects)


def stateful_set(objects: Objects, key: str, body: Body) -> bool:
    wanted = body["spec"].get("replicas", 1)
    ready = wanted if not wanted or fitting(_nodes(objects), body["spec"]["template"]["spec"]) else 0
    revision = f"{body['metadata']['name']}-{body['metadata'].get('generation', 1)}"
    counts = {"replicas": wanted, "currentReplicas": ready, "updatedReplicas": ready, "readyReplicas": ready}
    revisions = {"currentRevision": revision, "updateRevision": revision, "availableReplicas": ready}
    _write(objects, key, body, _observed(body) | counts | revisions)
    return ready == wanted and _refresh_services(objects)


def group_set(objects: Objects, key: str, body: Body) -> bool:
    """A LeaderWorkerSet, whose groups are ready where so many nodes hold a pod of it as one group has: pods that take
    their nodes whole. Its controller's own counts (kubernetes-sigs/lws, leaderworkerset_types.go)."""
    spec, group = body["spec"], body["spec"]["leaderWorkerTemplate"]
    wanted, size = spec.get("replicas", 1), group.get("size", 1)
    held = [
        len(fitting(_nodes(objects), group[one]["spec"])) >= size
        for one in ("leaderTemplate", "workerTemplate")
        if one in group
    ]
    ready = wanted if all(held) else 0
    counts = {"replicas": wanted, "readyReplicas": ready, "updatedReplicas": ready}
    _write(objects, key, body, counts | {"conditions": [_condition("Available", str(ready == wanted))]})
    return ready == wanted and _refresh_services(objects)


def daemon_set(objects: Objects, key: str, body: Body) -> bool:
    count = len(fitting(_nodes(objects), body["spec"]["template"]["spec"]))
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "numberAvailable",
        "updatedNumberScheduled",
    )
    _write(objects, key, body, _observed(body) | dict.fromkeys(names, count) | {"numberMisscheduled": 0})
    return _refresh_services(objects)


def service(objects: Objects, key: str, body: Body) -> bool:
    spec, meta = body["spec"], body["metadata"]
    if spec.get("type") != "ExternalName" and not spec.get("clusterIP"):
        number = FIRST_ADDRESS + int(meta["uid"][:4], 16) % 60000
        spec["clusterIP"] = f"10.96.{number // 256}.{number % 256}"
        spec["clusterIPs"] = [spec["clusterIP"]]
    status: dict[str, Any] = {"loadBalancer": {}}
    if spec.get("type") == "LoadBalancer":
        status = {"loadBalancer": {"ingress": [{"hostname": f"{meta['name']}-{meta['uid'][:8]}.elb.example.com"}]}}
    _write(objects, key, body, status)
    _endpoints(objects, body)
    return True


def claim(objects: Objects, key: str, body: Body) -> bool:
    """Bound to a volume of its own, or to the one it names; waits for a class that does not bind without a pod."""
    spec, meta = body["spec"], body["metadata"]
    name = spec.get("volumeName")
    volume = objects.at(f"|PersistentVolume||{name}") if name else None
    if name and volume is None:
        _write(objects, key, body, {"phase": "Pending"})
        return False
    if volume is None and _binds_later(objects, spec.get("storageClassName")):
        _write(objects, key, body, {"phase": "Pending"})
        return True
    if volume is None:
        volume = _provisioned(objects, body)
        spec["volumeName"] = volume["metadata"]["name"]
    reference = {
        "kind": "PersistentVolumeClaim",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
    }
    volume["spec"]["claimRef"] = reference
    _write(objects, f"|PersistentVolume||{volume['metadata']['name']}", volume, {"phase": "Bound"})
    bound = {"phase": "Bound", "accessModes": spec.get("accessModes", []), "capacity": spec["resources"]["requests"]}
    _write(objects, key, body, bound)
    return True


def reclaim(objects: Objects, claim_body: Body) -> None:
    """The volume of a claim that is gone goes too, or stays for an administrator, as its policy says."""
    key = f"|PersistentVolume||{claim_body['spec'].get('volumeName')}"
    found = objects.at(key)
    if found and found["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
        objects.drop(key)
    elif found:
        _write(objects, key, found, {"phase": "Released"})


def volume(objects: Objects, key: str, body: Body) -> bool:
    if "phase" not in body.get("status", {}):
        _write(objects, key, body, {"phase": "Available"})
    return True


def quota(objects: Objects, key: str, body: Body) -> bool:
    hard = body["spec"].get("hard", {})
    _write(objects, key, body, {"hard": hard, "used": dict.fromkeys(hard, "0")})
    return True


def terminating(objects: Objects, key: str, body: Body) -> bool:
    """A namespace goes when it is empty, a definition when nothing of its kind is left."""
    group, kind, _, name = key.split("|")
    within = ""
    if (group, kind) == ("", "Namespace"):
        body["status"] = {"phase": "Terminating"}
        within = "namespace"
    elif kind == "CustomResourceDefinition":
        within = "definition"
    held = list(_held(objects, body, within, name)) if within else []
    for other in held:
        objects.mark(other)
    if within and not list(_held(objects, body, within, name)):
        body["metadata"]["finalizers"] = []
        objects.drop(key)
        return True
    return not within


def _held(objects: Objects, body: Body, within: str, name: str) -> Iterator[str]:
    for key, _ in objects.all():
        group, kind, space, _ = key.split("|")
        if within == "namespace" and space == name:
            yield key
        if within == "definition" and (group, kind) == (body["spec"]["group"], body["spec"]["names"]["kind"]):
            yield key


def _nodes(objects: Objects) -> list[Body]:
    return [body for key, body in objects.all() if key.startswith("|Node|")]


def _observed(body: Body) -> dict[str, Any]:
    return {"observedGeneration": body["metadata"].get("generation", 1)}


def _condition(kind: str, status: str, reason: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason or kind}


def _write(objects: Objects, key: str, body: Body, status: Mapping[str, Any]) -> None:
    """Stores the status, where it is another."""
    if body.get("status") != status:
        body["status"] = dict(status)
        objects.write(key, body)


def _refresh_services(objects: Objects) -> bool:
    for key, body in objects.all():
        if key.startswith("|Service|"):
            _endpoints(objects, body)
    return True


def _endpoints(objects: Objects, body: Body) -> None:
    """An EndpointSlice that has an address for each workload that is ready behind the Service."""
    meta, selector = body["metadata"], body["spec"].get("selector")
    if not selector:
        return
    key = f"discovery.k8s.io|EndpointSlice|{meta['namespace']}|{meta['name']}-0"
    addresses = [f"10.88.0.{2 + number}" for number, _ in enumerate(_behind(objects, meta["namespace"], selector))]
    endpoints = [{"addresses": [one], "conditions": {"ready": True}} for one in addresses]
    found = objects.at(key)
    if found and found["endpoints"] != endpoints:
        found["endpoints"] = endpoints
        objects.write(key, found)
    if found is None:
        owner = {"apiVersion": "v1", "kind": "Service", "name": meta["name"], "uid": meta["uid"]}
        labels = {"kubernetes.io/service-name": meta["name"]}
        place = {
            "name": f"{meta['name']}-0",
            "namespace": meta["namespace"],
            "labels": labels,
            "ownerReferences": [owner],
        }
        objects.add(key, {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": place, "addressType": "IPv4",
            "endpoints": endpoints, "ports": [],
        })  # fmt: skip


def _behind(objects: Objects, space: str, selector: Mapping[str, str]) -> Iterator[Body]:
    for key, body in objects.all():
        group, kind, namespace_, _ = key.split("|")
        if namespace_ != space or (group, kind) not in (
            ("apps", "Deployment"),
            ("apps", "StatefulSet"),
            ("apps", "DaemonSet"),
            ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"),
            ("", "Pod"),
        ):
            continue
        labels = labels_of(body) if kind == "Pod" else labels_of({"metadata": {}, **_template(body)})
        status = body.get("status", {})
        ready = status.get("readyReplicas") or status.get("numberReady") or status.get("phase") == "Running"
        if ready and all(labels.get(name) == value for name, value in selector.items()):
            yield body


def _template(body: Body) -> Body:
    """Template of the pods that may be behind a Service: of a group, its first."""
    spec = body["spec"]
    found: Body = spec["leaderWorkerTemplate"]["leaderTemplate"] if "leaderWorkerTemplate" in spec else spec["template"]
    return found


def _binds_later(objects: Objects, storage_class: str | None) -> bool:
    found = objects.at(f"storage.k8s.io|StorageClass||{storage_class}")
    return bool(found and found.get("volumeBindingMode") == "WaitForFirstConsumer")


def _provisioned(objects: Objects, body: Body) -> Body:
    spec, name = body["spec"], f"pvc-{body['metadata']['uid']}"
    found = objects.at(f"storage.k8s.io|StorageClass||{spec.get('storageClassName')}") or {}
    made: Body = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "accessModes": spec.get("accessModes", []), "capacity": spec["resources"]["requests"],
            "persistentVolumeReclaimPolicy": found.get("reclaimPolicy", "Delete"),
            "storageClassName": spec.get("storageClassName", ""),
            "csi": {"driver": found.get("provisioner", "simulated"), "volumeHandle": name},
        },
    }  # fmt: skip
    objects.add(f"|PersistentVolume||{name}", made)
    return made
