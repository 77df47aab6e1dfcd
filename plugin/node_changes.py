"""penstock:nodes:Changes: refuses what would roll or replace nodes with accelerators, unless the stack file allows it.

It makes nothing. Its diff is what the engine asks first in a preview and in an `up`, with the old inputs and the new.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.errors import PenstockError
from plugin.calls import Call, InputChange, InputProblem, Properties, changed, required
from plugin.on_delete import MakesNothing

INPUTS: Mapping[str, type | tuple[type, ...]] = {"pools": dict, "consent": str}
_LONGEST = 60
REMEDY = (
    "jobs on them end; to let it happen, set cluster.allowNodeRoll to the reason (8 characters or more), or take the "
    "change back"
)


class NodeChangesType(MakesNothing):
    """Makeup of the pools as the last `up` left it."""

    def check(self, inputs: Properties) -> Sequence[InputProblem]:
        return required(inputs, INPUTS)

    def diff(self, old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG002 (as every kind)
        """PenstockError for what takes nodes away without consent; with it, a warning says what goes."""
        lost = "; ".join(losses(old.get("pools", {}), new["pools"]))
        if lost and not new["consent"]:
            raise PenstockError(f"cluster.allowNodeRoll is not set, and {lost}; {REMEDY}")
        told = {"pools": f"{lost}; cluster.allowNodeRoll: {new['consent']}"} if lost else {}
        return [InputChange(name=name, warning=told.get(name, "")) for name in changed(old, new, [*INPUTS])]

    def delete(self, call: Call, outputs: Properties) -> None:
        pass


NODE_CHANGES = NodeChangesType()


def losses(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each pool that stays and whose nodes do not. New pools and those that go are asked for by name."""
    for pool, was in old.items():
        if now := new.get(pool):
            replaced = list(_different(was["replaces"], now["replaces"]))
            settings = [*replaced, *_different(was["rolls"], now["rolls"])]
            if settings:
                nodes = f"its {was['nodes']} nodes" if was["nodes"] != 1 else "its one node"
                done = "replaces" if replaced else "rolls"
                yield f"pool {pool}: {', '.join(settings)} {done} {nodes} ({was['machineType']})"


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """A setting that only one of them has is another version's of penstock, and says nothing about nodes."""
    for name in sorted({*old} & {*new}):
        if old[name] != new[name]:
            yield f"{name} {_short(old[name])} -> {_short(new[name])}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
