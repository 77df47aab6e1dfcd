"""Names of AWS that exist and have no row in the tables: said to be unknown to penstock, not to be none of AWS."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from components.spec.explain import suggestion

_SIZE = re.compile(r"nano|micro|small|medium|large|\d*xlarge|metal(-\w+)?")
"""Sizes of a family (EC2 Instance Types Guide, naming conventions)."""


def machine_type_problem(name: str, known: Iterable[str]) -> str:
    """The message about a machine type that has no row. Suggested are types of the same family, never of another."""
    rows = sorted(known)
    family, _, size = name.partition(".")
    if not (_SIZE.fullmatch(size) and family in _names()["families"]["names"]):
        families = ", ".join(dict.fromkeys(row.partition(".")[0] for row in rows))
        hint = suggestion(name, rows) or f"; available are those of {families}, such as p5.48xlarge"
        return f"{name!r} is not a machine type of aws{hint}"
    alike = [row for row in rows if row.partition(".")[0] == family] or _near(family, rows)
    return f"{name!r} is of AWS's family {family}, but not known to penstock; it knows {', '.join(alike)}"


def _near(family: str, rows: Iterable[str]) -> list[str]:
    """The types for the same purpose, which the letters before the generation tell (EC2 Instance Types Guide, naming
    conventions); for one that has none here, all those without accelerators."""
    purpose = _letters(family)
    listed = list(rows)
    plain = [row for row in listed if _letters(row) in ("c", "m")]
    return [row for row in listed if _letters(row) == purpose] or plain


def _letters(name: str) -> str:
    return name[: next((at for at, letter in enumerate(name) if not letter.isalpha()), len(name))]


def region_problem(name: str, known: Iterable[str]) -> str:
    """The message about a region that has no row: of another partition, newer than the table, or none of AWS."""
    rows = sorted(known)
    for partition in _names()["partitions"]:
        if name in partition["regions"] or any(name.startswith(prefix) for prefix in partition["prefixes"]):
            return (
                f"{name!r} is of {partition['called']}, a partition of AWS with accounts, names and prices of its own, "
                f"which penstock does not plan; available: {', '.join(rows)}"
            )
    if name in _names()["new_regions"]["names"]:
        return f"{name!r} is a region of AWS that is not known to penstock; available: {', '.join(rows)}"
    of_the_continent = [row for row in rows if row.partition("-")[0] == name.partition("-")[0]]
    hint = suggestion(name, of_the_continent or rows) or f"; available: {', '.join(of_the_continent or rows)}"
    return f"{name!r} is not a region of AWS{hint}"


def partition_called(name: str) -> str:
    """Words for a partition that is not AWS's usual one; empty for that one, and for none of AWS."""
    found = (one["called"] for one in _names()["partitions"] if one["name"] == name)
    return next(found, "")


@cache
def _names() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
