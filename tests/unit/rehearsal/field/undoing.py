"""The rows of undone.yaml: a fix of the product undone in a deployment of one of its stacks, and what a rule then says.

`stacks` of the file: name -> the stack file, with other values at `with`, and pools of `nodes` that no resource tells
of; `earlier` is a change that gives the stack before this `up`, where it is not the first. `except`: rules that find
something. A row undoes by `undo`, of resources by type and name (patterns) the values at places whose steps are
separated by spaces: GONE takes a value, or with no places the resource, away. With `then` the same is a second `up`
after the first. With `at_once` nothing was there before.
"""

import base64
import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from rehearsal.field.deployed import BuiltResource, Deployment, MachinePool
from rehearsal.field.reading import deployment_of
from rehearsal.field.rules import RULES, Rule
from rehearsal.providers.azure import field_rules as azure_rules
from rehearsal.providers.gcp import field_rules, front_rules, inside_rules, job_rules, pod_rules, slurm_rules
from tests.deployed import stack_deployed
from tests.unit.providers.aws.whole_stacks import GONE, changed, write

ROOT = Path(__file__).parents[4]
FILE = Path(__file__).with_name("undone.yaml")
ALL: tuple[Rule, ...] = (
    *RULES,
    *field_rules.RULES,
    *inside_rules.RULES,
    *pod_rules.RULES,
    *front_rules.RULES,
    *job_rules.RULES,
    *slurm_rules.RULES,
    *azure_rules.RULES,
)
"""The rules of every cloud, and those of Google Cloud and of Azure alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of finding of a rule."""

    rule: str
    finding: str
    fix: str
    """That by which the product keeps it from being found."""
    stack: str
    says: str
    """Words of the message."""
    undo: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Any] = field(default_factory=dict)
    """As `undo`, of what stood there before the stack."""
    then: Mapping[str, Any] = field(default_factory=dict)
    at_once: bool = False
    told: str = ""
    """A warning by which a change of `then` is as it should be; without one, no change at all is."""

    @property
    def name(self) -> str:
        return f"{self.rule}: {self.finding}"


@cache
def content() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def rows() -> tuple[Row, ...]:
    """All of them, in the order of the file."""
    return tuple(
        Row(rule=rule, finding=finding, **row)
        for rule, findings in content()["rules"].items()
        for finding, row in findings.items()
    )


def rule_of(row: Row) -> Rule:
    return next(rule for rule in ALL if rule.__name__ == row.rule)


@cache
def deployed(stack: str) -> Deployment:
    """The stack as the present program deploys it."""
    asked = content()["stacks"][stack]
    config = yaml.safe_load((ROOT / asked["file"]).read_text())["config"]
    plain = {key.removeprefix("penstock:"): value for key, value in config.items()}
    with TemporaryDirectory() as folder:
        file = write(changed(_gone(asked.get("with", {})), plain), Path(folder), stack)
        if keys := asked.get("keys"):  # those of other namespaces than penstock's
            file.write_text(yaml.safe_dump({"config": yaml.safe_load(file.read_text())["config"] | keys}))
        made = stack_deployed(file, stack)
    lists = ("taints", "daemons")
    nodes = [{**one, **{key: tuple(one[key]) for key in lists if key in one}} for one in asked.get("nodes", ())]
    made = replace(made, pools=(*made.pools, *(MachinePool(**one) for one in nodes)))
    return replace(made, before=_read(made, _changed(made, asked["earlier"]))) if "earlier" in asked else made


def as_it_should_be(row: Row) -> Deployment:
    """The deployment with the fix."""
    made = deployed(row.stack)
    if not row.then:
        return made
    if row.told:
        return replace(_again(made, row.then), announced=(row.told,))
    return _again(made, {})


def undone(row: Row) -> Deployment:
    """The same without the fix."""
    made = deployed(row.stack)
    if row.then:
        return _again(made, row.then)
    after = _read(made, _changed(made, row.undo))
    after = replace(after, existing=_changed_in(made.existing, row.beside))
    return after if row.at_once else replace(after, before=made.before)


def _again(made: Deployment, changes: Mapping[str, Any]) -> Deployment:
    after = _read(made, _changed(made, changes))
    return replace(after, before=made, announced=())


