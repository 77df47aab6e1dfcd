"""Checks that only the project can answer, before anything is created."""

from components.errors import Problem
from components.plan.stack import StackPlan


def preflight(plan: StackPlan) -> tuple[Problem, ...]:
    del plan
    return ()
