"""Resources that do nothing until they are deleted: a namespace's Drain, and the Drain of a cloud's network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from plugin.calls import Call, InputChange, InputProblem, Properties, RefreshResult, changed, required
from providers.registry import operations


class MakesNothing:
    """Answers of a resource that has nothing of its own out there."""

    def foresee(self, inputs: Properties, outputs: Properties | None) -> Properties:  # noqa: ARG002
        return {}

    def create(self, call: Call, inputs: Properties) -> Properties:  # noqa: ARG002
        return {}

    def update(self, call: Call, old: Properties, new: Properties) -> Properties:  # noqa: ARG002
        return {}

    def read(self, inputs: Properties) -> RefreshResult | None:  # noqa: ARG002
        return RefreshResult(outputs={})


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDelete(MakesNothing):
    """A resource whose one deed is its end; every other request is answered with nothing."""

    inputs: Callable[[], Mapping[str, type | tuple[type, ...]]]
    """Asked for when it is needed: a cloud's are in a module that is loaded late."""
    delete: Callable[[Call, Properties], None]

    def check(self, inputs: Properties) -> Sequence[InputProblem]:
        return required(inputs, self.inputs())

    def diff(self, old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG002 (as every kind)
        """A new token in the kubeconfig is no change."""
        return [
            InputChange(name=name) for name in changed(old, new, [key for key in self.inputs() if key != "kubeconfig"])
        ]


def network_drain(cloud: str) -> OnDelete:
    """Frees a network of what controllers made; PenstockError in the cloud's own words where it refuses."""
    return OnDelete(
        inputs=lambda: operations(cloud).DRAIN_INPUTS,
        delete=lambda call, outputs: operations(cloud).drain(outputs, call.voice.say),
    )
