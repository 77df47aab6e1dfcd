"""A gate from beginning to end: nodes, devices, volume, fabric, and what follows from what was found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from components.errors import PenstockError
from components.kubernetes.api import KubernetesApi
from plugin.calls import Call, Properties
from plugin.kubernetes.cluster import Patience
from plugin.kubernetes.gate import evidence
from plugin.kubernetes.gate.fabric import PAIR, fabric
from plugin.kubernetes.gate.pods import clear
from plugin.kubernetes.gate.probe import probe
from plugin.kubernetes.gate.quarantine import keep_out, let_in, quarantined
from plugin.kubernetes.gate.shutting import open_all, shut
from plugin.kubernetes.gate.sizes import due, made_since, recounted, relimited, unchanged
from plugin.kubernetes.gate.verdict import Check, CheckState, GateState, Subject, check_devices, conclude, judge
from plugin.kubernetes.gate.waiting import NodesOf, wait_for_nodes
from providers.registry import operations

PROBE_S = 600.0
FABRIC_S = 1200.0
"""More than the check's own deadline (components/kubernetes/gate.py): it should end by itself, with a reason."""
CLEAR_S = 120.0
TURN_S = 600.0
"""Seconds that a pool's own machines have before another pool is asked to stand in: they need minutes to start and to
join, and where there are none the first tries have failed by then."""
ROUNDS = 2
"""Times that a pool's fabric is looked at: again without the nodes that the first time named."""

Pool = Mapping[str, Any]


def run(call: Call, api: KubernetesApi, inputs: Properties, before: Properties | None = None) -> dict[str, Any]:
    """The gate's outputs. Its checks are taken away again, also when the engine interrupts it.

    `before` are the inputs of the last look: a pool whose number of nodes, limits or machines have changed since then
    is set to them once, as the engine makes its group without nodes and leaves its size alone. A pool that passed then
    and is asked for as it was is not looked at again, as work runs there.
    """
    made = made_since(before, inputs)
    last = _Last.of(evidence.load(api, inputs["name"]) or {}).without(made if before else ())
    sized, limited = {*last.emptied, *recounted(before, inputs), *made}, relimited(before, inputs)
    settled = (unchanged(before, inputs) & last.passed) - sized - limited
    looked = [due(one, inputs, last.whole - sized) for one in inputs["pools"] if one["pool"] not in settled]
    gate = _Gate(call, api, inputs, pools=looked, whole=last.whole)
    clear(api, Patience(call, api, CLEAR_S))
    gate.resize(sized)
    gate.limit(limited - sized)
    try:
        checks = [*(check for check in last.checks if check.pool in settled), *gate.checks()]
    finally:
        _clear_anyhow(call, api)
    expected = dict.fromkeys(settled, 0) | {pool["pool"]: pool["nodes"] for pool in looked}
    verdict = conclude(expected, checks, last.opened)
    if undone := shut(api, inputs["pools"], verdict.shut.keys() - verdict.open, verdict.open):
        call.voice.warn(undone)
    for pool, reason in verdict.shut.items():
        call.voice.warn(_warning(pool, reason, still_open=pool in verdict.open))
    outputs = {
        "state": verdict.state.value,
        "reason": "; ".join([verdict.reason, *gate.told]),
        "shut": dict(verdict.shut),
        "quarantined": quarantined(api),
        "emptied": gate.emptied,
        "checks": [check.as_json() for check in checks],
    }
    kept = {"whole": sorted(gate.whole), "open": sorted(verdict.open)}
    evidence.save(api, inputs["name"], outputs | kept)
    return outputs


