"""The schedulers: one folder each."""

from importlib import import_module
from typing import cast

from components.provider import Scheduler
from components.spec.scheduler import SchedulerKind


def load(kind: SchedulerKind) -> Scheduler:
    """The module of that scheduler."""
    return cast("Scheduler", import_module(f"components.schedulers.{kind.value}"))
