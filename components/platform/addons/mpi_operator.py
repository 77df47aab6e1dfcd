"""The MPI operator, which has no chart: its definition, its rights and its Deployment."""

from typing import Any

from components.plan.kubernetes import AddonPlan, Concern, Manifest
from components.platform.request import AddonVerdict, PlatformRequest, mirrored, object_of, off, on, taken
from components.platform.versions import versions

NAME = "mpi-operator"
DOES = (Concern.MPIJOB,)
CRD = "mpijobs.kubeflow.org"
_KEPT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_ALL = ["create", "delete", "get", "list", "patch", "update", "watch"]


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NAME not in request.scheduler_addons:
        return off("the scheduler does not use it")
    return taken(request, Concern.MPIJOB) or on("the scheduler's jobs are MPIJobs")


def plan(request: PlatformRequest) -> AddonPlan:
    space = versions()[NAME].namespace
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": space}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME}
    return AddonPlan(
        name=NAME,
        namespace=space,
        release=None,
        manifests=(
            object_of("apiextensions.k8s.io/v1", "CustomResourceDefinition", CRD, spec=_definition()),
            object_of("v1", "ServiceAccount", NAME, space),
            object_of("rbac.authorization.k8s.io/v1", "ClusterRole", NAME, rules=_rules()),
            object_of("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", NAME, roleRef=role, subjects=[subject]),
            _deployment(request, space),
        ),
        crds=(CRD,),
        does=DOES,
    )


def _definition() -> dict[str, Any]:
    """Of version v2beta1, with pods left open: their form is the API server's to judge when they are made."""
    replica = {
        "type": "object",
        "properties": {"replicas": {"type": "integer"}, "restartPolicy": {"type": "string"}, "template": _KEPT},
    }
    spec = {
        "type": "object",
        "required": ["mpiReplicaSpecs"],
        "properties": {
            "slotsPerWorker": {"type": "integer", "default": 1},
            "runLauncherAsWorker": {"type": "boolean", "default": False},
            "launcherCreationPolicy": {"type": "string", "default": "AtStartup"},
            "sshAuthMountPath": {"type": "string", "default": "/root/.ssh"},
            "mpiImplementation": {"type": "string", "enum": ["OpenMPI", "Intel", "MPICH"], "default": "OpenMPI"},
            "runPolicy": _KEPT,
            "mpiReplicaSpecs": {"type": "object", "additionalProperties": replica},
        },
    }
    version = {
        "name": "v2beta1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": _KEPT}}},
    }
    names = {"kind": "MPIJob", "listKind": "MPIJobList", "plural": "mpijobs", "singular": "mpijob"}
    return {"group": "kubeflow.org", "names": names, "scope": "Namespaced", "versions": [version]}


def _rules() -> list[dict[str, Any]]:
    """Rights of its controller: it makes a job's ConfigMap, key, Service, pods and launcher, and elects a leader."""
    granted = {
        "": (["configmaps", "secrets", "services", "pods", "events"], _ALL),
        "batch": (["jobs"], _ALL),
        "kubeflow.org": (["mpijobs", "mpijobs/finalizers", "mpijobs/status"], _ALL),
        "coordination.k8s.io": (["leases"], _ALL),
        "scheduling.volcano.sh": (["queues", "podgroups"], _ALL),
        "scheduling.x-k8s.io": (["podgroups"], _ALL),
        "scheduling.k8s.io": (["priorityclasses"], ["get", "list", "watch"]),
        "apiextensions.k8s.io": (["customresourcedefinitions"], ["get"]),
    }
    return [{"apiGroups": [group], "resources": what, "verbs": verbs} for group, (what, verbs) in granted.items()]


def _deployment(request: PlatformRequest, space: str) -> Manifest:
    row, label = versions()[NAME], {"app": NAME}
    container = {
        "name": NAME,
        "image": f"{mirrored(row.images['deployment'], request.spec.registry_mirror)}:{row.app_version}",
        "args": ["-alsologtostderr", f"-lock-namespace={space}"],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
    }
    pod: dict[str, Any] = {"serviceAccountName": NAME, "containers": [container]}
    if request.facts.system_selector:
        pod["nodeSelector"] = dict(request.facts.system_selector)
    template = {"metadata": {"labels": label}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": label}, "template": template}
    return object_of("apps/v1", "Deployment", NAME, space, spec=spec)
