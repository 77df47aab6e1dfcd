"""Simulated cloud beside a rehearsal: started before the engine, followed while it works, judged at its end."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from engine.cli import Engine
from engine.process import Run
from engine.provider.server import serving
from engine.state import StackState
from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.authority import Authority, PublicAuthority
from rehearsal.cloud.leftovers import Leftover, kept_in_words, leftovers
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.rules import Rules, named_in
from rehearsal.cloud.servicer import SimulatedProvider
from rehearsal.cloud.standing import otherwise, unmet
from rehearsal.faults import Drift, FaultScript, LoadBalancer
from rehearsal.field.deployed import BuiltResource, StoredImage, Surroundings
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.places.kubernetes import drifted, simulated_kubernetes
from rehearsal.places.place import AccountReport, RehearsalError
from rehearsal.recovery import recover
from rehearsal.stack_file import config_in

PENSTOCK = Path(__file__).parents[2]


class Membership:
    """Keeps the Kubernetes as the account has it: absent or present, with the nodes of its groups."""

    def __init__(self, account: Account, kubernetes: SimulatedKubernetes) -> None:
        self._account, self._kubernetes, self._lock = account, kubernetes, threading.Lock()
        kubernetes.play(account.rules.controllers(account))

    def note(self, thing: Object) -> None:
        """Renews the nodes where the object changes them."""
        if thing.token in self._account.rules.node_tokens:
            self.renew()

    def renew(self) -> None:
        """Gives the Kubernetes the nodes that the account's groups have. Of a failed group, it keeps what it had."""
        with self._lock:
            rules = self._account.rules
            clusters = [thing for thing in self._account.objects() if thing.token == rules.cluster_token]
            endpoints = [rules.endpoint(thing) for thing in clusters if thing.status is Status.ACTIVE]
            if not endpoints:
                self._kubernetes.vanish()
                return
            self._kubernetes.appear(endpoints)
            for cluster in clusters:
                self._kubernetes.bring(rules.brought(cluster))
            groups = tuple(rules.nodes(self._account))
            for one in groups:
                if one.count is not None:
                    self._kubernetes.add_nodes(
                        one.group, one.count, one.labels, one.taints, one.allocatable, one.modules
                    )
            for pool in self._kubernetes.pools() - {one.group for one in groups}:
                self._kubernetes.remove_nodes(pool)


