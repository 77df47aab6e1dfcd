"""The only reader of stack configuration: from the engine while it runs a program, from the file before."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.engine_yaml import TOO_DEEP, YamlError, read_yaml
from components.errors import PenstockError, Problem
from components.project import StackFile, find_stack, nearest_project
from components.spec.explain import shown
from components.spec.stack import FormError, StackSpec, parse_stack, stack_error
from providers import clouds
from stacks.encrypted import ENCRYPTED, told_of_secrets, without_secrets

MORE_DOCUMENTS = (
    "the file holds more than one YAML document (`---`); the engine reads the first and passes over the rest"
)

ENVIRONMENT = (
    "environment: only the engine opens it; what it sets is in `pulumi preview` and `up`, and not in this plan or "
    "`penstock rehearse`"
)


def read_engine() -> StackSpec:
    """The spec of the stack that the engine is running, from what the engine hands to every program."""
    import pulumi

    source = f"Pulumi.{pulumi.get_stack()}.yaml"
    values = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    try:
        config = {key: _plain(text) for key, text in values.items()}
    except RecursionError:
        raise PenstockError(f"{source}: {TOO_DEEP}") from None
    return parse_stack(config, source, clouds(), project=pulumi.get_project())


def read_file(stack: str) -> StackSpec:
    """The spec of a stack of the current folder's project; PenstockError when there is none or it is not YAML."""
    return read_path(stack_file(stack).path)


def read_path(path: Path) -> StackSpec:
    """The spec in a stack file, wherever it lies. What only the engine can read counts as left out, with a warning."""
    try:
        document = read_yaml(path.read_bytes())
    except YamlError as error:
        raise PenstockError(f"{path.name} is not YAML that the engine takes: {error}") from None
    nearest = nearest_project(path.parent)
    project = nearest.name if nearest else ""
    config, secrets = without_secrets(_config(document.data, path.name, project))
    try:
        spec = parse_stack(config, path.name, clouds(), project=project)
    except FormError as error:
        raise FormError(told_of_secrets(error.problems, secrets), path.name, error.rest) from None
    warnings = [
        *spec.warnings,
        *(f"{secret}: {ENCRYPTED}" for secret in secrets),
        *([MORE_DOCUMENTS] if document.has_others else ()),
    ]
    warnings += [ENVIRONMENT] if isinstance(document.data, Mapping) and document.data.get("environment") else []
    return spec.model_copy(update={"warnings": tuple(warnings)})


def _config(data: Any, source: str, project: str) -> dict[str, Any]:
    """The keys under `config`, each with its namespace, as the engine hands them to a program."""
    config = data.get("config") if isinstance(data, Mapping) else None
    if not isinstance(config, Mapping):
        message = "is required and missing: penstock's keys stand under it; add it"
        if config is not None:
            message = f"{shown(config)} is not a mapping: penstock's keys stand under it; write keys with their values"
        raise stack_error([Problem(path="config", message=message)], source)
    problems, found = [], {}
    for key, value in config.items():
        *namespace, name = key.split(":")
        if len(namespace) > 1 and namespace[1:] != ["config"]:
            message = f"{shown(key)} is no key: NAMESPACE:NAME is right, with one colon"
            problems.append(Problem(path="config", message=message))
        found[f"{namespace[0] if namespace else project}:{name}"] = _plain(value) if isinstance(value, str) else value
    if problems:
        raise stack_error(problems, source)
    return found


def stack_file(stack: str) -> StackFile:
    """The file of that stack, by its name or its path; PenstockError when there is none that penstock builds."""
    found = find_stack(stack)
    if found.project and not found.project.is_penstocks:
        raise PenstockError(
            f"{found.project.folder / 'Pulumi.yaml'}: its program is not penstock's, which alone is planned from a "
            f"stack file; let it be `import stacks.__main__` (docs/own-project.md), or rehearse the program as it is: "
            f"penstock rehearse preview {found.name}"
        )
    return found


def _plain(text: str) -> Any:
    """The engine hands objects as JSON, text as it is, and a key without a value as no text."""
    try:
        return json.loads(text) if text else None
    except json.JSONDecodeError:
        return text
