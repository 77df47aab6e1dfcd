"""The form of a rule."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Check = Callable[[str, Mapping[str, Any]], Iterator[str]]
"""(type, inputs) -> one sentence for each violation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    name: str
    reason: str
    remedy: str
    level: Literal["advisory", "mandatory"]
    check: Check
