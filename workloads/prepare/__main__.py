"""`python -m workloads.prepare JOB_FILE`: the text of a job, prepared before it starts."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from components.errors import PenstockError, SpecError
from workloads.prepare.linking import prepare_run
from workloads.pretrain.config import read_job
from workloads.pretrain.exits import ExitCode, die_with_parent

DESCRIPTION = """Makes a job's text into tokens, on all cores of this machine, in the data
folder that runs share. A run starts when that is done; what is there already
is not made again."""


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Exit codes: 0 prepared, 78 what the user alone can mend, 1 anything else."""
    parser = argparse.ArgumentParser(prog="python -m workloads.prepare", description=DESCRIPTION)
    parser.add_argument("job", type=Path, metavar="JOB_FILE", help="the job whose text is prepared (JSON)")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one is gone")
    options = parser.parse_args(arguments)
    if options.with_parent:
        die_with_parent()
    try:
        prepare_run(read_job(options.job), says=not options.with_parent)
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.REFUSED
    except PenstockError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.FAILED
    return ExitCode.FINISHED


if __name__ == "__main__":
    sys.exit(main())
