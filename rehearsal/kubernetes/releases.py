"""Helm releases in the simulated Kubernetes: recorded as helm records them, their contract made real, not rendered.

What a chart promises penstock: its definitions, a Deployment named after the release that becomes available when a
node is there for it, the Service of its webhook. Which values it takes is checked against the chart's own keys.
"""

from __future__ import annotations

import base64
import json

from components.kubernetes.definitions import GROUPS_OF_CHARTS, kinds_of_groups
from engine.provider.errors import ProviderError
from lab.releases import ReleaseAsk, ReleaseState
from rehearsal.cloud.pace import Pace
from rehearsal.kubernetes.admission import CHART, WEBHOOK_SERVICES
from rehearsal.kubernetes.chart_keys import known_chart, problems
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.kubernetes.kinds import definition_of
from rehearsal.kubernetes.objects import Body

RELEASE = "meta.helm.sh/release-name"
RECORD = "helm.sh/release.v1"
POLL_S = 2.0
DEFINITIONS = "apiextensions.k8s.io|CustomResourceDefinition||"


class RecordedReleases:
    """Installer of releases in the simulated Kubernetes."""

    def __init__(self, kubernetes: SimulatedKubernetes, pace: Pace) -> None:
        self._kubernetes, self._objects, self._pace = kubernetes, kubernetes.objects, pace

    def check(self, ask: ReleaseAsk) -> tuple[str, ...]:
        """The chart that is not known, or each key that it has not."""
        if not known_chart(ask.chart):
            return (f"chart: {ask.chart!r} is not known here; add its keys and definitions, or use a chart that is",)
        return problems(ask.chart, ask.values)

    def install(self, ask: ReleaseAsk) -> ReleaseState:
        if wrong := self.check(ask):
            raise ProviderError("; ".join(wrong))
        if self.state(ask.name, ask.namespace):
            raise ProviderError(f"cannot re-use a name that is still in use: {ask.namespace}/{ask.name}")
        self._kubernetes.injector.before("Install", "Release", ask.name)
        with self._objects.lock:
            self._require_namespace(ask)
            if not ask.skip_crds:
                self._define(ask)
        return self._deploy(ask, revision=1)

    def upgrade(self, ask: ReleaseAsk) -> ReleaseState:
        if wrong := self.check(ask):
            raise ProviderError("; ".join(wrong))
        found = self.state(ask.name, ask.namespace)
        if found is None:
            raise ProviderError(f"release {ask.namespace}/{ask.name} is not there to be upgraded")
        self._kubernetes.injector.before("Upgrade", "Release", ask.name)
        return self._deploy(ask, revision=found.revision + 1)

    def uninstall(self, name: str, namespace: str, *, timeout_s: int) -> None:  # noqa: ARG002 (helm's)
        """Takes away what it made; definitions of a chart's crds folder stay, as helm leaves them."""
        self._kubernetes.injector.before("Uninstall", "Release", name)
        with self._objects.lock:
            for key, body in self._objects.all():
                kind = key.split("|")[1]
                annotations = body["metadata"].get("annotations") or {}
                if annotations.get(RELEASE) == f"{namespace}/{name}" and kind != "Secret":
                    self._objects.mark(key)
            self._objects.mark(_record_key(name, namespace))

    def state(self, name: str, namespace: str) -> ReleaseState | None:
        body = self._objects.at(_record_key(name, namespace))
        if body is None:
            return None
        row = json.loads(base64.b64decode(body["data"]["release"]))
        row["resources"] = {kind: tuple(names) for kind, names in row["resources"].items()}
        return ReleaseState(**row)

    def _deploy(self, ask: ReleaseAsk, *, revision: int) -> ReleaseState:
        """Records it and waits as helm does."""
        key = f"apps|Deployment|{ask.namespace}|{ask.name}"
        with self._objects.lock:
            self._record(ask, revision, "pending-install" if revision == 1 else "pending-upgrade", "")
            if self._objects.at(key) is None:
                self._objects.add(key, _deployment(ask))
            for service in _webhook_services(ask):
                if self._objects.at(f"|Service|{ask.namespace}|{service}") is None:
                    self._objects.add(f"|Service|{ask.namespace}|{service}", _service(ask, service))
        reason = self._wait(key, ask.timeout_s) if ask.wait else ""
        if reason and ask.atomic:
            self.uninstall(ask.name, ask.namespace, timeout_s=ask.timeout_s)
            return self._state(ask, revision, "uninstalled", reason)
        with self._objects.lock:
            self._record(ask, revision, "failed" if reason else "deployed", reason)
        return self._state(ask, revision, "failed" if reason else "deployed", reason)

    def _wait(self, key: str, timeout_s: int) -> str:
        """Reason why the Deployment did not become available in time, "" where it did."""
        end_s = self._pace.now_s() + timeout_s
        while not _available(self._objects.at(key)):
            if self._pace.now_s() >= end_s:
                return (
                    f"context deadline exceeded: Deployment {key.split('|', 2)[2].replace('|', '/')} is not available"
                )
            self._pace.pause(POLL_S)
            self._kubernetes.settle()
        return ""

    def _require_namespace(self, ask: ReleaseAsk) -> None:
        key = f"|Namespace||{ask.namespace}"
        if self._objects.at(key) is None and not ask.create_namespace:
            raise ProviderError(f'namespaces "{ask.namespace}" not found')
        if self._objects.at(key) is None:
            self._objects.add(
                key, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ask.namespace}, "spec": {}}
            )

    def _define(self, ask: ReleaseAsk) -> None:
        """The definitions of the chart's kinds that are not there already."""
        for name, kinds in kinds_of_groups(GROUPS_OF_CHARTS.get(ask.chart, ())).items():
            if self._objects.at(DEFINITIONS + name) is None:
                self._objects.add(DEFINITIONS + name, definition_of(name, kinds))

    def _record(self, ask: ReleaseAsk, revision: int, status: str, reason: str) -> None:
        state = self._state(ask, revision, status, reason)
        row = {name: getattr(state, name) for name in state.__slots__}
        key, content = _record_key(ask.name, ask.namespace), base64.b64encode(json.dumps(row).encode()).decode()
        found = self._objects.at(key)
        labels = {"owner": "helm", "name": ask.name, "status": status, "version": str(revision)}
        if found:
            found["data"], found["metadata"]["labels"] = {"release": content}, labels
            self._objects.write(key, found)
        else:
            meta = {"name": key.rpartition("|")[2], "namespace": ask.namespace, "labels": labels}
            body: Body = {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": RECORD,
                "metadata": meta,
                "data": {"release": content},
            }
            self._objects.add(key, body)

    def _state(self, ask: ReleaseAsk, revision: int, status: str, reason: str) -> ReleaseState:
        names = kinds_of_groups(GROUPS_OF_CHARTS.get(ask.chart, ()))
        resources: dict[str, tuple[str, ...]] = {"Deployment.apps/apps/v1": (f"{ask.namespace}/{ask.name}",)}
        if services := _webhook_services(ask):
            resources["Service/v1"] = tuple(f"{ask.namespace}/{one}" for one in services)
        if names:
            resources["CustomResourceDefinition.apiextensions.k8s.io/apiextensions.k8s.io/v1"] = tuple(sorted(names))
        return ReleaseState(
            name=ask.name, namespace=ask.namespace, chart=ask.chart, version=ask.version, app_version="",
            revision=revision, status=status, resources=resources, reason=reason,
        )  # fmt: skip


