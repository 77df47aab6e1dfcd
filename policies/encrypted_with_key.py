"""Stored data is encrypted, with a key that the stack has a say over where its cloud lets it."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.clouds import CLOUDS
from policies.rule import Rule


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Data that a resource keeps in the clear, or under a key of the cloud's."""
    for cloud in CLOUDS:
        for kept in cloud.stored(kind, inputs):
            if not kept.encrypted:
                yield f"{kept.data} is not encrypted"
            elif not kept.own_key:
                yield f"{kept.data} has no key of its own"


RULE = Rule(
    name="encrypted-with-key",
    reason="a key of your own can be taken away from whoever gets hold of the data, and tells who used it",
    remedy="set encryption, and a key that this stack makes or names",
    level="mandatory",
    check=check,
)
