"""The command line. Each command is a small file of this folder and holds no logic of its own."""

import os
import sys
from typing import Annotated

import typer

from components.errors import PenstockError
from components.loopback import exempt_loopback
from penstock import failures, images, lab, plan, rehearse, schema, token, workloads

app = typer.Typer(
    name="penstock",
    help="One typed description becomes an accelerator cluster, a training run and an inference service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("plan")(plan.plan)
app.command("rehearse")(rehearse.rehearse)
app.add_typer(images.app, name="images")
app.add_typer(lab.app, name="lab")
app.command("schema")(schema.schema)
app.command("token", hidden=True)(token.token)
app.command("train", context_settings=workloads.PASS_THROUGH)(workloads.train)
app.command("serve", context_settings=workloads.PASS_THROUGH)(workloads.serve)
app.command("check", context_settings=workloads.PASS_THROUGH)(workloads.check)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from tools import PULUMI_VERSION

        typer.echo(f"penstock {version('penstock')}, for Pulumi {PULUMI_VERSION}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The options of penstock itself."""


def main() -> None:
    """Run one command; a mistake ends with its message and status 1, an interruption with 130."""
    failures.open_missing_streams()
    os.environ.update(exempt_loopback(os.environ))
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except PenstockError as error:
        failures.end(str(error))
    except OSError as error:
        failures.end(failures.in_words(error))
    except ModuleNotFoundError as error:
        if not (told := failures.missing_extra(error.name or "")):
            raise
        failures.end(told)
    except KeyboardInterrupt:
        failures.end("interrupted", status=130)


if __name__ == "__main__":
    main()
