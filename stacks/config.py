"""The only reader of stack configuration: from the engine while it runs a program, from the file before."""

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from components.errors import PenstockError, Problem, SpecError
from components.spec.stack import NAMESPACE, StackSpec, parse_stack
from providers import settings

STACKS = Path(__file__).parent


def read_engine() -> StackSpec:
    """The spec of the stack that the engine is running, from what the engine hands to every program."""
    import pulumi

    values = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    config = {key: _plain(text) for key, text in values.items() if key.startswith(NAMESPACE)}
    return parse_stack(config, f"Pulumi.{pulumi.get_stack()}.yaml", settings())


def read_file(stack: str) -> StackSpec:
    """The spec in stacks/Pulumi.<stack>.yaml; PenstockError when there is no such stack or it is not YAML."""
    return read_path(stack_file(stack))


def read_path(path: Path) -> StackSpec:
    """The spec in a stack file, wherever it lies."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PenstockError(f"{path.name} is not YAML: {_yaml_reason(error)}") from None
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        problem = Problem(path="config", message="is required and missing: penstock's keys stand under it")
        raise SpecError([problem], path.name)
    return parse_stack(config, path.name, settings())


def stack_file(stack: str) -> Path:
    """The file of that stack; PenstockError that lists the stacks when there is none."""
    path = STACKS / f"Pulumi.{stack}.yaml"
    if path.is_file():
        return path
    known = stack_names()
    close = get_close_matches(stack, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"there is {', '.join(known)}; a copy of one is a new stack"
    raise PenstockError(f"stack '{stack}': stacks/Pulumi.{stack}.yaml does not exist; {hint}")


def stack_names() -> list[str]:
    """Every stack that has a file, in alphabetical order."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in STACKS.glob("Pulumi.*.yaml"))


def _plain(text: str) -> Any:
    """The engine hands objects as JSON, text as it is, and a key without a value as no text."""
    try:
        return json.loads(text) if text else None
    except json.JSONDecodeError:
        return text


class _UniqueKeys(yaml.SafeLoader):
    """YAML without a key given twice, of which all but the last would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _yaml_reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return str(error)
