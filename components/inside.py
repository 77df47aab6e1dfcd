"""What runs inside a Kubernetes cluster: platform, volumes, queues, the acceptance gate, then jobs and services."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.gate_resource import Drain, Gate
from components.manifest import apply_manifest, resource_name
from components.plan.kubernetes import NAMESPACE, InsidePlan, Manifest
from components.platform.build import Platform
from components.provider import JobHandle, KubernetesHandle, ServiceHandle, StaticVolume

LABELS = {"app.kubernetes.io/managed-by": "penstock"}


class Inside(pulumi.ComponentResource):
    """A cluster's platform and queues. A Runner: jobs and services are handed to its API server.

    The order of making is, reversed, the order of going: jobs and services, queues, what controllers left in the
    namespace, custom resources, their controllers.
    """

    def __init__(self, name: str, *, plan: InsidePlan, cluster: KubernetesHandle, opts: pulumi.ResourceOptions) -> None:
        super().__init__("penstock:components:Inside", name, opts=opts)
        self._name = name
        self._own = pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=list(cluster.ready))
        platform = Platform(f"{name}-platform", plan=plan.platform, cluster=cluster, opts=self._own)
        self._namespace = self._make([_namespace()], [])
        drain = Drain(
            f"{name}-drain", kubeconfig=cluster.kubeconfig, namespace=NAMESPACE, opts=self._after(self._namespace)
        )
        grounds = [*self._namespace, drain, *self._volumes(cluster.volumes)]
        controllers = [platform.ready[addon] for addon in plan.scheduler.addons]
        queues = self._make(plan.scheduler.objects, [*grounds, *controllers])
        gate = self._gate(plan, cluster, [*grounds, *platform.ready.values(), *queues])
        self._open = [*gate, *self._make(plan.scheduler.opening, [*queues, *gate])] or queues
        self.gate = gate[0].outputs if gate else {}
        self.register_outputs({"gate": self.gate})

    def run(self, name: str, manifests: tuple[Manifest, ...], opts: pulumi.ResourceOptions) -> JobHandle:
        """The job in its queue. Its name tells its content, so a change is another object, made when the old is gone."""
        made = self._make(manifests, self._open, delete_before_replace=True)
        job = manifests[-1]
        address = f"{job['kind']} {job['metadata']['namespace']}/{job['metadata']['name']}"
        digest = hashlib.sha256(json.dumps(manifests, sort_keys=True).encode()).hexdigest()
        return JobHandle(outputs={"job": address}, digest=pulumi.Output.from_input(digest), resource=made[-1])

    def serve(
        self, name: str, manifests: tuple[Manifest, ...], digest: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> ServiceHandle:
        """The service; its addresses are those inside the cluster."""
        self._make(manifests, self._open)
        return ServiceHandle(urls=tuple(_url(one) for one in manifests if one["kind"] == "Service"))

    def _make(
        self, manifests: Iterable[Manifest], after: Iterable[pulumi.Resource], *, delete_before_replace: bool = False
    ) -> list[pulumi.Resource]:
        """The objects, each made when those before it are there."""
        made: list[pulumi.Resource] = []
        for manifest in manifests:
            before = self._after([*after, *made[-1:]], delete_before_replace=delete_before_replace)
            made.append(apply_manifest(resource_name(self._name, manifest), manifest, before))
        return made

    def _after(
        self, resources: Iterable[pulumi.Resource], *, delete_before_replace: bool = False
    ) -> pulumi.ResourceOptions:
        own = pulumi.ResourceOptions(depends_on=list(resources), delete_before_replace=delete_before_replace or None)
        return pulumi.ResourceOptions.merge(self._own, own)

    def _volumes(self, volumes: Iterable[StaticVolume]) -> list[pulumi.Resource]:
        made: list[pulumi.Resource] = []
        for volume in volumes:
            first, claim = _volume(volume), _claim(volume)
            spec = {**first["spec"], **volume.source}
            there = apply_manifest(resource_name(self._name, first), first, self._own, spec=spec)
            after = self._after([there, *self._namespace])
            made.append(apply_manifest(resource_name(self._name, claim), claim, after))
        return made

    def _gate(self, plan: InsidePlan, cluster: KubernetesHandle, after: list[pulumi.Resource]) -> list[Gate]:
        if plan.gate is None:
            return []
        return [
            Gate(
                f"{self._name}-gate",
                plan=plan.gate,
                kubeconfig=cluster.kubeconfig,
                scalers=cluster.scalers,
                opts=self._after(after),
            )
        ]


def _namespace() -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": LABELS}}


def _volume(volume: StaticVolume) -> dict[str, Any]:
    """Kept by the cluster when its claim goes: what becomes of the data is the storage's own matter."""
    spec = {
        "capacity": {"storage": f"{volume.capacity_gib}Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "mountOptions": list(volume.mount_options),
        "claimRef": {"namespace": NAMESPACE, "name": volume.claim},
    }
    metadata = {"name": f"{NAMESPACE}-{volume.claim}", "labels": LABELS}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _claim(volume: StaticVolume) -> Manifest:
    spec = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": f"{volume.capacity_gib}Gi"}},
        "storageClassName": "",
        "volumeName": f"{NAMESPACE}-{volume.claim}",
    }
    metadata = {"name": volume.claim, "namespace": NAMESPACE, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _url(service: Mapping[str, Any]) -> str:
    metadata, port = service["metadata"], service["spec"]["ports"][0]["port"]
    return f"http://{metadata['name']}.{metadata['namespace']}.svc.cluster.local:{port}"
