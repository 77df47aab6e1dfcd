"""A pool's binding on a pod: the only place that applies one. Pure.

A pod that is no whole node of a job takes a part of it: `replica_share`, `group_share`, `leader_share`, `check_share`,
`probe_share`.
Each names the fields that it leaves out, so that a new field reaches every pod unless somebody decides otherwise.
"""

import copy
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.plan.cluster import HostPath, Mount, PodBinding, Sidecar, Taint

Body = dict[str, Any]

_LABEL = re.compile(r"[a-z0-9-]{1,63}")
"""Characters and length of a DNS label (RFC 1123), which the name of a pod's volume is."""

NETWORKS = "k8s.v1.cni.cncf.io/networks"
"""Annotation that attaches a pod to further networks (Network Plumbing Working Group, NetworkAttachmentDefinition)."""
OF_NETWORKS = (NETWORKS, "networking.gke.io/interfaces", "networking.gke.io/default-interface")
"""All that do, by whatever multi-networking a cluster has."""


def bind(template: Mapping[str, Any], binding: PodBinding, *, container: str) -> Body:
    """The pod template with all of `binding`; `container` names the main container, which must be there.

    Nothing that the template has is replaced: a variable, label or path that it sets otherwise fails an assertion.
    Rows of the binding stand before the template's own where the order is seen (env, tolerations).
    """
    pod: Body = copy.deepcopy(dict(template))
    spec = pod.setdefault("spec", {})
    main = next(one for one in spec["containers"] if one["name"] == container)
    metadata = {"labels": binding.labels, "annotations": {**binding.annotations, **_of_mounts(binding.mounts)}}
    for key, own in metadata.items():
        if own:
            found = pod.setdefault("metadata", {})
            found[key] = _merged(found.get(key, {}), own, key)
    _place(spec, binding)
    _mount(spec, main, binding)
    main["env"] = _env(main.get("env", ()), binding.env)
    _resources(main, binding)
    _rights(main, binding.capabilities, privileged=binding.privileged)
    if binding.resource_claims:
        claims = ({"name": one.name, "resourceClaimTemplateName": one.template} for one in binding.resource_claims)
        spec["resourceClaims"] = [*spec.get("resourceClaims", ()), *claims]
    if binding.sidecars:
        spec["initContainers"] = [*map(_sidecar, binding.sidecars), *spec.get("initContainers", ())]
    return pod


def replica_share(binding: PodBinding, devices: Mapping[str, int], claim: str) -> PodBinding:
    """Part for a server on some of a node's accelerators: it talks to no other server and reads only its model, which
    it mounts itself by `claim`."""
    return replace(_off_the_fabric(_reading(binding, claim)), devices=devices, huge_pages_mib=0)


def group_share(binding: PodBinding, claim: str) -> PodBinding:
    """Part for a server that has the node to itself and computes with those of other nodes: it reads only its model,
    which it mounts itself by `claim`."""
    return _reading(binding, claim)


def leader_share(binding: PodBinding) -> PodBinding:
    """Part for a pod that leads a job and computes nothing, beside a pod that has the node's devices."""
    return replace(_off_the_fabric(binding), devices={}, huge_pages_mib=0, resource_claims=(), sidecars=())


def check_share(binding: PodBinding) -> PodBinding:
    """Part for the fabric check, which mounts the volume on which it meets, and nothing else."""
    return replace(binding, mounts=())


def probe_share(binding: PodBinding) -> PodBinding:
    """Part for a pod that writes to the volume on a node that is named, while jobs may have the node's devices."""
    return replace(leader_share(binding), env={}, mounts=(), node_selector={})


def _reading(binding: PodBinding, claim: str) -> PodBinding:
    """Binding without mounts, for a pod that mounts that one claim by itself."""
    own = _of_mounts(one for one in binding.mounts if one.volume == claim)
    return replace(binding, mounts=(), annotations={**binding.annotations, **own})


def _of_mounts(mounts: Iterable[Mount]) -> Body:
    return {key: value for one in mounts for key, value in one.annotations.items()}


def _off_the_fabric(binding: PodBinding) -> PodBinding:
    """Binding without attachment to further networks, for a pod that asks for none of their devices.

    SR-IOV's plugin makes no interface without a device, and so no pod ("VF pci addr is required",
    k8snetworkplumbingwg/sriov-cni pkg/config).
    """
    return replace(
        binding, annotations={key: value for key, value in binding.annotations.items() if key not in OF_NETWORKS}
    )


