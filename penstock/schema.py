"""`penstock schema`: what an editor needs to complete and check a stack file."""

import json
from pathlib import Path
from typing import Annotated

import typer

SCHEMA_FILE = Path(__file__).parent.parent / "docs" / "stack.schema.json"


def schema(
    out: Annotated[Path, typer.Option(help="The file to write.")] = SCHEMA_FILE,
) -> None:
    """Write the JSON schema of stack files."""
    from components.spec.stack import stack_schema
    from providers import settings

    out.write_text(json.dumps(stack_schema(settings()), indent=2) + "\n")
    typer.echo(f"wrote {out}")
