"""One process node: registers itself, says that it lives, and runs the pods that are bound to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import shutil
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from components.kubernetes.api import ApiError, Object, UnreachableError
from components.kubernetes.kubeconfig import Access
from lab.node.client import Client, Mirror, timestamp
from lab.node.container import NodeContext
from lab.node.images import read_images
from lab.node.network import NodeNetwork
from lab.node.pod import PodWorker, folder_name
from lab.node.process import reap_orphans
from lab.node.sandbox import OWNER, clear

VERSION = "v1.36.3"
LEASE_PERIOD_S, LEASE_S = 2.0, 40
CHECK_EVERY = 5
"""Every so many leases, the node's own object is looked at."""
MAX_PODS = 110
KEPT_LOGS = 200
"""So many ended pods keep their logs; the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """A node as it is asked for."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """Devices among it are fictional; what is left out of cpu, memory, pods is this machine's."""
    annotations: Mapping[str, str] = field(default_factory=dict)


class ProcessNode:
    """The agent of one node."""

    def __init__(self, spec: NodeSpec, access: Access, *, index: int, home: Path, programs: Mapping[str, str]) -> None:
        self._spec, self._client = spec, Client(access)
        self._network = NodeNetwork(index, home / "nodes" / spec.name)
        self._context = NodeContext(
            name=spec.name, home=home, client=self._client, images=read_images(), programs=programs,
            allocatable=_machine() | dict(spec.allocatable),
        )  # fmt: skip
        self._workers: dict[str, PodWorker] = {}
        self._boot = uuid.uuid4().hex
        self._since = timestamp()

    async def serve(self) -> None:
        """Does not return."""
        await self._network.open()
        pods = Mirror(self._client, "v1", "Pod", self._take, fields=f"spec.nodeName={self._spec.name}")
        await pods.filled.wait()
        self._clean()
        beats = 0
        while True:
            with contextlib.suppress(ApiError, UnreachableError):
                if beats % CHECK_EVERY == 0:
                    await self._register()
                await self._renew()
                beats += 1
            reap_orphans()
            await asyncio.sleep(LEASE_PERIOD_S)

    def _take(self, event: str, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if worker and event == "DELETED":
            worker.remove()
        elif worker:
            worker.update(pod)
        elif event != "DELETED":
            worker = self._workers[uid] = PodWorker(self._context, self._network, pod)
            worker.done.add_done_callback(lambda task: self._forget(uid, pod, task))

    def _forget(self, uid: str, pod: Object, task: asyncio.Task[None]) -> None:
        """A worker ends when its pod's object is gone."""
        del self._workers[uid]
        if not task.cancelled() and (error := task.exception()):
            print(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {error!r}", file=sys.stderr, flush=True)  # noqa: T201
        self._clean()

    def _clean(self) -> None:
        """Of pods that are no more, those of an agent before this one among them, only the latest logs stay."""
        live = {folder_name(worker.pod) for worker in self._workers.values()}
        folders = [path for path in self._context.home.glob("pods/*") if path.name not in live and self._owns(path)]
        for path in folders:
            clear(path)
        for path in sorted(folders, key=lambda path: path.stat().st_mtime)[:-KEPT_LOGS]:
            shutil.rmtree(path, ignore_errors=True)

    def _owns(self, folder: Path) -> bool:
        try:
            return (folder / OWNER).read_text() == self._spec.name
        except OSError:
            return False

    async def _register(self) -> None:
        """The node's object as it must be: made where there is none, its status written where it does not hold."""
        found = await self._client.get("Node", self._spec.name)
        if found is None:
            await self._client.ask(self._client.api.create, self._object())
        elif not _is_ready(found) or found["status"].get("nodeInfo", {}).get("bootID") != self._boot:
            await self._client.ask(self._client.api.replace, found | {"status": self._status()}, sub="status")

    async def _renew(self) -> None:
        lease = {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": self._spec.name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": self._spec.name, "leaseDurationSeconds": LEASE_S, "renewTime": _micro_time()},
        }  # fmt: skip
        await self._client.ask(self._client.api.apply, lease, manager="penstock-node", force=True)

    def _object(self) -> Object:
        own = {
            "kubernetes.io/hostname": self._spec.name, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": _architecture(),
        }  # fmt: skip
        meta = {
            "name": self._spec.name,
            "labels": own | dict(self._spec.labels),
            "annotations": dict(self._spec.annotations),
        }
        spec = {"podCIDR": self._network.block, "taints": [dict(taint) for taint in self._spec.taints]}
        return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": self._status()}

    def _status(self) -> Object:
        now, host = timestamp(), self._spec.name
        rows = [("Ready", "True", "KubeletReady")]
        rows += [(f"{kind}Pressure", "False", f"KubeletHasSufficient{kind}") for kind in ("Memory", "Disk", "PID")]
        common = {"message": "process node of the lab", "lastHeartbeatTime": now, "lastTransitionTime": self._since}
        return {
            "capacity": dict(self._context.allocatable), "allocatable": dict(self._context.allocatable),
            "addresses": [{"type": "InternalIP", "address": self._network.node_address},
                          {"type": "Hostname", "address": host}],
            "conditions": [{"type": kind, "status": said, "reason": reason} | common for kind, said, reason in rows],
            "nodeInfo": {
                "kubeletVersion": VERSION, "kubeProxyVersion": VERSION, "bootID": self._boot, "machineID": host,
                "systemUUID": host, "osImage": "processes of this machine", "operatingSystem": "linux",
                "containerRuntimeVersion": "process://1", "kernelVersion": platform.release(),
                "architecture": _architecture(),
            },
        }  # fmt: skip


async def run_node(spec: NodeSpec, access: Access, *, index: int, home: Path, programs: Mapping[str, str]) -> None:
    """Serves one node until this process is killed, and its pods with it."""
    await ProcessNode(spec, access, index=index, home=home, programs=programs).serve()


def _is_ready(node: Object) -> bool:
    return any(row["type"] == "Ready" and row["status"] == "True" for row in node["status"].get("conditions") or ())


def _machine() -> dict[str, str]:
    """This machine's own resources, as each of its nodes offers them."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": str(os.cpu_count() or 1), "memory": f"{memory // 1024}Ki", "pods": str(MAX_PODS),
        "ephemeral-storage": "100Gi",
    }  # fmt: skip


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
