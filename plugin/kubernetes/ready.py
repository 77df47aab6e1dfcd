"""penstock:kubernetes:Ready: there when definitions are established and webhooks answer; it drains them as it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from components.errors import PenstockError
from engine.provider.values import is_known
from plugin.calls import Call, InputChange, InputProblem, Properties, RefreshResult, changed, required

if TYPE_CHECKING:
    from components.kubernetes.api import KubernetesApi

INPUTS: Mapping[str, type | tuple[type, ...]] = {
    "kubeconfig": str, "crds": list, "webhooks": list, "timeoutS": (int, float),
}  # fmt: skip


def check(inputs: Properties) -> Sequence[InputProblem]:
    problems = required(inputs, INPUTS)
    webhooks = inputs.get("webhooks")
    for one in webhooks if isinstance(webhooks, list) and is_known(webhooks) else ():
        if str(one).count("/") != 1:
            problems.append(InputProblem(name="webhooks", message=f"webhooks: {one!r} is not namespace/service"))
    return problems


def diff(old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG001 (as every kind)
    """Another way to the cluster, or another patience, changes nothing there."""
    return [InputChange(name=name) for name in changed(old, new, ("crds", "webhooks"))]


def foresee(inputs: Properties, outputs: Properties | None) -> Properties:  # noqa: ARG001
    return {}


def create(call: Call, inputs: Properties) -> Properties:
    _wait(call, inputs)
    return {}


def update(call: Call, old: Properties, new: Properties) -> Properties:  # noqa: ARG001
    _wait(call, new)
    return {}


def read(inputs: Properties) -> RefreshResult | None:  # noqa: ARG001
    return RefreshResult(outputs={})


def delete(call: Call, outputs: Properties) -> None:
    """Custom resources of its definitions are gone, each by way of its controller; PenstockError names what stays."""
    from plugin.kubernetes.cluster import unless_gone
    from plugin.kubernetes.custom_resources import drain

    def drained(api: KubernetesApi) -> None:
        drain(call, api, outputs["crds"], outputs["timeoutS"])

    if outputs["crds"]:
        unless_gone(call, outputs, "custom resources", drained)


def _wait(call: Call, inputs: Properties) -> None:
    from plugin.kubernetes.barrier import missing
    from plugin.kubernetes.cluster import Patience, connected

    with connected(inputs) as api:
        patience = Patience(call, api, inputs["timeoutS"])
        while waiting := missing(api, inputs["crds"], inputs["webhooks"]):
            if patience.over:
                raise PenstockError(f"not ready after {inputs['timeoutS']} s: {'; '.join(waiting)}")
            call.voice.live(f"waits for {waiting[0]}" + (f" and {len(waiting) - 1} more" if waiting[1:] else ""))
            patience.step()
