"""Pods and jobs as kubelets and the Job controller bring them on: placed, run, and ended where their program ends."""

from collections.abc import Mapping
from typing import Any

from rehearsal.kubernetes import programs
from rehearsal.kubernetes.objects import Body, Objects
from rehearsal.kubernetes.scheduling import missing_claim, places

RUNNING = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


def pod(objects: Objects, key: str, body: Body) -> bool:
    """Places the pod and starts it; one whose program ends by itself has ended. False while there is no place."""
    if body.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return True
    lacks = missing_claim(objects, body)
    found = [] if lacks else places(objects, body)
    if not found:
        why = f'persistentvolumeclaim "{lacks}" not found' if lacks else "no node has room for it"
        waiting = {**_condition("PodScheduled", "False", "Unschedulable"), "message": why}
        _write_status(objects, key, body, {"phase": "Pending", "conditions": [waiting]})
        return False
    node = next((one for one in found if one["metadata"]["name"] == body["spec"].get("nodeName")), found[0])
    body["spec"].setdefault("nodeName", node["metadata"]["name"])
    container = body["spec"]["containers"][0]
    if programs.is_probe(container):
        end(objects, key, body, programs.probed(container, node))
    else:
        conditions = [_condition(kind, "True") for kind in RUNNING]
        _write_status(objects, key, body, {"phase": "Running", "conditions": conditions})
    return True


def job(objects: Objects, key: str, body: Body) -> bool:
    """Runs a job whose program ends by itself, all of its pods at once. Any other stays as it was created."""
    spec = body["spec"]
    container = spec["template"]["spec"]["containers"][0]
    prepares = programs.is_preparation(container)
    if _ended(body) or spec.get("suspend") or not (prepares or programs.is_check(container)):
        return True
    own = [(one, other) for one, other in objects.all() if _is_of(body, one, other)]
    if not own:
        for index in range(spec["completions"]):
            objects.add(*_indexed(body, index))
        return False
    if any(other.get("status", {}).get("phase") != "Running" for _, other in own):
        return False
    nodes = {other["metadata"]["name"]: objects.at(f"|Node||{other['spec']['nodeName']}") for _, other in own}
    present = [node for node in nodes.values() if node is not None]
    ending = (0, "") if prepares else programs.checked(own[0][1], present)
    for one, other in own:
        end(objects, one, other, ending)
    done = ending[0] == 0
    counts = {"succeeded" if done else "failed": len(own)}
    condition = _condition("Complete" if done else "Failed", "True", "CompletionsReached" if done else "PodFailed")
    _write_status(objects, key, body, {**counts, "conditions": [condition]})
    return True


def end(objects: Objects, key: str, body: Body, ending: programs.Ending) -> None:
    """The pod's container has ended with that code and that last word."""
    code, message = ending
    when = objects.time()
    terminated = {
        "exitCode": code, "reason": "Error" if code else "Completed", "message": message, "startedAt": when,
        "finishedAt": when,
    }  # fmt: skip
    container = body["spec"]["containers"][0]
    status = {
        "name": container["name"], "image": container["image"], "ready": False, "restartCount": 0,
        "state": {"terminated": terminated},
    }  # fmt: skip
    phase = "Failed" if code else "Succeeded"
    conditions = [_condition("PodScheduled", "True"), _condition("Ready", "False", "PodCompleted")]
    _write_status(objects, key, body, {"phase": phase, "conditions": conditions, "containerStatuses": [status]})


def log(body: Body) -> str:
    """Output of the pod's containers: the last word of each that has ended."""
    ends = [one["state"].get("terminated", {}) for one in body.get("status", {}).get("containerStatuses", ())]
    return "".join(f"{one['message']}\n" for one in ends if one.get("message"))


def _write_status(objects: Objects, key: str, body: Body, status: Mapping[str, Any]) -> None:
    """Stores the status, where it is another."""
    if body.get("status") != status:
        body["status"] = dict(status)
        objects.write(key, body)


def _ended(body: Body) -> bool:
    return any(one["type"] in ("Complete", "Failed") for one in body.get("status", {}).get("conditions") or ())


def _is_of(owner: Body, key: str, body: Body) -> bool:
    uids = {one.get("uid") for one in body["metadata"].get("ownerReferences") or ()}
    return key.startswith("|Pod|") and owner["metadata"]["uid"] in uids


def _indexed(body: Body, index: int) -> tuple[str, Body]:
    """The key and the pod of one index of an Indexed Job, named and labelled as the Job controller does it."""
    meta, template = body["metadata"], body["spec"]["template"]
    name, space = f"{meta['name']}-{index}-{meta['uid'][:5]}", meta["namespace"]
    owned = {
        "batch.kubernetes.io/job-name": meta["name"], "batch.kubernetes.io/controller-uid": meta["uid"],
        "batch.kubernetes.io/job-completion-index": str(index),
    }  # fmt: skip
    metadata = {
        "name": name, "namespace": space, "labels": {**template["metadata"].get("labels", {}), **owned},
        "annotations": dict(template["metadata"].get("annotations", {})),
        "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
        ],
    }  # fmt: skip
    return f"|Pod|{space}|{name}", {
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**template["spec"]},
    }  # fmt: skip


def _condition(kind: str, status: str, reason: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason or kind}