def _read(made: Deployment, resources: tuple[BuiltResource, ...]) -> Deployment:
    """All that is read of the resources, anew; the pools that none of them tells of stay."""
    known = {one.name for one in deployment_of(made.facts, made.resources).pools}
    told = [one for one in made.pools if one.name not in known]
    return deployment_of(
        made.facts, resources, nodes=told, announced=made.announced, config=made.config, now=made.now,
        existing=made.existing, images=made.images,
    )  # fmt: skip


def _changed(made: Deployment, changes: Mapping[str, Any]) -> tuple[BuiltResource, ...]:
    return _changed_in(made.resources, changes)


def _changed_in(resources: tuple[BuiltResource, ...], changes: Mapping[str, Any]) -> tuple[BuiltResource, ...]:
    """The resources with these changes, each of which has to meet something."""
    found = list(resources)
    for pattern, places in changes.items():
        met = [one for one in found if fnmatchcase(one.key, pattern)]
        assert met, f"{pattern}: no resource is of this kind: {sorted(one.key for one in resources)}"
        for one in met:
            index = found.index(one)
            if places == "GONE":
                found[index : index + 1] = []
                continue
            if isinstance(places, Mapping) and "as" in places:
                found.append(
                    replace(_with(one, places.get("but", {})), name=places["as"], id=f"{one.id}-{places['as']}")
                )
                continue
            found[index] = _with(one, places)
    return tuple(found)


def _with(one: BuiltResource, places: Mapping[str, Any]) -> BuiltResource:
    """Places of the inputs, or of `outputs`, `id`, `needs` and `timeouts` where they begin so."""
    inputs, outputs, more = copy.deepcopy(dict(one.inputs)), copy.deepcopy(dict(one.outputs)), {}
    for place, value in places.items():
        first, *rest = place.split(" ")
        if first in ("id", "name") and not rest:
            more[first] = value
        elif first == "needs+":
            more["needs"] = one.needs | {value}
        elif first == "needs":  # those that match the pattern are no longer needed
            more["needs"] = frozenset(need for need in one.needs if not fnmatchcase(need, value))
        elif first == "timeouts":
            more["timeouts_min"] = {name: given for name, given in one.timeouts_min.items() if name != value}
        elif first == "outputs":
            outputs = _set(outputs, rest, value)
        elif first == "asked":
            more["asked"] = _set(copy.deepcopy(dict(one.asked or one.inputs)), rest, value)
        else:
            inputs = _set(inputs, [first, *rest], value)
    return replace(one, inputs=inputs, outputs=outputs, **more)


def _set(value: Any, steps: list[str], new: Any) -> Any:
    """The value with another at the place. Text that holds JSON is gone into; `*` stands for every part."""
    if not steps:
        return _replaced(value, new)
    if isinstance(value, str):
        return json.dumps(_set(json.loads(value), steps, new))
    step, *rest = steps
    if isinstance(value, list):
        indices = range(len(value)) if step == "*" else [int(step)]
        for index in sorted(indices, reverse=True):
            if not rest and new == "GONE":
                del value[index]
            elif index == len(value):
                value.append(new)
            else:
                value[index] = _set(value[index], rest, new)
        return value
    for key in list(value) if step == "*" else [step]:
        if not rest and new == "GONE":
            assert key in value, f"no {key} in {sorted(value)}"
            del value[key]
        else:
            value[key] = _set(value.get(key, {} if rest else None), rest, new)
    return value


def _replaced(value: Any, new: Any) -> Any:
    """Another value; a long one is {repeat: ..., times: ...}, and {of: ..., to: ...} a part of the text otherwise."""
    if isinstance(new, Mapping) and any(
        isinstance(part, Mapping) and set(part) == {"repeat", "times"} for part in new.values()
    ):
        return {key: part["repeat"] * part["times"] for key, part in new.items()}
    if not (isinstance(new, Mapping) and set(new) == {"of", "to"}):
        return copy.deepcopy(new)
    if new["of"] in value:
        return value.replace(new["of"], new["to"])
    text = base64.b64decode(value).decode()
    assert new["of"] in text, f"no {new['of']!r} in {text}"
    return base64.b64encode(text.replace(new["of"], new["to"]).encode()).decode()


def _gone(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {place: GONE if value == "GONE" else value for place, value in changes.items()}
