"""Checks of the account before anything is created."""

from components.errors import Problem
from components.plan.stack import StackPlan


def preflight(plan: StackPlan) -> tuple[Problem, ...]:
    """Nothing: every account may have everything."""
    return ()