def tolerations(taints: Iterable[Taint]) -> list[Body]:
    """Tolerations of exactly these taints."""
    return [
        {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": str(taint.effect)} for taint in taints
    ]


def annotate(template: Body, marks: Mapping[str, str]) -> None:
    """Adds annotations of a scheduler's own to a bound template."""
    if marks:
        found = template["metadata"]
        found["annotations"] = _merged(found.get("annotations", {}), marks, "annotations")


def _place(spec: Body, binding: PodBinding) -> None:
    """Node, network and identity of the pod."""
    if binding.node_selector:
        spec["nodeSelector"] = _merged(spec.get("nodeSelector", {}), binding.node_selector, "nodeSelector")
    own = spec.get("tolerations", [])
    every = {"operator": "Exists"} in own
    spec["tolerations"] = own if every else [*tolerations(binding.tolerations), *own]
    if binding.host_network:
        # Without this policy the names of the job's other pods are not found on the node's network.
        spec |= {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    if binding.image_pull_secrets:
        own = spec.get("imagePullSecrets", [])
        spec["imagePullSecrets"] = [*own, *({"name": name} for name in binding.image_pull_secrets)]
    if binding.service_account:
        spec["serviceAccountName"] = binding.service_account


def _mount(spec: Body, main: Body, binding: PodBinding) -> None:
    """Volumes of the pod, and their mounts in its main container."""
    volumes = {one["name"]: one for one in spec.get("volumes", ())}
    mounts = {one["mountPath"]: one for one in main.get("volumeMounts", ())}
    own = [*(_claim(one, volumes) for one in binding.mounts), *_host_paths(binding), *_shared(binding)]
    for volume, mount in own:
        volumes.setdefault(volume["name"], volume)
        if mount is not None:
            path = mount["mountPath"]
            found = mounts.setdefault(path, mount)
            assert _source(volumes[found["name"]]) == _source(volume), f"two file systems at one path: {path}"
    spec["volumes"], main["volumeMounts"] = list(volumes.values()), list(mounts.values())


def _claim(mount: Mount, volumes: Mapping[str, Body]) -> tuple[Body, Body]:
    """Volume and mount of a claim. A claim may have dots and 253 characters in its name, a volume of a pod may not."""
    source = {"persistentVolumeClaim": {"claimName": mount.volume}}
    free = mount.volume not in volumes or _source(volumes[mount.volume]) == source
    name = mount.volume if free and _LABEL.fullmatch(mount.volume) else _named("claim", mount.volume)
    return {"name": name, **source}, {"name": name, "mountPath": mount.path}


def _host_paths(binding: PodBinding) -> Iterator[tuple[Body, Body | None]]:
    """Volume and mount of each; those of sidecars alone are not mounted in the main container."""
    for one in binding.host_paths:
        yield _host_volume(one), _host_mount(one)
    for sidecar in binding.sidecars:
        for one in sidecar.host_paths:
            yield _host_volume(one), None


def _shared(binding: PodBinding) -> Iterator[tuple[Body, Body]]:
    for path in dict.fromkeys(path for sidecar in binding.sidecars for path in sidecar.shared_paths):
        yield {"name": _named("shared", path), "emptyDir": {}}, {"name": _named("shared", path), "mountPath": path}


def _host_volume(one: HostPath) -> Body:
    kind = {"type": one.kind} if one.kind else {}
    return {"name": _named("host", one.path + one.kind), "hostPath": {"path": one.path, **kind}}


def _host_mount(one: HostPath) -> Body:
    read_only = {"readOnly": True} if one.read_only else {}
    return {"name": _named("host", one.path + one.kind), "mountPath": one.mount_path, **read_only}


def _named(kind: str, of: str) -> str:
    """A volume's name: a DNS label, the same for the same path wherever it is mounted."""
    return f"{kind}-{hashlib.sha256(of.encode()).hexdigest()[:10]}"


def _source(volume: Mapping[str, Any]) -> Body:
    return {key: value for key, value in volume.items() if key != "name"}


def _env(own: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> list[Body]:
    clashes = {row["name"] for row in own if row["name"] in values and row.get("value") != values[row["name"]]}
    assert not clashes, f"the pod and the pool's binding disagree on {sorted(clashes)}"
    rows = ({"name": key, "value": value} for key, value in values.items())
    return [*rows, *(dict(row) for row in own if row["name"] not in values)]


def _resources(main: Body, binding: PodBinding) -> None:
    """Devices and huge pages count as a limit and as a request alike; Kubernetes overcommits neither."""
    pages = {"hugepages-2Mi": f"{binding.huge_pages_mib}Mi"} if binding.huge_pages_mib else {}
    own = {**pages, **{resource: str(count) for resource, count in binding.devices.items()}}
    found = main.setdefault("resources", {})
    for key in ("requests", "limits"):
        found[key] = {**found.get(key, {}), **own}
    if binding.resource_claims:
        found["claims"] = [{"name": one.name} for one in binding.resource_claims]


def _rights(container: Body, capabilities: Iterable[str], *, privileged: bool) -> None:
    """Capabilities on top of the container's own; none is dropped that it has: slurmd starts jobs as their user.

    The API server refuses a privileged container that may not escalate.
    """
    security = container.get("securityContext", {})
    if capabilities:
        found = security.setdefault("capabilities", {})
        found["add"] = list(dict.fromkeys([*found.get("add", ()), *capabilities]))
    if privileged:
        security |= {"privileged": True, "allowPrivilegeEscalation": True}
    if security:
        container["securityContext"] = security


def _sidecar(one: Sidecar) -> Body:
    shared = ({"name": _named("shared", path), "mountPath": path} for path in one.shared_paths)
    container: Body = {
        "name": one.name,
        "image": one.image,
        "restartPolicy": "Always",
        **({"command": list(one.command)} if one.command else {}),
        "env": _env((), one.env),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [*map(_host_mount, one.host_paths), *shared],
    }
    _rights(container, one.capabilities, privileged=one.privileged)
    return container


def _merged(found: Mapping[str, str], own: Mapping[str, str], what: str) -> dict[str, str]:
    clashes = sorted(key for key in found.keys() & own.keys() if found[key] != own[key])
    assert not clashes, f"{what}: the pod and the pool's binding disagree on {clashes}"
    return {**own, **found}