def take_back(call: Call, api: KubernetesApi, name: str) -> None:
    """The cluster as if no gate had been there."""
    clear(api, Patience(call, api, CLEAR_S))
    open_all(api)
    for node in quarantined(api):
        let_in(api, node)
        call.voice.say(f"{node} is let in again: nobody looks after it any more")
    evidence.remove(api, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Last:
    """Findings of the last look."""

    checks: tuple[Check, ...]
    emptied: frozenset[str]
    """Pools that were set to no nodes."""
    whole: frozenset[str]
    """Pools that have once had all of their nodes."""
    opened: frozenset[str]
    """Pools on which work could start."""
    passed: frozenset[str]
    """Those of which every check passed."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Of findings as they are kept. Earlier versions opened all pools or none, and did not keep which."""
        checks = tuple(map(Check.from_json, found.get("checks", ())))
        seen = {check.pool for check in checks}
        all_opened = seen if found.get("state") in (GateState.PASS, GateState.UNKNOWN) else set()
        opened = frozenset(found.get("open", all_opened))
        return cls(
            checks=checks,
            emptied=frozenset(found.get("emptied", ())),
            whole=frozenset({*found.get("whole", ()), *all_opened}),
            opened=opened,
            passed=frozenset(pool for pool in opened & seen if judge(pool, 0, checks).state is CheckState.PASS),
        )

    def without(self, pools: Collection[str]) -> Self:
        """The findings without what they know of pools that have other machines now."""
        return replace(self, whole=self.whole - set(pools), opened=self.opened - set(pools))


def _warning(pool: str, reason: str, *, still_open: bool) -> str:
    if still_open:
        return f"{pool} is not as it must be: {reason}; work there goes on and is not waited for; `up` looks again"
    return (
        f"{pool} is shut: {reason}; its work is not waited for, and starts once `up` has found the pool whole; "
        "the same command looks again"
    )


def _clear_anyhow(call: Call, api: KubernetesApi) -> None:
    """Also when the engine wants everything to end: asked for once, and not waited for."""
    if not call.cancelled.is_set():
        clear(api, Patience(call, api, CLEAR_S))
        return
    clear(api, Patience(call, api, 0.0))


class _Gate:
    """One look at all pools."""

    def __init__(
        self, call: Call, api: KubernetesApi, inputs: Properties, *,
        pools: Sequence[Pool] | None = None, whole: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self._call, self._api, self._inputs = call, api, inputs
        self.pools: Sequence[Pool] = inputs["pools"] if pools is None else pools
        """Expectations, each of the nodes that its pool must have now."""
        self.whole = set(whole)
        """Pools that have once had all of their nodes: work may run there."""
        self.told: list[str] = []
        """Actions that were taken on the findings."""
        self.emptied: list[str] = []
        """Pools that were set to no nodes."""

    def checks(self) -> list[Check]:
        """All of them, in the order in which they were made."""
        nodes = self._wait()
        found = [check for pool in self.pools for check in self._nodes(pool, nodes[pool["pool"]])]
        self._keep_out(found)
        lacking = {check.pool for check in found if check.state is CheckState.FAIL and not check.node}
        there = [pool for pool in self.pools if pool["pool"] not in lacking]
        found += self._volume(there, found)
        for pool in there:
            found += self._fabric(pool, found)
        return found

    def _wait(self) -> Mapping[str, NodesOf]:
        """The nodes, once all are there or time is over. Before that, pools that stand in get what others lack."""
        timeout_s = self._inputs["timeoutS"]
        patience = self._patience(timeout_s)
        scalers = self._inputs.get("scalers") or {}
        turning = [pool for pool in self.pools if _stands_in(scalers, pool["pool"]) and pool["nodes"]]
        if turning:
            first_s = min(TURN_S, timeout_s / 2)
            nodes = wait_for_nodes(self._call, self._api, self.pools, self._patience(first_s))
            for pool in turning:
                if (missing := pool["nodes"] - len(nodes[pool["pool"]].there)) > 0:
                    self._turn(scalers, pool["pool"], missing, first_s)
        return wait_for_nodes(self._call, self._api, self.pools, patience)

    def _turn(self, scalers: Mapping[str, Any], pool: str, missing: int, waited_s: float) -> None:
        """Asks for the missing nodes in the pool that stands in."""
        scaler, other = scalers[pool], _stands_in(scalers, pool)
        size = operations(scaler["cloud"]).turn_to(scaler, scalers[other], missing)
        told = f"{pool} lacked {missing} nodes after {waited_s:.0f} s, so {other} stands in and is set to {size} nodes"
        self._call.voice.say(told)
        self.told.append(told)

    def _nodes(self, pool: Pool, nodes: NodesOf) -> list[Check]:
        """Checks the number of nodes, and the devices that each offers."""
        missing = pool["nodes"] - len(nodes.there)
        checks = [check_devices(pool["pool"], name, pool["devices"], has) for name, has in nodes.there.items()]
        if missing <= 0:
            self.whole.add(pool["pool"])
            return checks
        reason = (
            f"{len(nodes.there)} of {pool['nodes']} nodes are Ready after {self._inputs['timeoutS']} s{nodes.others}"
        )
        scaler = self._scaler(pool)
        reason += _why(scaler)
        if scaler and not scaler.get("prepaid") and pool["pool"] not in self.whole:
            self._empty(pool["pool"], scaler)
        return [Check(subject=Subject.NODES, pool=pool["pool"], state=CheckState.FAIL, reason=reason), *checks]

    def _empty(self, pool: str, scaler: Mapping[str, str]) -> None:
        """Sets the pool, and what stands in for it, to no nodes."""
        scalers = self._inputs["scalers"]
        self.emptied.append(pool)
        # Before it happens: a gate that ends between the two must not forget that the pool is owed its nodes.
        evidence.note_emptied(self._api, self._inputs["name"], self.emptied)
        for one in filter(None, (scaler, scalers.get(_stands_in(scalers, pool)))):
            operations(one["cloud"]).scale_to_zero(one)
        self.told.append(f"{pool} was set to no nodes, so that a part of a gang is not paid for")

    def resize(self, pools: Collection[str]) -> None:
        """Sets pools that an earlier look emptied, or whose number of nodes has changed, to their size."""
        for pool in self._inputs["pools"]:
            scaler = self._scaler(pool)
            if scaler and pool["pool"] in pools:
                size = operations(scaler["cloud"]).restore(scaler, pool["nodes"])
                self._call.voice.say(f"{pool['pool']} is set to {size} nodes")

    def limit(self, pools: Collection[str]) -> None:
        """Sets the least and the most of pools, and leaves their size alone where it lies within."""
        for pool in self._inputs["pools"]:
            scaler = self._scaler(pool)
            if scaler and pool["pool"] in pools:
                operations(scaler["cloud"]).limit(scaler)
                self._call.voice.say(f"{pool['pool']} may have {scaler['least']} to {scaler['most']} nodes")

    def _scaler(self, pool: Pool) -> Mapping[str, str] | None:
        """The pool's scaler; None where nothing sets its size."""
        found: Mapping[str, str] | None = (self._inputs.get("scalers") or {}).get(pool["pool"])
        return found

    def _volume(self, pools: Sequence[Pool], found: Sequence[Check]) -> list[Check]:
        manifest = self._inputs.get("probe")
        if manifest is None:
            return []
        asked = [(pool["pool"], name) for pool in pools for name in good(found, pool["pool"])]
        # Two pools may have one label, as spot nodes and those that stand in for them: a node is probed once, for both.
        nodes = [(pool, name) for name, pool in reversed({name: pool for pool, name in reversed(asked)}.items())]
        self._call.voice.live(f"writes to the volume on {len(nodes)} nodes")
        manifests = {pool["pool"]: pool.get("probe") or manifest for pool in pools}
        probed = {check.node: check for check in probe(self._api, manifests, nodes, self._patience(PROBE_S))}
        checks = [replace(probed[name], pool=pool) for pool, name in asked]
        self._keep_out(checks)
        return checks

    def _fabric(self, pool: Pool, found: Sequence[Check]) -> list[Check]:
        """Checks the fabric. Where a node was named, the others are looked at again, if there are enough of them."""
        if pool["check"] is None or pool["nodes"] < PAIR:
            return []
        checks: list[Check] = []
        for _ in range(ROUNDS):
            nodes = good([*found, *checks], pool["pool"])
            if len(nodes) < pool["nodes"]:
                break
            self._call.voice.live(f"measures the fabric of {pool['pool']} over {pool['nodes']} nodes")
            last = fabric(self._api, pool, nodes, self._patience(FABRIC_S))
            clear(self._api, self._patience(CLEAR_S))
            checks += last
            if not self._keep_out(last):
                break
        return checks

    def _keep_out(self, checks: Sequence[Check]) -> bool:
        """True if a node is kept out for one of these checks."""
        bad = {check.node: check for check in checks if check.node and check.state is CheckState.FAIL}
        for name, check in bad.items():
            keep_out(self._api, name, check.subject.value)
            self._call.voice.warn(f"{name} is kept out ({check.subject}): {check.reason}")
        return bool(bad)

    def _patience(self, timeout_s: float) -> Patience:
        return Patience(self._call, self._api, timeout_s)


def _stands_in(scalers: Mapping[str, Any], pool: str) -> str:
    """The pool that stands in for this one; empty where there is none."""
    other = (scalers.get(pool) or {}).get("fallback", "")
    return other if other in scalers else ""


def _why(scaler: Mapping[str, str] | None) -> str:
    """The cloud's own words on why it starts no machines, to be added to a reason. No answer is not a failure."""
    if not scaler:
        return ""
    try:
        words = operations(scaler["cloud"]).shortage(scaler)
    except PenstockError as error:
        words = str(error)
    return f": {words}" if words else ""


def good(checks: Sequence[Check], pool: str) -> list[str]:
    """The pool's nodes of which nothing bad is known."""
    own = [check for check in checks if check.pool == pool and check.node]
    bad = {check.node for check in own if check.state is CheckState.FAIL}
    return list(dict.fromkeys(check.node for check in own if check.node not in bad))
