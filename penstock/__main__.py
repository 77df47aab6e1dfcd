"""The command line. Each command is a small file of this folder and holds no logic of its own."""

import os
import sys

import typer

from components.errors import PenstockError
from components.loopback import exempt_loopback
from penstock import lab, plan, rehearse, schema, workloads

app = typer.Typer(
    name="penstock",
    help="One typed description becomes an accelerator cluster, a training run and an inference service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("plan")(plan.plan)
app.command("rehearse")(rehearse.rehearse)
app.add_typer(lab.app, name="lab")
app.command("schema")(schema.schema)
app.command("train", context_settings=workloads.PASS_THROUGH)(workloads.train)
app.command("serve", context_settings=workloads.PASS_THROUGH)(workloads.serve)
app.command("check", context_settings=workloads.PASS_THROUGH)(workloads.check)


def main() -> None:
    """Run one command; a mistake ends with its message and status 1, an interruption with 130."""
    os.environ.update(exempt_loopback(os.environ))
    try:
        app()
    except PenstockError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
