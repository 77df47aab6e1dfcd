"""Acceptance of a cluster before its queues open: pure. plugin/ carries it out.

Of each pool: its nodes, Ready, each with all of its devices; on each node the volume, mounted and written to; over all
of them the fabric check, above its floor. workloads/fabric_check/__init__.py has the form of the check's evidence,
which is read from the termination message of its pods.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.estimate.floors import Floor, floor_of
from components.fabric import Collective
from components.kubernetes.devices import TPU
from components.labels import CHECK_LABEL, CHECK_POOL_LABEL, OWN_LABELS, QUARANTINE, SHUT
from components.plan.cluster import ClusterPlan, NodePoolPlan, VolumePlan
from components.plan.images import ImageUse
from components.plan.kubernetes import NAMESPACE, GatePlan, Manifest, PoolExpectation
from components.pods.bind import bind, check_share, probe_share
from components.pods.compute_domain import compute_domains, in_domain
from components.pods.template import gib
from components.spec.platform import GateSpec, PlatformSpec

CHECK_S = 600
"""Seconds of one fabric check: all nodes have to come, and the largest message goes round some times."""
EVIDENCE = "/dev/termination-log"
"""Place of a container's last word; Kubernetes keeps 4096 bytes of it."""

RANK_GIB = 1.5
"""Main memory of a rank of the check: Python, torch, and the buffers of the sweep where there is no accelerator."""
SHM_GIB_PER_RANK = 1.0

NO_IMAGE = "no image with the check; name one in training.image or inference.image"
PROBE, CHECK = "probe", "check"
"""The gate's containers."""
PAIR = 2
LABELS = {**OWN_LABELS, CHECK_LABEL: "gate"}


def plan_gate(spec: PlatformSpec, cluster: ClusterPlan, image: str) -> GatePlan | None:
    """Plans the checks; None where the user has switched the gate off.

    `image` holds penstock's workloads; where it is empty, each pool has its own, and without that too nodes and devices
    are still counted. Nothing is measured where the user has waived a pool's fabric.
    """
    if not spec.gate.enabled:
        return None
    images = {pool.name: image or pool.own_image for pool in cluster.node_pools}
    first = next(filter(None, images.values()), "")
    probe = probe_pod(cluster.volume, first) if first and cluster.volume.claim else None
    pools = tuple(
        replace(
            _expectation(pool, spec.gate, cluster.volume, images[pool.name]),
            probe=_own_probe(probe, pool, cluster.volume, images[pool.name] or first) if probe else None,
        )
        for pool in cluster.node_pools
    )
    return GatePlan(
        pools=pools,
        probe=probe,
        timeout_s=spec.gate.timeout_s,
        objects=tuple(
            domain
            for pool, expected in zip(cluster.node_pools, pools, strict=True)
            if expected.check
            for domain in compute_domains(pool, expected.nodes, f"gate-{pool.name}")
        ),
    )


def gate_images(gate: GatePlan) -> Iterator[ImageUse]:
    """Images of the checks and probes of each pool; none of a pool on which nothing runs."""
    for pool in gate.pools:
        pods = ((pool.check or {}).get("spec", {}).get("template", {}), pool.probe or gate.probe or {})
        for image in {one["image"] for pod in pods for one in pod.get("spec", {}).get("containers", ())}:
            yield ImageUse(image=image, pool=pool.pool, asked_at="platform.gate")


def gate_warnings(spec: PlatformSpec, gate: GatePlan | None, pools: Sequence[NodePoolPlan]) -> Iterator[str]:
    """Warns of all that jobs will start on unseen."""
    if gate is None and not spec.gate.enabled:
        yield "platform.gate.enabled: false, so jobs start on nodes that nothing has checked; remove it"
        elastic = ", ".join(pool.name for pool in pools if pool.min_count < pool.max_count)
        if elastic:
            yield (
                f"cluster.nodePools: {elastic} may change size, and with platform.gate.enabled: false a changed count, "
                "minCount or maxCount takes no effect after the first `up`; remove it, or resize with the cloud's tools"
            )
        return
    fabrics = {pool.name for pool in pools if not pool.fabric.is_plain}
    for found in gate.pools if gate else ():
        if found.pool in fabrics and found.floor_source == NO_IMAGE:
            yield f"cluster.nodePools.{found.pool}: the gate does not measure its fabric: {NO_IMAGE}"
    probed = gate is not None and gate.probe is not None
    unseen = ", ".join(pool.name for pool in pools if pool.file_system_module and not probed)
    if unseen:
        yield f"cluster.nodePools: {unseen}: the gate does not look whether the file system is reached over the fabric"
    old = ", ".join(f"{pool.name} ({pool.min_driver} at least)" for pool in pools if pool.min_driver and not probed)
    if old:
        yield f"cluster.nodePools: {old}: the gate does not look at the driver's version"


