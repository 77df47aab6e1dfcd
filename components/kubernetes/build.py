"""Builds the inside of a Kubernetes cluster: platform, volumes, queues, the acceptance gate, then jobs and services."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pulumi

from components.kubernetes.inventory import inventory
from components.kubernetes.manifest import apply_manifest, place_name, resource_name
from components.kubernetes.resources import Gate, NamespaceDrain
from components.labels import OWN_LABELS, SERVES, SKIP_AWAIT, STACK_LABEL
from components.plan.kubernetes import NAMESPACE, InsidePlan, Manifest
from components.platform.build import Platform
from components.pods.prepare import TIMEOUT
from components.provider import JobHandle, KubernetesHandle, ServiceHandle, StaticVolume
from components.serving.naming import GATEWAYS, GROUP_KIND

SHUT_S = 600
"""Seconds that `up` waits for the preparation of a text whose pool is shut: its pod has no node that takes it, and the
run behind it cannot be handed in before it has ended."""


class Inside(pulumi.ComponentResource):
    """A cluster's platform and queues. A Runner: jobs and services are handed to its API server.

    The order of making is, reversed, the order of going: jobs and services, queues, what controllers left in the
    namespace, custom resources, their controllers.
    """

    def __init__(self, name: str, *, plan: InsidePlan, cluster: KubernetesHandle, opts: pulumi.ResourceOptions) -> None:
        super().__init__("penstock:components:Inside", name, opts=opts)
        self._name, self._registry = name, cluster.registry
        self._own = pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=list(cluster.ready))
        disks = plan.facts.storage_class
        platform = Platform(
            f"{name}-platform", plan=plan.platform, storage_class=disks, cluster=cluster,
            critical_by_quota=plan.facts.critical_by_quota, opts=self._own,
        )  # fmt: skip
        self._namespace = self._make([_namespace(), inventory(pulumi.get_stack(), plan.platform)], self._own)
        here = self._after([*self._namespace, *platform.ready.values()])
        drains = [
            NamespaceDrain(f"{name}-{drain}", kubeconfig=cluster.kubeconfig, namespace=space, opts=here)
            for drain, space in _drained(plan)
        ]
        grounds = [*self._namespace, *drains, *self._volumes(cluster.volumes, plan.scheduler.opening)]
        controllers = [platform.ready[addon] for addon in plan.scheduler.addons if addon in platform.ready]
        queues = self._make(plan.scheduler.objects, self._after([*grounds, *controllers]))
        gate = self._gate(plan, cluster, [*grounds, *platform.ready.values(), *queues])
        opening = self._make(plan.scheduler.opening, self._after([*queues, *gate]))
        self._open = [*grounds, *queues, *gate, *opening]
        self._pools = plan.gate.pools if plan.gate else ()
        self._shut = gate[0].shut if gate else None
        self.gate = gate[0].outputs if gate else {}
        self.register_outputs({"gate": self.gate})

    def run(self, name: str, manifests: tuple[Manifest, ...], opts: pulumi.ResourceOptions) -> JobHandle:
        """The job in its queue. Its name tells its content: a change is another object, made when the old is gone, so
        that two gangs never write to one run. What it stands on is another too, and the old goes last. A Job that
        prepares its text has ended before the gang is handed in; where its pool is shut, `up` says so after a while.
        """
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=self._open))
        made: list[pulumi.Resource] = []
        for manifest in manifests:
            runs = manifest is manifests[-1] or manifest["kind"] == "Job"  # the preparation of its text is one
            own = pulumi.ResourceOptions(depends_on=made[-1:], delete_before_replace=runs or None)
            called = place_name if runs else resource_name
            shut = self._is_shut([manifest], _prepared)
            made += self._make(
                [manifest], pulumi.ResourceOptions.merge(after, own), prefix=name, shut=shut, called=called
            )
        run, job = made[-1], manifests[-1]
        address = f"{job['kind']} {job['metadata']['namespace']}/{job['metadata']['name']}"
        digest = hashlib.sha256(json.dumps(manifests, sort_keys=True).encode()).hexdigest()
        return JobHandle(outputs={"job": address}, digest=pulumi.Output.from_input(digest), resource=run)

    def serve(
        self, name: str, manifests: tuple[Manifest, ...], digest: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> ServiceHandle:
        """The service, its pods renewed with `digest`; the addresses are those inside the cluster. One whose pool is
        shut is handed in and not waited for.
        """
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=self._open))
        made = self._make(manifests, after, prefix=name, digest=digest, shut=self._is_shut(manifests, _templates))
        urls = tuple(_url(one) for one in manifests if one["kind"] == "Service")
        return ServiceHandle(urls=urls, resources=tuple(made))

    def _make(
        self,
        manifests: Iterable[Manifest],
        opts: pulumi.ResourceOptions,
        *,
        prefix: str = "",
        digest: pulumi.Input[str] = "",
        shut: pulumi.Output[bool] | None = None,
        called: Callable[[str, Manifest], str] = resource_name,
    ) -> list[pulumi.Resource]:
        """The objects, each made when those before it are there."""
        made: list[pulumi.Resource] = []
        for manifest in manifests:
            before = pulumi.ResourceOptions.merge(self._own, opts)
            before = pulumi.ResourceOptions.merge(before, pulumi.ResourceOptions(depends_on=made[-1:]))
            name = called(f"{self._name}-{prefix}" if prefix else self._name, manifest)
            over = {**_renewed(manifest, digest), **_awaited(manifest, shut)}
            made.append(apply_manifest(name, manifest, before, registry=self._registry, **over))
        return made

    def _is_shut(
        self, manifests: Iterable[Manifest], templates_of: Callable[[Manifest], Mapping[str, Any]]
    ) -> pulumi.Output[bool] | None:
        """True while the gate keeps every pool shut that has nodes for the pods; None where it looks at none."""
        templates = (one for manifest in manifests for one in templates_of(manifest).values())
        labels = [one["spec"].get("nodeSelector", {}).items() for one in templates]
        judged = [pool for pool in self._pools if pool.nodes]
        pools = {pool.pool for pool in judged for wanted in labels if pool.selector.items() <= wanted}
        if self._shut is None or not pools:
            return None
        # A gate of an earlier version has left no word of them: it opened all pools or none.
        return self._shut.apply(lambda shut: pools <= set(shut or ()))

    def _after(self, resources: Iterable[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._own, pulumi.ResourceOptions(depends_on=list(resources)))

    def _volumes(self, volumes: Iterable[StaticVolume], pods: Iterable[Manifest]) -> list[pulumi.Resource]:
        """The claims of jobs and services, and of a scheduler's own pods where those are in another namespace."""
        made: list[pulumi.Resource] = []
        spaces = {NAMESPACE: self._name} | {space: f"{self._name}-{space}" for space in sorted(_spaces(pods))}
        for volume in volumes:
            for space, name in spaces.items():
                claim = _claim(volume, space)
                there = [] if volume.storage_class else [self._static(volume, space, name)]
                after = pulumi.ResourceOptions.merge(self._after([*there, *self._namespace]), _kept(volume))
                made.append(apply_manifest(resource_name(name, claim), claim, after))
        return made

    def _static(self, volume: StaticVolume, space: str, name: str) -> pulumi.Resource:
        first = _volume(volume, space)
        spec = {**first["spec"], **volume.source}
        return apply_manifest(resource_name(name, first), first, self._own, spec=spec)

    def _gate(self, plan: InsidePlan, cluster: KubernetesHandle, after: list[pulumi.Resource]) -> list[Gate]:
        if plan.gate is None:
            return []
        after = [*after, *self._make(plan.gate.objects, self._after(after))]
        return [
            Gate(
                f"{self._name}-gate",
                plan=plan.gate,
                kubeconfig=cluster.kubeconfig,
                registry=cluster.registry,
                scalers=cluster.scalers,
                opts=self._after(after),
            )
        ]


