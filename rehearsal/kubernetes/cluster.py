"""The simulated Kubernetes of one stack: its objects, controllers, nodes and faults, and the address it has."""

from __future__ import annotations

import os
import secrets
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.kubernetes.kubeconfig import Access
from components.loopback import exempt_loopback
from rehearsal.cloud.authority import Authority
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.store import Store
from rehearsal.faults import FaultScript
from rehearsal.kubernetes import nodes
from rehearsal.kubernetes.admission import Admission
from rehearsal.kubernetes.api import Api, Server
from rehearsal.kubernetes.controllers import Controllers, Settle
from rehearsal.kubernetes.fault_injection import KubernetesFaultInjector
from rehearsal.kubernetes.kinds import DEFINITION, DEFINITION_GROUP, FROM_DATA
from rehearsal.kubernetes.objects import Body, Objects
from rehearsal.kubernetes.schemas import Schemas
from rehearsal.kubernetes.tokens import Tokens

VERSION = "1.36"
BROUGHT = "penstock.dev/brought"  # annotation of a definition that the cloud itself has put there
FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
# What the cluster makes by itself, so that no stack leaves it behind.
OWN_KINDS = frozenset({"Namespace", "Node", "EndpointSlice", "Event", "Lease"})
OWN_NAMES = frozenset({"ConfigMap kube-root-ca.crt", "ServiceAccount default", "Service kubernetes"})
POLL_MIN = 5 / 60  # how long a client of another process is taken to wait before it asks again
# How long it waits at most for something to happen, and how often it looks meanwhile.
LONGEST_MIN, MOST_LOOKS = 10.0, 24


