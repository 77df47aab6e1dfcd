"""`penstock schema`: what an editor needs to complete and check a stack file."""

import json
from pathlib import Path
from typing import Annotated

import typer

SCHEMA_FILE = "stack.schema.json"


def schema(
    out: Annotated[
        Path | None, typer.Option(help=f"The file to write; else {SCHEMA_FILE} in the project's docs, or beside it.")
    ] = None,
) -> None:
    """Write the JSON schema of stack files."""
    from components.spec.stack import stack_schema
    from penstock.output_file import output_file
    from providers import settings

    path = out or _default_file()
    with output_file(path) as write:
        write(json.dumps(stack_schema(settings()), indent=2) + "\n")
    typer.echo(f"wrote {path}")


def _default_file() -> Path:
    from components.project import find_project

    folder = find_project().folder
    docs = folder / "docs"
    return (docs if (docs / SCHEMA_FILE).is_file() else folder) / SCHEMA_FILE