def _drained(plan: InsidePlan) -> Iterator[tuple[str, str]]:
    """By name, the namespaces in which controllers make what outlives a cluster."""
    yield "drain", NAMESPACE
    if plan.balances:
        yield "drain-gateways", GATEWAYS


def _renewed(manifest: Manifest, digest: pulumi.Input[str]) -> dict[str, pulumi.Input[Any]]:
    """Annotation that makes servers start their pods anew when the model they serve has changed."""
    templates = _templates(manifest)
    if not templates or digest == "":
        return {}
    renewed = {}
    for key, template in templates.items():
        metadata = template["metadata"]
        annotations = {**metadata.get("annotations", {}), SERVES: digest}
        renewed[key] = {**template, "metadata": {**metadata, "annotations": annotations}}
    spec = manifest["spec"]
    if manifest["kind"] == GROUP_KIND:
        return {"spec": {**spec, "leaderWorkerTemplate": {**spec["leaderWorkerTemplate"], **renewed}}}
    return {"spec": {**spec, **renewed}}


def _templates(manifest: Manifest) -> dict[str, Any]:
    """Templates of a server's pods by their keys; none of what is no server."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == GROUP_KIND:
        return {key: spec["leaderWorkerTemplate"][key] for key in ("leaderTemplate", "workerTemplate")}
    return {"template": spec["template"]} if manifest["kind"] == "Deployment" else {}


def _prepared(manifest: Manifest) -> dict[str, Any]:
    """Template of the pod that prepares a text; none of what the engine does not wait long for."""
    waits = manifest["kind"] == "Job" and TIMEOUT in manifest["metadata"].get("annotations", {})
    return {"template": manifest["spec"]["template"]} if waits else {}


def _awaited(manifest: Manifest, shut: pulumi.Output[bool] | None) -> dict[str, pulumi.Input[Any]]:
    """Annotation by which the engine does not wait for the object while its pool is shut, or not for long."""
    given = manifest["metadata"].get("annotations", {})
    if shut is None:
        return {}
    if _prepared(manifest):
        longest = given[TIMEOUT]
        return _annotated(manifest, TIMEOUT, shut.apply(lambda is_shut: str(SHUT_S) if is_shut else longest))
    if manifest["kind"] not in ("Deployment", GROUP_KIND, "Service") or SKIP_AWAIT in given:
        return {}
    return _annotated(manifest, SKIP_AWAIT, shut.apply(lambda is_shut: "true" if is_shut else "false"))


def _annotated(manifest: Manifest, key: str, value: pulumi.Output[str]) -> dict[str, pulumi.Input[Any]]:
    metadata = manifest["metadata"]
    return {"metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), key: value}}}


def _namespace() -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": OWN_LABELS | {STACK_LABEL: pulumi.get_stack()}},
    }


def _spaces(objects: Iterable[Manifest]) -> set[str]:
    """Namespaces of the objects whose pods mount claims."""
    return {
        one["metadata"]["namespace"]
        for one in objects
        for volume in one.get("spec", {}).get("template", {}).get("spec", {}).get("volumes", ())
        if "persistentVolumeClaim" in volume
    }


def _volume(volume: StaticVolume, space: str) -> dict[str, Any]:
    """Kept by the cluster when its claim goes: what becomes of the data is the storage's own matter."""
    spec: dict[str, Any] = {
        "capacity": {"storage": f"{volume.capacity_gib}Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        **({"mountOptions": list(volume.mount_options)} if volume.mount_options else {}),
        "claimRef": {"namespace": space, "name": volume.claim},
    }
    metadata = {"name": f"{space}-{volume.claim}", "labels": OWN_LABELS}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _claim(volume: StaticVolume, space: str) -> Manifest:
    """Of a volume that is there it asks for the least: it has that one by name, and could never follow its growth, as
    Kubernetes lets no claim without a class grow (Expanding Persistent Volumes Claims).
    """
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": f"{volume.capacity_gib if volume.storage_class else 1}Gi"}},
        "storageClassName": volume.storage_class,
    }
    if not volume.storage_class:
        spec["volumeName"] = f"{space}-{volume.claim}"
    metadata = {"name": volume.claim, "namespace": space, "labels": OWN_LABELS}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _kept(volume: StaticVolume) -> pulumi.ResourceOptions:
    """A claim of a given volume that was made when claims asked for its size: it could not ask for less either."""
    return pulumi.ResourceOptions(ignore_changes=[] if volume.storage_class else ["spec.resources"])


def _url(service: Mapping[str, Any]) -> str:
    metadata, port = service["metadata"], service["spec"]["ports"][0]["port"]
    return f"http://{metadata['name']}.{metadata['namespace']}.svc.cluster.local:{port}"