class SimulatedKubernetes:
    """The cluster. `home` keeps it for another process; `clock` may be shared with a simulated cloud.

    Until `reachable` is set, nothing answers: as before a cloud has made the cluster, or after it is gone.
    """

    def __init__(
        self, home: Path | None = None, *, clock: Clock | None = None, faults: FaultScript | None = None,
        authority: Authority | None = None, version: str = VERSION,
    ) -> None:  # fmt: skip
        store = Store(home / "kubernetes.sqlite" if home else None)
        self.clock = clock or Clock(now_min=store.fact("now_min", 0.0))
        self.injector = KubernetesFaultInjector(faults or FaultScript(), self.clock)
        self.objects = Objects(store, Schemas(version), now_min=lambda: self.clock.now_min)
        self._store, self._lock, self._seen = store, threading.Lock(), dict[str, tuple[int, int]]()
        self._admission = Admission(self.objects, silent=self.injector.silent)
        self._controllers = Controllers(self.objects, now_min=lambda: self.clock.now_min)
        self._own_token, self._token = secrets.token_hex(16), secrets.token_hex(16)
        self.tokens = Tokens(self._own_token, self._token, now_min=lambda: self.clock.now_min)
        self._api = Api(self.objects, version=version, before=self._before, takes=self.tokens.takes)
        self._authority, self._hosts = authority or Authority(store), frozenset[str]()
        self._server = Server(self._api, self._tls)
        self.objects.admit, self.objects.on_change = self._admission.admit, self._changed
        self.objects.on_drop = self._controllers.gone
        self._begin()

    @property
    def access(self) -> Access:
        """For the provider, which waits in simulated time."""
        return Access(server=self._server.url, token=self._own_token)

    @property
    def outside_access(self) -> Access:
        """For a program of another process: who asks twice for the same has waited a while."""
        return Access(server=self._server.url, token=self._token)

    @property
    def env(self) -> Mapping[str, str]:
        """Environment of a client that is to find the cluster at its endpoints, and nothing beyond this machine."""
        proxy = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self._server.url)
        # What the user exempts from a proxy, such as .amazonaws.com, would be looked for beyond this machine.
        inherited = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
        return proxy | exempt_loopback({**inherited, **proxy})

    @property
    def reachable(self) -> bool:
        return self._api.reachable

    @reachable.setter
    def reachable(self, value: bool) -> None:
        self._api.reachable = value

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The server answers while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def add_nodes(
        self, pool: str, count: int, labels: Mapping[str, str], taints: Sequence[Mapping[str, str]],
        allocatable: Mapping[str, Any], modules: Sequence[str] = (),
    ) -> tuple[str, ...]:  # fmt: skip
        """Names of the pool's nodes, which are `count` from now on: more come, or the last go.

        One that joined as another machine, by its labels, taints or size, is replaced.
        """
        with self.objects.lock:
            wanted = {f"|Node||{pool}-{number}": f"{pool}-{number}" for number in range(count)}
            bodies = {key: nodes.node(name, pool, labels, taints, allocatable, modules) for key, name in wanted.items()}
            there = {key: nodes.machine_of(body) for key, body in self._nodes(pool)}
            same = {key for key, body in bodies.items() if there.get(key) == nodes.machine_of(body)}
            for key in there.keys() - same:
                self.objects.drop(key)
            for key in (one for one in bodies if one not in same):
                self.objects.add(key, self.injector.nodes.join(bodies[key]))
        return tuple(wanted.values())

    def pools(self) -> frozenset[str]:
        """Those that have nodes."""
        return frozenset(_pool(body) for key, body in self.objects.all() if key.startswith("|Node|"))

    def remove_nodes(self, pool: str) -> None:
        """The pool is gone."""
        self.add_nodes(pool, 0, {}, (), {})

    def appear(self, endpoints: Iterable[str] = ()) -> None:
        """The cloud has made the cluster: it answers, at these addresses too for who comes by way of the proxy."""
        self._hosts = frozenset(urlsplit(one).hostname or "" for one in endpoints)
        self._begin()
        self.reachable = True

    def bring(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        """The cloud has put these definitions there, and keeps them."""
        with self.objects.lock:
            for one in definitions:
                key = f"{DEFINITION_GROUP}|{DEFINITION}||{one['metadata']['name']}"
                if self.objects.at(key) is None:
                    metadata = {**one["metadata"], "annotations": {BROUGHT: "true"}}
                    self.objects.add(key, {**one, "metadata": metadata})

    def play(self, controllers: Mapping[str, tuple[float, Settle]]) -> None:
        """Lets controllers of the cloud's own work in it."""
        self._controllers.add(controllers)

    def delete_from_outside(self, key: str) -> None:
        """Somebody else deletes the object."""
        with self.objects.lock:
            self.objects.mark(key)

    def change_from_outside(self, key: str, values: Mapping[str, Any]) -> None:
        """Somebody else gives the object these values, by dotted path."""
        with self.objects.lock:
            body = self.objects.at(key)
            for path, value in values.items() if body else ():
                *heads, last = path.split(".")
                place = body
                for head in heads:
                    place = place.setdefault(head, {}) if place is not None else None
                if place is not None:
                    place[last] = value
            if body:
                self.objects.write(key, body)

    def vanish(self) -> None:
        """The cloud has deleted the cluster: nothing answers any more, and nothing is left of what was in it."""
        self.reachable = False
        with self.objects.lock:
            for key, _ in self.objects.all():
                self.objects.drop(key)

    def find(self, token_kind: tuple[str, str], namespace: str, name: str) -> str:
        """The id of the object of that apiVersion and kind, "" where there is none."""
        group = token_kind[0].partition("/")[0] if "/" in token_kind[0] else ""
        for space in (namespace, ""):
            if self.objects.at(f"{group}|{token_kind[1]}|{space}|{name}"):
                return f"{space}/{name}" if space else name
        return ""

    def settle(self) -> None:
        """Lets the controllers do what is due."""
        with self.objects.lock:
            for key, body in self.objects.all():
                if "deletionTimestamp" in body["metadata"]:
                    self._admission.release(key, body)
            self._controllers.run()
            self.injector.nodes.follow(self.objects, self.clock.now_min)

    def leftovers(self) -> tuple[str, ...]:
        """Objects in the cluster that it did not make itself, `Deployment ml/trainer`."""
        with self.objects.lock:
            self.settle()
            return tuple(_called(key) for key, body in self.objects.all() if not _is_own(key, body))

    def close(self) -> None:
        """Writes down what time it is. The file stays."""
        self._store.set_fact("now_min", self.clock.now_min)
        self.objects.close()

    def _begin(self) -> None:
        for name in FIRST_NAMESPACES:
            if self.objects.at(f"|Namespace||{name}") is None:
                body: Body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {}}
                self.objects.add(f"|Namespace||{name}", body)

    def _changed(self, key: str, body: Body) -> None:
        self._admission.release(key, body)
        self._controllers.note(key, body)

    def _before(self, verb: str, kind: str, name: str, token: str) -> None:
        if token == self._own_token:  # the provider has said already that it is at work
            self.injector.before(verb, kind, name)
        else:
            with self.clock.working():
                self.injector.before(verb, kind, name)
                if verb == "Read":
                    self._wait_for_outsider(f"{kind} {name}")
        self.settle()

    def _tls(self, host: str) -> ssl.SSLContext | None:
        return self._authority.context_for(host) if self.reachable and host in self._hosts else None

    def _wait_for_outsider(self, what: str) -> None:
        """Delays a repeated question until something has happened, or until an ever longer time has gone by."""
        with self._lock:
            events, times = self._seen.get(what, (-1, 0))
            times = times + 1 if events == len(self.objects.events) else 0
        longest_min = min(POLL_MIN * 2 ** (times - 1), LONGEST_MIN) if times else 0.0
        end_min = self.clock.now_min + longest_min
        while self.clock.now_min < end_min:
            self.clock.wait(max(POLL_MIN, longest_min / MOST_LOOKS))
            self.settle()
            if len(self.objects.events) != events:
                times = 0
                break
        with self._lock:
            self._seen[what] = len(self.objects.events), times

    def _nodes(self, pool: str) -> list[tuple[str, Body]]:
        rows = self.objects.all()
        return [(key, body) for key, body in rows if key.startswith("|Node|") and _pool(body) == pool]


def _pool(body: Body) -> str:
    return str((body["metadata"].get("annotations") or {}).get(nodes.MACHINES, ""))


def _is_own(key: str, body: Body) -> bool:
    _, kind, _, name = key.split("|")
    if kind == "Namespace":
        return name in FIRST_NAMESPACES
    if {FROM_DATA, BROUGHT} & set(body["metadata"].get("annotations") or {}):
        return True  # helm leaves the definitions of a chart's crds folder behind
    bound = kind == "PersistentVolume" and name.startswith("pvc-") and "deletionTimestamp" in body["metadata"]
    return kind in OWN_KINDS or bound or f"{kind} {name}" in OWN_NAMES


def _called(key: str) -> str:
    _, kind, space, name = key.split("|")
    return f"{kind} {space}/{name}" if space else f"{kind} {name}"
