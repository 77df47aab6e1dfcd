"""A plan as JSON for programs: keys as in a stack file, totals, and the version of the form (docs/plan.md)."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from components.estimate.cost import totals
from components.plan.cluster import ClusterPlan
from components.plan.part import PartPlan
from components.plan.stack import StackPlan

FORM_VERSION = 1
"""Raised when a key goes or means something else; new keys do not raise it."""


def as_form(plan: StackPlan) -> dict[str, Any]:
    """The whole plan as plain JSON values."""
    sums = totals(plan.cluster.bill)
    return {
        "formVersion": FORM_VERSION,
        "totals": {
            "usdPerHour": float(sums.usd_per_hour),
            "usdPerDay": float(sums.usd_per_day),
            "mostUsdPerHour": float(sums.most_usd_per_hour),
            "budgetUsdPerHour": plan.cluster.budget_usd_per_hour,
            "prepaidCount": len(sums.prepaid),
            "unknownCount": len(sums.unknown),
        },
        **_plain(plan),
    }


def _plain(value: Any) -> Any:
    """Fields of a plan in camelCase; keys of mappings are data, such as a label, and stay as they are."""
    if is_dataclass(value):
        return {to_camel(name): _plain(getattr(value, name)) for name in _names(value)}
    match value:
        case BaseModel():
            return value.model_dump(mode="json", by_alias=True)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case Enum():
            return value.value
        case Decimal():
            return float(value)
        case datetime():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def _names(value: Any) -> list[str]:
    """Fields of a plan; of a cluster, what its parts hold together in place of the parts."""
    names = [field.name for field in fields(value)]
    if not isinstance(value, ClusterPlan):
        return names
    return [*(name for name in names if name != "parts"), *(field.name for field in fields(PartPlan))]
