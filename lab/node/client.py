"""The lab's API server for asyncio: the one Kubernetes client, its calls in a few threads."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from components.kubernetes.api import ApiError, KubernetesApi, Object, UnreachableError
from components.kubernetes.kubeconfig import Access

THREADS = 4
STRATEGIC = "application/strategic-merge-patch+json"
WATCH_S = 60
RETRY_S = 0.5
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Client:
    """One API server. Every coroutine raises ApiError or UnreachableError as KubernetesApi does."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.api = KubernetesApi(access)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")

    async def ask(self, method: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a method of `api`, without holding up the loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: method(*args, **kwargs))

    async def get(self, kind: str, name: str, namespace: str | None = None, *, version: str = "v1") -> Object | None:
        return await self.ask(self.api.get, version, kind, name, namespace)

    async def patch_pod_status(self, pod: Object, status: Mapping[str, Any]) -> Object:
        """Sets these fields of the pod's status, and leaves alone conditions that others set."""
        meta = pod["metadata"]
        replaced = {key: [{"$patch": "replace"}, *status[key]] for key in ("podIPs", "hostIPs") if key in status}
        body = {"metadata": {"uid": meta["uid"]}, "status": dict(status) | replaced}
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        changed: Object = await self.ask(self.api.call, "PATCH", path, body=body, content_type=STRATEGIC)
        return changed

    async def remove_pod(self, pod: Object) -> None:
        """Takes the object away for good; nothing where it is gone, or another of its name stands there."""
        meta = pod["metadata"]
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
        try:
            await self.ask(
                self.api.call, "DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", body=body
            )
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    async def token(self, pod: Object, audience: str | None, expiration_s: int) -> tuple[str, float]:
        """A token of the pod's service account, bound to the pod, and when to ask for the next (time.monotonic)."""
        meta = pod["metadata"]
        spec = {
            "audiences": [audience] if audience else None, "expirationSeconds": expiration_s,
            "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]},
        }  # fmt: skip
        account = pod["spec"].get("serviceAccountName") or "default"
        path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        made = await self.ask(self.api.call, "POST", path, body=body)
        return made["status"]["token"], time.monotonic() + 0.8 * expiration_s

    async def warn(self, pod: Object, reason: str, message: str) -> None:
        """A Warning event on the pod, as `kubectl describe` shows it; lost where the server does not take it."""
        meta, now = pod["metadata"], timestamp()
        body = {
            "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message[:1024],
            "metadata": {"name": f"{meta['name'][:200]}.{time.time_ns():x}", "namespace": meta["namespace"]},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"],
                               "namespace": meta["namespace"]},
            "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
            "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        }  # fmt: skip
        with contextlib.suppress(ApiError, UnreachableError):
            await self.ask(self.api.create, body)


class Mirror:
    """The objects of one kind, kept up to date by a thread that lists and watches, again and again."""

    def __init__(
        self, client: Client, version: str, kind: str, tell: Callable[[str, Object], None], *,
        fields: str | None = None,
    ) -> None:  # fmt: skip
        """`tell` is called on the loop with (`ADDED` | `MODIFIED` | `DELETED`, object); an object may come twice.

        A deletion that falls between two rounds is told at the next, WATCH_S later at most.
        """
        self._client, self._version, self._kind, self._fields = client, version, kind, fields
        self._tell, self._loop = tell, asyncio.get_running_loop()
        self._known: dict[str, Object] = {}
        self.filled = asyncio.Event()
        threading.Thread(target=self._follow, name=f"watch {kind}", daemon=True).start()

    def _follow(self) -> None:
        while True:
            try:
                self._round()
            except (ApiError, UnreachableError):
                time.sleep(RETRY_S)

    def _round(self) -> None:
        api = self._client.api
        found = {item["metadata"]["uid"]: item for item in api.list(self._version, self._kind, fields=self._fields)}
        for item in found.values():
            self._take("ADDED", item)
        for uid in self._known.keys() - found.keys():
            self._take("DELETED", self._known[uid])
        self._loop.call_soon_threadsafe(self.filled.set)
        for event, item in api.watch(self._version, self._kind, fields=self._fields, timeout_s=WATCH_S):
            self._take(event, item)

    def _take(self, event: str, item: Object) -> None:
        item["metadata"].pop("managedFields", None)
        uid = item["metadata"]["uid"]
        last = self._known.get(uid)
        if event == "DELETED":
            if self._known.pop(uid, None) is None:
                return
        elif last and last["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]:
            return
        else:
            self._known[uid] = item
        self._loop.call_soon_threadsafe(self._tell, event, item)


def timestamp(at: float | None = None) -> str:
    """A moment (now, when left out) as Kubernetes writes it."""
    return datetime.fromtimestamp(at if at is not None else time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
