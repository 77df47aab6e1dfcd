"""penstock:kubernetes:Gate: there once a cluster has shown its nodes, devices, volume and fabric; queues open after.

What fails is kept: the nodes that were found bad stay out until somebody has repaired them, or the gate goes. A pool
that failed stays shut while the others work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.provider.errors import UnfinishedError
from engine.provider.values import Unknown, is_known
from plugin.calls import Call, InputChange, InputProblem, Properties, RefreshResult, required
from plugin.kubernetes.gate.sizes import looked_at, made_since, relimited

INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "name": str, "kubeconfig": str, "pools": list, "timeoutS": (int, float),
}  # fmt: skip
OUTPUTS = ("state", "reason", "shut", "quarantined", "emptied", "checks")


def check(inputs: Properties) -> Sequence[InputProblem]:
    return required(inputs, INPUTS)


def diff(old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:
    """A change also while pools are shut: the next `up` looks at them again."""
    if _looked_at(old) != _looked_at(new):
        return [InputChange(name="pools")]
    if relimited(old, new) or made_since(old, new):
        return [InputChange(name="scalers")]
    return [InputChange(name="pools")] if outputs.get("shut") else []


def foresee(inputs: Properties, outputs: Properties | None) -> Properties:  # noqa: ARG001
    return dict.fromkeys(OUTPUTS, Unknown())


def create(call: Call, inputs: Properties) -> Properties:
    return _run(call, inputs)


def update(call: Call, old: Properties, new: Properties) -> Properties:
    return _run(call, new, old)


def read(inputs: Properties) -> RefreshResult | None:
    """Reads the last result, and the nodes that are out now; None where there is no result."""
    from plugin.kubernetes.cluster import connected
    from plugin.kubernetes.gate.evidence import load
    from plugin.kubernetes.gate.quarantine import quarantined

    with connected(inputs) as api:
        shown = load(api, inputs["name"])
        return RefreshResult(outputs=shown | {"quarantined": quarantined(api)}) if shown else None


def delete(call: Call, outputs: Properties) -> None:
    """Takes back all that it left: its checks, its evidence, and its marks on nodes."""
    from plugin.kubernetes.cluster import unless_gone
    from plugin.kubernetes.gate.run import take_back

    unless_gone(call, outputs, "the gate's marks", lambda api: take_back(call, api, outputs["name"]))


def _run(call: Call, inputs: Properties, before: Properties | None = None) -> Properties:
    """The outputs where some pool is fit; else the resource is kept as unfinished, so that `up` looks again."""
    from plugin.kubernetes.cluster import connected
    from plugin.kubernetes.gate.run import run
    from plugin.kubernetes.gate.verdict import GateState

    with connected(inputs) as api:
        outputs = run(call, api, inputs, before)
    if outputs["state"] == GateState.FAIL:
        raise UnfinishedError([f"the cluster has not shown what it must: {outputs['reason']}"], outputs)
    return outputs


def _looked_at(inputs: Properties) -> Any:
    pools = inputs.get("pools")
    if not isinstance(pools, list) or not is_known(pools):
        return pools
    return [looked_at(pool) for pool in pools]
