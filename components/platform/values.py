"""Values of a chart, judged by the keys that the chart has. Helm itself passes over a key that it does not know."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from components.errors import Problem
from components.platform.versions import versions
from components.spec.explain import suggestion

OPEN_ENDINGS = ("annotations", "labels", "selector", "affinity", "securitycontext", "resources", "strategy", "probe")
"""Maps that charts hand on to Kubernetes as they are, by the end of their names."""
OPEN = frozenset({"limits", "requests", "env", "extraEnv", "extraArgs", "featureGates", "datastore"})

SUBCHARTS = {"lws": "leader-worker-set"}
"""Add-ons that other charts call otherwise."""


def check_values(addon: str, values: Mapping[str, Any], path: str = "") -> tuple[Problem, ...]:
    """One problem for each key that the add-on's chart does not have, with the closest that it has.

    A subchart's values lie under its name. Of one that is no add-on its keys are not known, and it takes any.
    """
    where = path or f"platform.addons.{addon}.values"
    known = _keys(addon)
    if known is None:
        return (
            (Problem(path=where, message="the add-on is not a chart: it takes no values; remove them"),)
            if values
            else ()
        )
    tree = {**known["values"], "global": {**_below(known["values"], "global"), "*": "any"}}
    tree |= {part: _of_subchart(part, known["values"]) for part in known["subcharts"]}
    return tuple(_unknown(values, tree, where, "", versions()[addon].free_values))


def _of_subchart(name: str, parent: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keys of its own chart, and those that its parent reads there."""
    own = _keys(SUBCHARTS.get(name, name))
    return {"*": "any"} if own is None else merged(own["values"], _below(parent, name), {"global": {"*": "any"}})


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """The layers as Helm merges them: the later wins, mappings are merged key by key, lists are replaced whole."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            result[key] = _over(result.get(key), value)
    return result


def _over(before: Any, value: Any) -> Any:
    return merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value


def at(path: str, value: Any) -> dict[str, Any]:
    """`a.b` and 1 -> `{a: {b: 1}}`."""
    for step in reversed(path.split(".")):
        value = {step: value}
    assert isinstance(value, dict)
    return value


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at `a.b`; None where there is none."""
    found: Any = values
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _unknown(values: Mapping[str, Any], known: Any, where: str, below: str, free: Sequence[str]) -> Iterator[Problem]:
    for key, value in values.items():
        path = f"{below}.{key}".lstrip(".")
        there = known.get(key)
        if there is None:
            hint = suggestion(key, sorted(known)) or f"; it has {', '.join(sorted(known))}"
            yield Problem(path=f"{where}.{key}", message=f"the chart has no such key (value {value!r}){hint}")
        elif there == "bool" and not isinstance(value, bool):
            # A text is true to a template, whatever it says.
            yield Problem(path=f"{where}.{key}", message=f"{value!r} is not true or false")
        elif isinstance(value, Mapping) and isinstance(there, Mapping) and not _is_open(key, there, path, free):
            yield from _unknown(value, there, f"{where}.{key}", path, free)


def _is_open(key: str, known: Mapping[str, Any], path: str, free: Sequence[str]) -> bool:
    return "*" in known or key in OPEN or key.lower().endswith(OPEN_ENDINGS) or path in free


def _below(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = tree.get(key)
    return value if isinstance(value, Mapping) else {}


@cache
def _keys(addon: str) -> Mapping[str, Any] | None:
    file = Path(__file__).parent / "value_keys" / f"{addon}.json"
    if not file.exists():
        return None
    known: Mapping[str, Any] = json.loads(file.read_text())
    return known
