"""Judges a stack in the field between two states of its engine, once for each finding."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from engine.state import Resource, StackState
from rehearsal.field.deployed import ALONE, BuiltResource, Surroundings
from rehearsal.field.expected import FieldVerdict, compare, expected_findings
from rehearsal.field.facts import FieldFacts
from rehearsal.field.reading import deployment_of
from rehearsal.field.rules import findings


class FieldJudge:
    """One rehearsal's judge. `shipped`: the stack is penstock's own, which has all that is expected of it. `config`:
    the keys of its file.
    """

    def __init__(
        self, facts: FieldFacts | None, stack: str, *, shipped: bool, config: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self._facts, self._stack, self._shipped, self._config = facts, stack, shipped, config
        self._told: set[tuple[str, str, str]] = set()

    def judge(
        self, before: StackState, after: StackState, announced: tuple[str, ...], beside: Surroundings = ALONE
    ) -> FieldVerdict:
        """The verdict on what an `up` has made of the state before it; nothing that was told already."""
        if self._facts is None:
            return FieldVerdict()
        earlier = tuple(map(_built, before.resources))
        deployment = deployment_of(
            self._facts, (_as_it_stands(_built(one), beside.resized) for one in after.resources), nodes=beside.nodes,
            before=earlier, announced=announced, config=self._config, now=datetime.now(UTC),
            existing=beside.existing, images=beside.images,
        )  # fmt: skip
        new = [one for one in findings(deployment) if one.key not in self._told]
        self._told |= {one.key for one in new}
        return compare(new, self._stack, expected_findings(), in_full=self._shipped and not earlier)


def facts_of(cloud: str) -> FieldFacts | None:
    """The constant FACTS of rehearsal/providers/<cloud>/field_facts.py, None for a cloud without one."""
    package = f"rehearsal.providers.{cloud}"
    if not cloud.isidentifier() or not find_spec(package) or not find_spec(f"{package}.field_facts"):
        return None
    facts: FieldFacts = import_module(f"{package}.field_facts").FACTS
    return facts


def _built(resource: Resource) -> BuiltResource:
    return BuiltResource(
        token=resource.type, name=resource.name, id=resource.id, inputs=resource.inputs, outputs=resource.outputs,
        needs=frozenset(map(_key, resource.needs)),
        timeouts_min={name: seconds / 60 for name, seconds in resource.timeouts_s.items()},
    )  # fmt: skip


def _as_it_stands(one: BuiltResource, resized: Mapping[str, Mapping[str, Any]]) -> BuiltResource:
    return replace(one, inputs={**one.inputs, **resized.get(one.key, {})}, asked=one.inputs)


def _key(urn: str) -> str:
    """As BuiltResource.key: the type, without those of its parents, and the name."""
    *_, types, name = urn.split("::", 3)
    return f"{types.rpartition('$')[2]} {name}"
