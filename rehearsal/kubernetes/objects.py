"""The simulated cluster's objects: made, applied, changed and removed as an API server does it."""

from __future__ import annotations

import base64
import copy
import secrets
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rehearsal.cloud.store import Store
from rehearsal.kubernetes import managers
from rehearsal.kubernetes.immutable import require_unchanged
from rehearsal.kubernetes.kinds import (
    DEFINITION,
    DEFINITION_GROUP,
    Served,
    core_kinds,
    defined_kinds,
)
from rehearsal.kubernetes.refusals import (
    RefusalError,
    already_exists,
    conflict,
    invalid,
    no_page,
    not_found,
)
from rehearsal.kubernetes.schemas import CoreKind, Schemas

Body = dict[str, Any]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)  # simulated minute 0
SERVER_KEPT = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


class Objects:
    """Everything in the cluster, written through to the store. Guarded by `lock`, which a request holds.

    `admit` may refuse or complete an object before it is stored; `on_change` learns of each that was.
    """

    def __init__(self, store: Store, schemas: Schemas, *, now_min: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.events: list[tuple[int, str, str, Body]] = []
        self.judged: Counter[str] = Counter()
        self.admit: Callable[[Served, Body, Body | None], None] = lambda _kind, _body, _old: None
        self.on_change: Callable[[str, Body], None] = lambda _key, _body: None
        self.on_drop: Callable[[str, Body], None] = lambda _key, _body: None
        self._store, self._schemas, self._now_min = store, schemas, now_min
        self._objects: dict[str, Body] = store.objects()
        self._core = {(one.group, one.version, one.plural): one for one in core_kinds(schemas)}

    def kinds(self) -> Iterator[Served]:
        """All that can be asked for now."""
        yield from self._core.values()
        for key, body in self.all():
            if key.startswith(f"{DEFINITION_GROUP}|{DEFINITION}|"):
                yield from defined_kinds(body)

    def served(self, group: str, version: str, plural: str) -> Served:
        """The kind. RefusalError 404 where there is no definition of it."""
        found = self._core.get((group, version, plural))
        definition = self._objects.get(f"{DEFINITION_GROUP}|{DEFINITION}||{plural}.{group}")
        for one in defined_kinds(definition) if definition and not found else ():
            if one.version == version:
                found = one
        if found is None:
            raise no_page()
        return found

    def core(self, api_version: str, kind: str) -> Served:
        return next(one for one in self._core.values() if (one.api_version, one.kind) == (api_version, kind))

    def all(self) -> list[tuple[str, Body]]:
        with self.lock:
            return list(self._objects.items())

    def at(self, key: str) -> Body | None:
        return self._objects.get(key)

    def get(self, kind: Served, namespace: str, name: str) -> Body:
        body = self._objects.get(kind.key(namespace, name))
        if body is None:
            raise not_found(kind.what, name)
        return {**copy.deepcopy(body), "apiVersion": kind.api_version}

    def list(self, kind: Served, namespace: str = "") -> list[Body]:
        head = f"{kind.group}|{kind.kind}|" + (f"{namespace}|" if namespace and kind.namespaced else "")
        return [
            {**copy.deepcopy(body), "apiVersion": kind.api_version} for key, body in self.all() if key.startswith(head)
        ]

    def watched(self, kind: Served, namespace: str, ends_s: float) -> Iterator[Body]:
        """`{"type": "ADDED", "object": ...}`: all that is there, then what happens within `ends_s`."""
        end = time.monotonic() + ends_s
        head = f"{kind.group}|{kind.kind}|" + (f"{namespace}|" if namespace else "")
        with self.changed:
            seen, there = len(self.events), self.list(kind, namespace)
        yield from ({"type": "ADDED", "object": body} for body in there)
        while (left_s := end - time.monotonic()) > 0:
            with self.changed:
                self.changed.wait_for(lambda: len(self.events) > seen, left_s)  # noqa: B023 (called here)
                new, seen = self.events[seen:], len(self.events)
            for _, event, key, body in new:
                if key.startswith(head):
                    yield {"type": event, "object": {**body, "apiVersion": kind.api_version}}

    def create(self, kind: Served, namespace: str, body: Body, *, manager: str, dry_run: bool = False) -> Body:
        """The new object. RefusalError where it is there, is wrong, or its namespace is not."""
        new = self._addressed(kind, namespace, body)
        meta = new["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + secrets.token_hex(3)[:5]
        if not meta.get("name"):
            raise invalid(kind.shown, "", ["metadata.name: required value: name or generateName is required"])
        if kind.key(namespace, meta["name"]) in self._objects:
            raise already_exists(kind.what, meta["name"])
        self._require_namespace(kind, namespace)
        managers.took(new, None, manager, self._schemas.node(kind.spec))
        return self._store_it(kind, new, None, dry_run=dry_run)

    def apply(self, kind: Served, namespace: str, name: str, body: Body, **how: Any) -> Body:
        """Server-side apply by `manager`, `force` or not, `dry_run` or not, of the `status` or all but that."""
        node, status = self._schemas.node(kind.spec), bool(how.get("status"))
        given = self._addressed(kind, namespace, body)
        old = self._objects.get(kind.key(namespace, name))
        if old is None and status:
            raise not_found(kind.what, name)
        if old is None:
            self._require_namespace(kind, namespace)
        self._judge(kind, given)
        new = managers.applied(
            copy.deepcopy(old), given, node, how["manager"], force=how.get("force", False), status=status
        )
        return self._store_it(kind, new, old, dry_run=how.get("dry_run", False), status=status)

    def replace(self, kind: Served, namespace: str, name: str, body: Body, **how: Any) -> Body:
        """Puts the object in the other's place. RefusalError 409 where it has changed since it was read."""
        old = self._existing(kind, namespace, name)
        asked = body["metadata"].get("resourceVersion")
        if asked and asked != old["metadata"]["resourceVersion"]:
            raise conflict(kind.what, name, "the object has been modified")
        given, status = self._addressed(kind, namespace, body), bool(how.get("status"))
        new = {**copy.deepcopy(old), "status": given.get("status")} if status else {
            **given, **({"status": old["status"]} if "status" in old else {})
        }  # fmt: skip
        managers.took(new, old, how["manager"], self._schemas.node(kind.spec), status=status)
        return self._store_it(kind, new, old, dry_run=how.get("dry_run", False), status=status)

    def patch(self, kind: Served, namespace: str, name: str, change: Callable[[Body], Body], **how: Any) -> Body:
        """The object with a patch on it."""
        old = self._existing(kind, namespace, name)
        new = change(copy.deepcopy(old))
        new["metadata"].pop("resourceVersion", None)
        return self.replace(kind, namespace, name, new, **how)

    def delete(self, kind: Served, namespace: str, name: str, *, dry_run: bool = False) -> Body:
        """Marks it, and takes it away as soon as no finalizer holds it."""
        body = self._existing(kind, namespace, name)
        if not dry_run:
            self.mark(kind.key(namespace, name))
        return body

    def mark(self, key: str) -> None:
        """The object is to go."""
        body = self._objects.get(key)
        if body is None:
            return
        if "deletionTimestamp" not in body["metadata"]:
            body["metadata"] |= {"deletionTimestamp": self.time(), "deletionGracePeriodSeconds": 0}
        if body["metadata"].get("finalizers"):
            self.write(key, body)
            self.on_change(key, body)
        elif key.startswith(("|Namespace|", f"{DEFINITION_GROUP}|")):
            self.write_marked(key, body)
        else:
            self.drop(key)

    def write_marked(self, key: str, body: Body) -> None:
        """Its contents go first: a controller takes it away when they are gone."""
        self._commit(key, body, "MODIFIED")
        self.on_change(key, body)

    def write(self, key: str, body: Body) -> None:
        """Stores what a controller did, unjudged."""
        self._commit(key, body, "MODIFIED")

    def add(self, key: str, body: Body) -> None:
        """Stores what a controller made."""
        self._complete(body)
        self._commit(key, body, "ADDED")
        self.on_change(key, body)

    def drop(self, key: str) -> None:
        """It is gone, and with it what it owned."""
        body = self._objects.pop(key, None)
        if body is None:
            return
        self._store.drop(key)
        self._tell("DELETED", key, body)
        uid = body["metadata"]["uid"]
        for other, dependent in self.all():
            if any(owner.get("uid") == uid for owner in dependent["metadata"].get("ownerReferences") or ()):
                self.mark(other)
        self.on_drop(key, body)

    def now(self) -> datetime:
        return BEGIN + timedelta(minutes=self._now_min())

    def time(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def close(self) -> None:
        self._store.close()

    def _existing(self, kind: Served, namespace: str, name: str) -> Body:
        body = self._objects.get(kind.key(namespace, name))
        if body is None:
            raise not_found(kind.what, name)
        return body

    def _addressed(self, kind: Served, namespace: str, body: Body) -> Body:
        if body.get("kind") != kind.kind or body.get("apiVersion") != kind.api_version:
            raise RefusalError(400, "BadRequest", f"the object is no {kind.api_version} {kind.kind}")
        new = copy.deepcopy(body)
        meta = new.setdefault("metadata", {})
        if kind.kind == "Secret" and not kind.group:
            texts = new.pop("stringData", None) or {}
            coded = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
            new |= {"data": {**(new.get("data") or {}), **coded}} if coded else {}
        if kind.namespaced:
            meta["namespace"] = namespace
        else:
            meta.pop("namespace", None)
        return new

    def _require_namespace(self, kind: Served, namespace: str) -> None:
        if not kind.namespaced:
            return
        space = self._objects.get(f"|Namespace||{namespace}")
        if space is None:
            raise not_found("namespaces", namespace)
        if "deletionTimestamp" in space["metadata"]:
            text = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise RefusalError(403, "Forbidden", text)

    def _expands(self, storage_class: str) -> bool:
        return bool((self.at(f"storage.k8s.io|StorageClass||{storage_class}") or {}).get("allowVolumeExpansion"))

    def _store_it(self, kind: Served, new: Body, old: Body | None, *, dry_run: bool, status: bool = False) -> Body:
        key = kind.key(new["metadata"].get("namespace", ""), new["metadata"]["name"])
        if old is not None:
            new["metadata"] |= {name: old["metadata"][name] for name in SERVER_KEPT if name in old["metadata"]}
        if not status:
            self._judge(kind, new)
            require_unchanged(kind, old, new, self._expands)
            self.admit(kind, new, None if old is None else copy.deepcopy(old))
        self._complete(new)
        if old is not None:
            new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
            if new == old:
                return copy.deepcopy(old)
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
        if dry_run:
            return new
        self._commit(key, new, "MODIFIED" if old else "ADDED")
        if "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers"):
            self.mark(key)
        else:
            self.on_change(key, self._objects[key])
        return copy.deepcopy(self._objects.get(key, new))

    def _judge(self, kind: Served, body: Body) -> None:
        self.judged["kubernetes-validate" if isinstance(kind.spec, CoreKind) else "CRD schemas"] += 1
        if problems := self._schemas.problems(body, kind.spec):
            raise invalid(kind.shown, body["metadata"].get("name", ""), problems)

    def _complete(self, body: Body) -> None:
        meta = body["metadata"]
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", self.time())
        meta.setdefault("generation", 1)

    def _commit(self, key: str, body: Body, event: str) -> None:
        body["metadata"]["resourceVersion"] = str(self._store.next_number("resourceVersion"))
        self._objects[key] = body
        self._store.put(key, body)
        self._tell(event, key, body)

    def _tell(self, event: str, key: str, body: Body) -> None:
        with self.changed:
            self.events.append((len(self.events), event, key, copy.deepcopy(body)))
            self.changed.notify_all()


def labels_of(body: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = body["metadata"].get("labels") or {}
    return found
