"""The argument that names a stack, with the stacks of the current project for a shell that completes."""

from typing import Annotated

import typer


def _stack_names(incomplete: str) -> list[str]:
    """The stacks whose names begin so."""
    from components.errors import PenstockError
    from components.project import find_project

    try:
        return [name for name in find_project().stacks() if name.startswith(incomplete)]
    except PenstockError:
        return []


Stack = Annotated[
    str,
    typer.Argument(
        help="The stack, by the name or the path of its file Pulumi.STACK.yaml.", autocompletion=_stack_names
    ),
]
