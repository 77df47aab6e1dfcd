"""Discovery of an existing cluster: it is asked once, before the plan, which itself asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.kubernetes.inventory import INVENTORY
from components.kubernetes.kubeconfig import KubeconfigError
from components.plan.kubernetes import NAMESPACE
from components.spec.stack import StackSpec
from providers.existing.access import access_of
from providers.existing.seen import DiscoveredSpec, Discovery, Listing, seen_in
from providers.existing.settings import ExistingSpec

TIMEOUT_S = 2.0
"""For each answer. A plan is wanted at once; a cluster that is slower is planned from its description."""

T = TypeVar("T")

WORKLOADS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"))


def discovered(spec: StackSpec) -> StackSpec:
    """The spec with what its cluster shows now. One that does not answer leaves the spec as the file has it."""
    settings = spec.settings
    assert isinstance(settings, ExistingSpec)
    try:
        seen, unseen = _seen(settings), ""
    except _UnseenError as error:
        seen, unseen = None, str(error)
    looked = DiscoveredSpec.model_construct(**dict(settings), seen=seen, unseen=unseen)
    return StackSpec.model_construct(**{**dict(spec), "settings": looked})


class _UnseenError(Exception):
    """Reason why the cluster does not show itself: one clause, without a remedy."""


def _seen(settings: ExistingSpec) -> Discovery:
    """The cluster as it shows itself; _UnseenError."""
    try:
        with KubernetesApi(access_of(settings), timeout_s=TIMEOUT_S) as api:
            return seen_in(read_listing(api))
    except KubeconfigError as error:
        raise _UnseenError(str(error)) from None
    except UnreachableError as error:
        raise _UnseenError(f"the API server does not answer ({error})") from None
    except ApiError as error:
        raise _UnseenError(f"the API server refuses these credentials ({error.status} {error.reason})") from None


def read_listing(api: KubernetesApi) -> Listing:
    """Everything that is needed of the cluster; ApiError and UnreachableError as they come.

    Without its version and its nodes nothing is known of it. What else these credentials may not see is in `hidden`.
    """
    hidden: dict[str, str] = {}
    return Listing(
        version=api.call("GET", "/version"),
        nodes=api.list("v1", "Node"),
        kube_system=_shown("Namespace", hidden, lambda: api.get("v1", "Namespace", "kube-system") or {}) or {},
        inventory=_shown("ConfigMap", hidden, lambda: api.get("v1", "ConfigMap", INVENTORY, NAMESPACE)),
        workloads=[one for version, kind in WORKLOADS for one in _all(api, version, kind, hidden)],
        definitions=_all(api, "apiextensions.k8s.io/v1", "CustomResourceDefinition", hidden),
        storage_classes=_all(api, "storage.k8s.io/v1", "StorageClass", hidden),
        runtime_classes=_all(api, "node.k8s.io/v1", "RuntimeClass", hidden),
        volumes=_all(api, "v1", "PersistentVolume", hidden),
        hidden=hidden,
    )


def _all(api: KubernetesApi, api_version: str, kind: str, hidden: dict[str, str]) -> list[dict[str, Any]]:
    return _shown(kind, hidden, lambda: api.list(api_version, kind)) or []


def _shown(kind: str, hidden: dict[str, str], read: Callable[[], T]) -> T | None:
    """The answer; None where the cluster has no such kind, and where the credentials have no right to it, which
    `hidden` then tells in the server's words."""
    try:
        return read()
    except ApiError as error:
        if error.status == 403:
            hidden[kind] = str(error)
        elif error.status != 404:
            raise
        return None