class Simulation:
    """Simulated cloud of one rehearsal, and the Kubernetes in it. `env` leads the engine there."""

    def __init__(
        self, cloud: SimulatedCloud, kubernetes: SimulatedKubernetes, faults: FaultScript, env: Mapping[str, str]
    ) -> None:
        self.cloud = cloud
        self.kubernetes = kubernetes
        self.env = env
        self._faults = faults
        self._reported = [0, 0]
        self._drifted: list[str] = []
        self._met: list[Drift | LoadBalancer] = []
        self._retained: set[str] = set()

    @property
    def now_min(self) -> float:
        """Minutes of the simulated cloud."""
        return self.cloud.clock.now_min

    def recover(self, engine: Engine, stack: str, state: StackState) -> tuple[str, ...]:
        """Goes on after an engine that was killed: see rehearsal.recovery."""
        self.cloud.clock.idle()
        return recover(engine, stack, state, self.cloud.account, self.kubernetes)

    def follow(self, run: Run) -> None:
        """A fault that kills the engine kills this one."""
        self.cloud.injector.kill_engine = self.kubernetes.injector.kill_engine = run.kill

    def note_retained(self, state: StackState) -> None:
        """Remembers what a destroy will leave on purpose."""
        self._retained |= {resource.id for resource in state.resources if resource.retained and resource.id}

    def after(self, phase: str, state: StackState) -> tuple[str, ...]:
        """Lets others do to the account what the script has after the phase."""
        for drift in self._faults.drift:
            if drift.after == phase:
                done = [self._change(thing, drift) for thing in self._named(drift)] + drifted(self.kubernetes, drift)
                self._drifted += [f"{what} after {phase}" for what in done]
                self._met += [drift] if done else []
        for balancer in self._faults.load_balancers:
            clusters = self._clusters(balancer) if balancer.after == phase else []
            for cluster in clusters:
                self.cloud.make_load_balancer(cluster)
            self._met += [balancer] if clusters else []
        if touched := self.cloud.oracle.touched():
            raise RehearsalError(f"the stack has touched what is not its own: {'; '.join(touched)}")
        return ()

    def injected(self, phase: str) -> tuple[str, ...]:
        """The faults since this was last asked; drift counts where the engine can see it."""
        clouds, cluster = self.cloud.injector.injected, self.kubernetes.injector.injected
        new = [*clouds[self._reported[0] :], *cluster[self._reported[1] :]]
        self._reported = [len(clouds), len(cluster)]
        if phase == "refresh":
            new, self._drifted = [*new, *self._drifted], []
        return tuple(new)

    def leftovers(self) -> tuple[Leftover, ...]:
        """The objects in the account, dearest first."""
        self.cloud.clock.idle()
        self.cloud.look_for_load_balancers()
        return tuple(sorted(leftovers(self.cloud.account, self._retained), key=lambda one: -(one.usd_per_hour or 0)))

    def surroundings(self) -> Surroundings:
        """Nodes are none of it: resources of the stack describe them all."""
        existing = (
            BuiltResource(
                token=one.token, name=one.id, id=one.id, inputs=one.inputs, outputs={**one.inputs, **one.outputs}
            )
            for one in self.cloud.standing
        )
        images = (
            StoredImage(name=name, tag=tag, digest=digest, architectures=built)
            for name, tag, digest, built in self.cloud.rules.stored_images(self.cloud.account.store)
        )
        return Surroundings(existing=tuple(existing), images=tuple(images), resized=self.resized())

    def resized(self) -> Mapping[str, Mapping[str, Any]]:
        return {f"{one.token} {one.called}": one.inputs for one in self.cloud.account.objects() if one.resized}

    def push_images(self, stack_file: Path) -> tuple[str, ...]:
        """By penstock's own command, with the simulated cloud's container engine. What it writes down goes into the
        copy of the stack file.
        """
        if not self.cloud.rules.keeps_images:
            return ()
        # Beside the engine's folder, which is a project of another program.
        copy = stack_file.parents[1] / "images" / stack_file.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(stack_file.read_bytes())
        command = [sys.executable, "-m", "penstock", "images", "push", str(copy)]
        env = {**os.environ, **self.env}
        done = subprocess.run(command, env=env, cwd=PENSTOCK, capture_output=True, text=True, check=False)
        if done.returncode:
            return tuple(f"images: {line}" for line in done.stderr.splitlines())
        stack_file.write_bytes(copy.read_bytes())
        return ()

    def report(self) -> AccountReport:
        counts: dict[str, int] = {}
        for (service, operation, _), count in sorted(self.cloud.requests.counts.items()):
            counts[f"{service}:{operation}"] = counts.get(f"{service}:{operation}", 0) + count
        left = self.leftovers()
        return AccountReport(
            requests_by_oracle={
                **self.cloud.requests.by_judge(self.cloud.oracle.names),
                **self.kubernetes.objects.judged,
            },
            requests_by_operation=counts,
            uncovered=tuple(sorted(self.cloud.uncovered)),
            unused_faults=(
                *self.cloud.injector.unused_faults(), *self.kubernetes.injector.unused_faults(), *self._unmet()
            ),
            left=(*(str(one) for one in left if not one.on_purpose), *self.kubernetes.leftovers()),
            kept_on_purpose=kept_in_words(left),
        )  # fmt: skip

    def _unmet(self) -> Iterator[str]:
        """Work of others that found nothing to work on, or whose phase did not come."""
        for drift in self._faults.drift:
            if drift not in self._met:
                what = "deleted" if drift.delete else f"{', '.join(drift.set or {})} changed"
                of = "" if drift.type == "*" else f" ({drift.type})"
                yield f"{drift.resource}{of} {what} by somebody else after {drift.after}"
        for balancer in self._faults.load_balancers:
            if balancer not in self._met:
                yield f"load balancer in the cluster {balancer.cluster} after {balancer.after}"
        yield from unmet(self.cloud.standing, self._faults.existing)

    def _clusters(self, balancer: LoadBalancer) -> list[Object]:
        token = self.cloud.rules.cluster_token
        found = [thing for thing in self.cloud.account.objects() if thing.token == token]
        return [thing for thing in found if fnmatchcase(thing.id, balancer.cluster)]

    def _named(self, drift: Drift) -> list[Object]:
        return [
            thing
            for thing in self.cloud.account.objects()
            if fnmatchcase(thing.called, drift.resource) and fnmatchcase(thing.token, drift.type)
        ]

    def _change(self, thing: Object, drift: Drift) -> str:
        if drift.delete:
            self.cloud.delete_from_outside(thing)
            return f"{thing.called} deleted by somebody else"
        self.cloud.change_from_outside(thing, drift.set or {})
        return f"{', '.join(drift.set or {})} of {thing.called} changed by somebody else"


@contextmanager
def simulated(
    rules: Rules, stack_file: Path, home: Path, faults: FaultScript | None, *, preview: bool
) -> Iterator[Simulation]:
    """The simulation for a stack on the cloud of these rules. What it knows outlives the process in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    existing = named_in(rules, re.split(r"[\s\"'\[\]{},]+", stack_file.read_text()))
    standing = tuple(otherwise(rules.standing(config_in(stack_file)), faults.existing if faults else ()))
    cloud = SimulatedCloud(rules, home / "account.sqlite", faults=faults, existing=existing, standing=standing)
    with ExitStack() as stack:
        stack.callback(cloud.close)
        port = stack.enter_context(serving(SimulatedProvider(cloud, crash_log=home / "simulated-cloud-errors.log")))
        stack.callback(cloud.clock.idle)
        store, names = cloud.account.store, rules.public_names
        authority = PublicAuthority(store, names) if names else Authority(store)
        kubernetes, kubernetes_port = stack.enter_context(simulated_kubernetes(home, cloud.clock, faults, authority))
        env = stack.enter_context(rules.environment(home, config_in(stack_file), cloud, preview=preview))
        cloud.oracle.warm(preview=preview)  # in threads: not while the API's server imports the same modules
        kubernetes.tokens.given_out(given := home / "tokens", rules.token_life_min)
        env = {**env, **rules.container_programs(home), **rules.credentials(home, given), **kubernetes.env}
        if isinstance(authority, PublicAuthority):
            env |= authority.trusted(home)
        env["PULUMI_DEBUG_PROVIDERS"] = f"{rules.package}:{port},kubernetes:{kubernetes_port}"
        cluster = Membership(cloud.account, kubernetes)
        cloud.changed = cluster.note
        cluster.renew()
        yield Simulation(cloud, kubernetes, faults or FaultScript(), env)
