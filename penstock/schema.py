"""`penstock schema`: what an editor needs to complete and check a stack file."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

SCHEMA_FILE = "stack.schema.json"


def schema(
    out: Annotated[
        Path | None, typer.Option(help=f"The file to write; else {SCHEMA_FILE} in the project's docs, or beside it.")
    ] = None,
) -> None:
    """Write the JSON schema of stack files."""
    from penstock.output_file import output_file

    path = out or _default_file()
    with output_file(path) as write:
        write(json.dumps(editor_schema(), indent=2) + "\n")
    typer.echo(f"wrote {path}")


def editor_schema() -> dict[str, Any]:
    """The schema with the machine types, regions, accelerators and add-ons that penstock knows."""
    from components.catalog import accelerators
    from components.platform.catalog import ADDONS, about
    from components.spec.editor import Choices
    from components.spec.stack import stack_schema
    from providers import MODULES, clouds, load
    from providers.aws.sagemaker_machine_types import ENDPOINT_MACHINE_TYPES

    catalogs = [load(cloud).catalog() for cloud in MODULES]
    endpoints = tuple(sorted(ENDPOINT_MACHINE_TYPES))
    names = {
        "NodePoolSpec.machineType": tuple(name for catalog in catalogs for name in sorted(catalog.machine_types)),
        "ClusterSpec.region": tuple(region for catalog in catalogs for region in catalog.regions),
        "MachineSpec.accelerator": tuple(accelerators()),
        "RealTimeSpec.machineType": endpoints,
        "AsynchronousSpec.machineType": endpoints,
    }
    addons = {name: about(addon) for name, addon in sorted(ADDONS.items())}
    return stack_schema(clouds(), Choices(names=names, addons=addons))


def _default_file() -> Path:
    from components.project import find_project

    folder = find_project().folder
    docs = folder / "docs"
    return (docs if (docs / SCHEMA_FILE).is_file() else folder) / SCHEMA_FILE
