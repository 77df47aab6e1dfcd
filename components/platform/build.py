"""The platform as resources of the engine."""

from collections.abc import Iterable, Mapping

import pulumi
from pulumi_kubernetes.helm.v3 import Release, ReleaseArgs, RepositoryOptsArgs

from components.kubernetes.manifest import apply_manifest, resolved, resource_name
from components.kubernetes.resources import Ready
from components.labels import OWN_LABELS
from components.plan.kubernetes import AddonPlan, Manifest, PlatformPlan, ReleasePlan
from components.platform.values import merged
from components.provider import KubernetesHandle

NOT_OURS = ("default", "kube-system", "kube-public")
"""Namespaces that every cluster has."""


class Platform(pulumi.ComponentResource):
    """Every add-on, each after all that it needs."""

    def __init__(
        self, name: str, *, plan: PlatformPlan, cluster: KubernetesHandle, storage_class: Manifest | None = None,
        critical_by_quota: bool = False, opts: pulumi.ResourceOptions,
    ) -> None:  # fmt: skip
        """`storage_class`: made before every add-on, as claims of their charts take the default of the moment.
        `critical_by_quota`: namespaces have a quota for pods of the system's priority classes.
        """
        super().__init__("penstock:platform:Platform", name, opts=opts)
        own = pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=list(cluster.ready))
        if storage_class is not None:
            own = _after(own, [apply_manifest(resource_name(name, storage_class), storage_class, own)])
        spaces = _namespaces(name, plan.addons, own, critical_by_quota=critical_by_quota)
        self.ready: dict[str, InstalledAddon] = {}
        for addon in plan.addons:
            before = [self.ready[need] for need in addon.needs]
            space = [spaces[addon.namespace]] if addon.namespace in spaces else []
            after = pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(depends_on=[*space, *before]))
            self.ready[addon.name] = InstalledAddon(f"{name}-{addon.name}", plan=addon, cluster=cluster, opts=after)
        self.register_outputs({"addons": {addon.name: _version(addon) for addon in plan.addons}})


class InstalledAddon(pulumi.ComponentResource):
    """One add-on: objects, chart, barrier, then custom resources of its own kinds. What depends on it waits for all.

    It goes the other way round: custom resources while their controller is there, then the controller.
    """

    def __init__(self, name: str, *, plan: AddonPlan, cluster: KubernetesHandle, opts: pulumi.ResourceOptions) -> None:
        super().__init__("penstock:platform:Addon", name, opts=opts)
        self._name, self._plan, self._cluster = name, plan, cluster
        own = pulumi.ResourceOptions(parent=self, provider=cluster.provider, depends_on=opts.depends_on)
        there = self._apply(plan.manifests, own)
        if plan.release is not None:
            there = [*there, self._release(plan.release, _after(own, there))]
        if plan.crds or plan.webhooks:
            there = [*there, self._barrier(_after(own, there))]
        self._apply(plan.objects, _after(own, there))
        self.register_outputs({})

    def _apply(self, manifests: Iterable[Manifest], opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        """Each when those before it are there."""
        made: list[pulumi.Resource] = []
        for manifest in manifests:
            name, after = resource_name(self._name, manifest), _after(opts, made[-1:])
            made.append(apply_manifest(name, manifest, after, registry=self._cluster.registry))
        return made

    def _release(self, plan: ReleasePlan, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Its name is the add-on's in every stack: one cluster, one of each."""
        args = ReleaseArgs(
            name=self._plan.name,
            namespace=self._plan.namespace,
            chart=plan.chart,
            repository_opts=RepositoryOptsArgs(repo=plan.repository) if plan.repository else None,
            version=plan.version,
            values=merged(
                self._cluster.addon_values.get(self._plan.name, {}), resolved(plan.values, self._cluster.registry)
            ),
            timeout=plan.timeout_s,
            create_namespace=False,
            atomic=False,
            cleanup_on_fail=False,
        )
        made: pulumi.Resource = Release(self._name, args, opts)
        return made

    def _barrier(self, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Without the cluster's provider: the plugin of penstock's own has its own way to the API server."""
        bare = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on)
        return Ready(
            f"{self._name}-ready",
            kubeconfig=self._cluster.kubeconfig,
            crds=self._plan.crds,
            webhooks=self._plan.webhooks,
            timeout_s=self._plan.release.timeout_s if self._plan.release else 600,
            opts=bare,
        )


def _namespaces(
    name: str, addons: Iterable[AddonPlan], opts: pulumi.ResourceOptions, *, critical_by_quota: bool
) -> Mapping[str, pulumi.Resource]:
    """Each once, also where several add-ons share it, with its quota where it needs one. Their daemons reach into the
    nodes, which is allowed there.
    """
    names = sorted({addon.namespace for addon in addons} - set(NOT_OURS))
    spaces = {space: apply_manifest(f"{name}-namespace-{space}", _namespace(space), opts) for space in names}
    if not critical_by_quota:
        return spaces
    return {
        space: apply_manifest(f"{name}-quota-{space}", _critical_quota(space), _after(opts, [made]))
        for space, made in spaces.items()
    }


def _critical_quota(space: str) -> Manifest:
    """Room for pods of the classes that Kubernetes keeps for itself (Kubernetes, "Limit Priority Class consumption by
    default")."""
    classes = ["system-node-critical", "system-cluster-critical"]
    selector = {"matchExpressions": [{"operator": "In", "scopeName": "PriorityClass", "values": classes}]}
    metadata = {"name": "critical-pods", "namespace": space, "labels": OWN_LABELS}
    spec = {"hard": {"pods": "1G"}, "scopeSelector": selector}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}


def _namespace(space: str) -> Manifest:
    labels = {**OWN_LABELS, "pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": labels}}


def _after(opts: pulumi.ResourceOptions, there: Iterable[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(there)))


def _version(addon: AddonPlan) -> str:
    return addon.release.version if addon.release else "manifests"