def probe_pod(volume: VolumePlan, image: str, module: str = "", driver: str = "") -> Manifest:
    """A pod that writes to the volume on the node that the gate names, reads it back, and says why it cannot.

    With a `module`, also where that kernel module is not in use: its count is world-readable in every container. With a
    `driver`, also where that of the accelerators is older: so is its version.
    """
    over_fabric = f" or over_tcp({module!r})" if module else ""
    new_enough = f" or driver_below({driver!r})" if driver else ""
    program = (
        "import os,sys,pathlib\n"
        f"{'from workloads.fabric_check.driver import driver_below' + chr(10) if driver else ''}"
        f"from workloads.fabric_check.volume import {'over_tcp,' if module else ''}remove_probe,write_probe\n"
        f"folder=pathlib.Path({volume.mount_path!r})/'.penstock-gate'/os.environ['NODE_NAME']\n"
        f"why=write_probe(folder,0){over_fabric}{new_enough}\n"
        f"pathlib.Path({EVIDENCE!r}).write_text(why)\n"
        "remove_probe(folder,0)\n"
        "sys.exit(bool(why))\n"
    )
    container = {
        "name": PROBE,
        "image": image,
        "command": ["python", "-c", program],
        "env": [_field("NODE_NAME", "spec.nodeName")],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": _security(fabric=False),
        "volumeMounts": [{"name": "volume", "mountPath": volume.mount_path}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "gate-probe", "namespace": NAMESPACE, "labels": dict(LABELS)},
        "spec": {**_pod(volume), "tolerations": [{"operator": "Exists"}], "containers": [container]},
    }


def _own_probe(probe: Manifest, pool: NodePoolPlan, volume: VolumePlan, image: str) -> Manifest | None:
    """The probe with the pool's image, what its binding asks of every pod, its way to the file system and its driver;
    None where that changes nothing.
    """
    own = probe_pod(volume, image, pool.file_system_module, pool.min_driver)
    bound = bind(own, probe_share(pool.binding), container=PROBE)
    return None if bound == probe else bound


def _expectation(pool: NodePoolPlan, gate: GateSpec, volume: VolumePlan, image: str) -> PoolExpectation:
    nodes = pool.node_count if pool.desired_now is None else pool.desired_now
    floor = _floor(pool, gate)
    why_not = _not_measured(pool, nodes, volume, image)
    return PoolExpectation(
        pool=pool.name,
        nodes=nodes,
        selector=dict(pool.binding.node_selector),
        devices=dict(pool.binding.devices),
        check=None if why_not else check_job(pool, nodes, floor, volume, image),
        floor_gbps=0.0 if why_not else floor.floor_gbps,
        floor_source=why_not or floor.source,
        file_system_module=pool.file_system_module,
    )


def _not_measured(pool: NodePoolPlan, nodes: int, volume: VolumePlan, image: str) -> str:
    """Reason why no fabric check runs there; empty where one does."""
    if pool.fabric_waived:
        return "the pool has no fabric, for the reason given in the stack file"
    if nodes < PAIR:
        return f"{nodes} nodes have no peer to measure"
    if pool.collective is Collective.NEURON or TPU in pool.binding.devices:
        return "the check runs on NVIDIA accelerators and processors"
    if not image:
        return NO_IMAGE
    return "" if volume.claim else "the nodes have no volume to meet on"


def _floor(pool: NodePoolPlan, gate: GateSpec) -> Floor:
    if pool.fabric.is_plain:
        return Floor(floor_gbps=0.0, source="none is published for plain Ethernet")
    if gate.floor_gbps is not None:
        return Floor(floor_gbps=gate.floor_gbps, source="platform.gate.floorGbps")
    return floor_of(pool.machine.name)