def _record_key(name: str, namespace: str) -> str:
    return f"|Secret|{namespace}|sh.helm.release.v1.{name}.v1"


def _deployment(ask: ReleaseAsk) -> Body:
    container = {"name": ask.chart, "image": f"{ask.chart}:{ask.version or 'latest'}"}
    tolerations = [{"operator": "Exists", "effect": "NoSchedule"}]  # where it runs is the chart's values' matter
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(ask, ask.name),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _labels(ask)},
            "template": {
                "metadata": {"labels": _labels(ask)}, "spec": {"containers": [container], "tolerations": tolerations}
            },
        },
    }  # fmt: skip


def _service(ask: ReleaseAsk, name: str) -> Body:
    spec = {"type": "ClusterIP", "selector": _labels(ask), "ports": [{"port": 443, "targetPort": 9443}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(ask, name), "spec": spec}


def _webhook_services(ask: ReleaseAsk) -> list[str]:
    """The name of the Service of the chart's webhook, where it has one."""
    named = WEBHOOK_SERVICES.get(ask.chart)
    return [named.format(name=ask.values.get("fullnameOverride") or ask.name)] if named else []


def _metadata(ask: ReleaseAsk, name: str) -> Body:
    return {
        "name": name,
        "namespace": ask.namespace,
        "labels": {**_labels(ask), "app.kubernetes.io/managed-by": "Helm", CHART: ask.chart},
        "annotations": {RELEASE: f"{ask.namespace}/{ask.name}"},
    }


def _labels(ask: ReleaseAsk) -> dict[str, str]:
    return {"app.kubernetes.io/name": ask.chart, "app.kubernetes.io/instance": ask.name}


def _available(body: Body | None) -> bool:
    rows = (body or {}).get("status", {}).get("conditions", ())
    return any(row["type"] == "Available" and row["status"] == "True" for row in rows)
