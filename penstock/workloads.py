"""`penstock train`, `serve` and `check`: the workloads by hand, exactly as a scheduler starts them."""

import importlib.util
import os
import sys
from typing import Any, Final

import typer

PASS_THROUGH: Final[dict[Any, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""The workload reads its own arguments, its own `-h` and `--help` included."""


def train(context: typer.Context) -> None:
    """Train a model on this machine by hand: penstock train JOB_FILE."""
    _become("workloads.pretrain", context.args)


def serve(context: typer.Context) -> None:
    """Serve an exported model on this machine by hand: penstock serve CONFIG_FILE."""
    _become("workloads.serve", context.args)


def check(context: typer.Context) -> None:
    """Measure what ranks reach together on this machine: penstock check --ranks 4."""
    _become("workloads.fabric_check", context.args)


def _become(module: str, arguments: list[str]) -> None:
    """Replace this process, so that signals and the exit code are the workload's own."""
    if importlib.util.find_spec("torch") is None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")  # told with its remedy by `main`
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell, on purpose
