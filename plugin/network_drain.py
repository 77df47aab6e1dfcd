"""penstock:<cloud>:Drain: no-op until it is deleted; then removes what controllers made in a cluster's network."""

from collections.abc import Sequence
from dataclasses import dataclass

from plugin.calls import Call, InputChange, InputProblem, Properties, RefreshResult, changed, required
from providers.registry import operations


@dataclass(frozen=True, slots=True)
class NetworkDrain:
    """The drain of one cloud, whose operations do it."""

    cloud: str

    def check(self, inputs: Properties) -> Sequence[InputProblem]:
        return required(inputs, operations(self.cloud).DRAIN_INPUTS)

    def diff(self, old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG002 (as every kind)
        return [InputChange(name=name) for name in changed(old, new, tuple(operations(self.cloud).DRAIN_INPUTS))]

    def foresee(self, inputs: Properties, outputs: Properties | None) -> Properties:  # noqa: ARG002
        return {}

    def create(self, call: Call, inputs: Properties) -> Properties:  # noqa: ARG002
        return {}

    def update(self, call: Call, old: Properties, new: Properties) -> Properties:  # noqa: ARG002
        return {}

    def read(self, inputs: Properties) -> RefreshResult | None:  # noqa: ARG002
        return RefreshResult(outputs={})

    def delete(self, call: Call, outputs: Properties) -> None:
        """Frees the network of what controllers made; PenstockError in the cloud's own words where it refuses."""
        operations(self.cloud).drain(outputs, call.voice.say)
