"""Resources whose one deed is to be waited for: the APIs of a cloud's project, a group of endpoints."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from plugin.calls import Call, InputChange, InputProblem, Properties, changed, required
from plugin.on_delete import MakesNothing
from providers.registry import api_operations, group_operations


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCreate(MakesNothing):
    """A resource that is there when what it waits for is; when it goes, nothing more is done than to look."""

    inputs: Callable[[], Mapping[str, type | tuple[type, ...]]]
    """Asked for when it is needed: a cloud's are in a module that is loaded late."""
    wait: Callable[[Call, Properties], None]
    leave: Callable[[Properties], None] = lambda _outputs: None
    """Refuses, by a PenstockError, where what it has waited for is still needed."""

    def check(self, inputs: Properties) -> Sequence[InputProblem]:
        return required(inputs, self.inputs())

    def diff(self, old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG002 (as every kind)
        return [InputChange(name=name) for name in changed(old, new, list(self.inputs()))]

    def create(self, call: Call, inputs: Properties) -> Properties:
        self.wait(call, inputs)
        return {}

    def update(self, call: Call, old: Properties, new: Properties) -> Properties:  # noqa: ARG002
        self.wait(call, new)
        return {}

    def delete(self, call: Call, outputs: Properties) -> None:  # noqa: ARG002
        """Leaves what it has waited for."""
        self.leave(outputs)


def answering_apis(cloud: str) -> OnCreate:
    """Waits until the APIs of a project answer; PenstockError in the cloud's own words where one does not."""
    return OnCreate(
        inputs=lambda: api_operations(cloud).API_INPUTS,
        wait=lambda call, inputs: api_operations(cloud).await_apis(inputs, call.voice.live),
    )


def endpoint_group(cloud: str) -> OnCreate:
    """Waits until a group of endpoints is there, and does not go while a balancer uses it."""
    return OnCreate(
        inputs=lambda: group_operations(cloud).GROUP_INPUTS,
        wait=lambda call, inputs: group_operations(cloud).await_group(inputs, call.voice.live),
        leave=lambda outputs: group_operations(cloud).release_group(outputs),
    )