def check_job(pool: NodePoolPlan, nodes: int, floor: Floor, volume: VolumePlan, image: str) -> Manifest:
    """The fabric check of a pool: one pod a node, all at once, none of them twice.

    Where fewer nodes are good, `parallelism`, `completions` and the container's last argument are lowered alike.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"gate-{pool.name}", "namespace": NAMESPACE, "labels": dict(LABELS)},
        "spec": {
            "completionMode": "Indexed",
            "parallelism": nodes,
            "completions": nodes,
            "backoffLimit": 0,
            "activeDeadlineSeconds": CHECK_S + 300,
            "template": bind(
                {
                    "metadata": {"labels": _pool_labels(pool)},
                    "spec": {
                        **_pod(volume),
                        "tolerations": [_TO_SHUT],
                        "affinity": _one_a_node(pool),
                        "containers": [_check_container(pool, nodes, floor, volume, image)],
                    },
                },
                check_share(in_domain(pool, nodes, f"gate-{pool.name}").binding),
                container=CHECK,
            ),
        },
    }


def _check_spec(pool: NodePoolPlan, floor: Floor, volume: VolumePlan) -> Mapping[str, Any]:
    """Configuration of the check (workloads/fabric_check/config.py)."""
    return {
        "ranksPerNode": _ranks(pool),
        "device": "cuda" if pool.collective is Collective.NCCL else "cpu",
        "floorGbps": floor.floor_gbps,
        "fabric": not pool.fabric.is_plain,
        "volume": f"{volume.mount_path}/.penstock-gate",
        "timeoutS": CHECK_S,
        "evidenceFile": EVIDENCE,
    }


def _check_container(pool: NodePoolPlan, nodes: int, floor: Floor, volume: VolumePlan, image: str) -> dict[str, Any]:
    spec = json.dumps(_check_spec(pool, floor, volume), sort_keys=True)
    fields = {"POD_IP": "status.podIP", "NODE_NAME": "spec.nodeName", "CHECK_ID": _JOB_ID}
    mounts = [{"name": "volume", "mountPath": volume.mount_path}]
    return {
        "name": CHECK,
        "image": image,
        "command": ["python", "-m", "workloads.fabric_check", "--spec", spec, "--nodes", str(nodes)],
        "env": [_field(key, path) for key, path in fields.items()],
        "resources": _resources(pool),
        "securityContext": _security(fabric=not pool.fabric.is_plain),
        "volumeMounts": [*mounts, {"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108 - NCCL's buffers lie there
    }


_JOB_ID = "metadata.labels['batch.kubernetes.io/controller-uid']"
"""Of the Job, so that no check meets the nodes of one before."""


_TO_SHUT = {"key": QUARANTINE, "operator": "Equal", "value": SHUT, "effect": "NoSchedule"}
"""Toleration of the nodes of a pool that is shut: nothing but a check runs there, and it is what opens the pool."""


def _pool_labels(pool: NodePoolPlan) -> dict[str, str]:
    return {**LABELS, CHECK_POOL_LABEL: pool.name}


def _one_a_node(pool: NodePoolPlan) -> dict[str, Any]:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": _pool_labels(pool)}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _resources(pool: NodePoolPlan) -> dict[str, Any]:
    """Resources that the ranks need beside the node's devices."""
    ranks = _ranks(pool)
    memory = {"memory": gib(ranks * (RANK_GIB + _shm_gib(pool) / ranks))}
    return {"requests": {"cpu": f"{math.floor(min(ranks, pool.room.cores) * 1000)}m", **memory}, "limits": memory}


def _pod(volume: VolumePlan) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [
            {"name": "volume", "persistentVolumeClaim": {"claimName": volume.claim}},
            {"name": "shm", "emptyDir": {"medium": "Memory"}},
        ],
    }


def _security(*, fabric: bool) -> dict[str, Any]:
    """No rights but that of pinning memory, which a fabric's library registers."""
    capabilities: dict[str, Any] = {"drop": ["ALL"]}
    if fabric:
        capabilities["add"] = ["IPC_LOCK"]
    return {"allowPrivilegeEscalation": False, "capabilities": capabilities}


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _ranks(pool: NodePoolPlan) -> int:
    return max(1, pool.machine.accelerator_count)


def _shm_gib(pool: NodePoolPlan) -> float:
    return SHM_GIB_PER_RANK * _ranks(pool) if pool.machine.accelerator_count else 0.0
