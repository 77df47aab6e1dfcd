"""Findings that are known: by name, each with its reason and the issue that will mend it. The list may only shrink."""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from rehearsal.field.deployed import Finding

REMEDY = "take it off rehearsal/field/expected.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFinding:
    """A row of expected.toml. `stacks` are those that must have it; `anywhere`: other stacks may have it too."""

    rule: str
    subject: str
    """A pattern."""
    stacks: tuple[str, ...]
    reason: str
    mended_by: str
    anywhere: bool = False
    says: str = "*"
    """A pattern of the message, where one subject may have findings of several kinds. `anywhere` needs it."""

    def __post_init__(self) -> None:
        if self.anywhere and not self.says.strip("* "):
            raise ValueError(f"{self.rule}, {self.subject}: anywhere = true needs `says`, a pattern of its message")

    def is_of(self, finding: Finding, stack: str) -> bool:
        named = self.anywhere or stack in self.stacks
        alike = fnmatchcase(finding.subject, self.subject) and fnmatchcase(finding.message, self.says)
        return named and self.rule == finding.rule and alike


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldVerdict:
    """Lines for a report: what was expected, and what fails the rehearsal."""

    expected: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def compare(
    findings: Collection[Finding], stack: str, expected: Collection[ExpectedFinding], *, in_full: bool
) -> FieldVerdict:
    """The findings against the list. `in_full`: all that the list has for the stack must have been found."""
    known, wrong = [], []
    for finding in findings:
        row = next((one for one in expected if one.is_of(finding, stack)), None)
        if row:
            known.append(f"{_shown(finding)}; {row.reason} (to be mended by: {row.mended_by})")
        else:
            wrong.append(f"{_shown(finding)} [{finding.source}]")
    gone = [row for row in expected if stack in row.stacks and not any(row.is_of(one, stack) for one in findings)]
    wrong += [
        f"{row.rule}, {row.subject}: expected of {stack} and no longer found; {REMEDY}" for row in gone if in_full
    ]
    return FieldVerdict(expected=tuple(known), wrong=tuple(wrong))


@cache
def expected_findings() -> tuple[ExpectedFinding, ...]:
    """The rows of expected.toml."""
    rows = tomllib.loads((Path(__file__).parent / "expected.toml").read_text()).get("finding", ())
    return tuple(ExpectedFinding(**{**row, "stacks": tuple(row["stacks"])}) for row in rows)


def _shown(finding: Finding) -> str:
    return f"{finding.rule}, {finding.subject}: {finding.message}"
