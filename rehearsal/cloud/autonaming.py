"""Names that a provider gives to resources for which the program has none, as Pulumi's bridged providers do."""

import random
from typing import Any

from rehearsal.cloud.kind import Inputs, ResourceKind
from rehearsal.cloud.sdk import Signature

DEFAULTED = "__defaults"  # where pulumi's bridged providers note which inputs they filled themselves


def completed(kind: ResourceKind, inputs: Inputs, before: Inputs, *, proposed: str, seed: bytes) -> dict[str, Any]:
    """The inputs, with a name of its own where the program gave none. A name once given stays."""
    done = {name: value for name, value in inputs.items() if name != DEFAULTED}
    if not kind.own_name or kind.own_name in done:
        return done
    kept = before.get(kind.own_name) if kind.own_name in before.get(DEFAULTED, ()) else None
    done[kind.own_name] = kept or _own_name(kind, str(done.get(kind.own_name + "Prefix", "")), proposed, seed)
    done[DEFAULTED] = [kind.own_name]
    return done


def unknown_names(known: Signature, inputs: Inputs) -> list[str]:
    """The inputs that the resource type does not have."""
    return sorted(name for name in inputs if name not in known.inputs and name != DEFAULTED)


def _own_name(kind: ResourceKind, prefix: str, proposed: str, seed: bytes) -> str:
    digits = f"{random.Random(seed).getrandbits(28):07x}"  # noqa: S311 (a name, not a secret)
    if prefix:
        return prefix[: kind.longest_name - len(digits)] + digits
    stem, _, suffix = proposed.rpartition("-")
    if len(proposed) <= kind.longest_name:
        return proposed
    return stem[: kind.longest_name - len(suffix) - 1] + "-" + suffix
