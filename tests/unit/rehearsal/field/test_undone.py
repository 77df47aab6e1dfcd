"""Each field rule, proven: it finds a fix of the product that is undone in a deployment of ours, and only then."""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import rehearsal.field
from rehearsal.field.expected import compare, expected_findings
from rehearsal.field.rules import findings
from rehearsal.providers.azure import field_rules as azure_rules
from rehearsal.providers.gcp import field_rules, front_rules, inside_rules, job_rules, pod_rules, slurm_rules
from tests.unit.rehearsal.field.undoing import ALL, Row, as_it_should_be, content, deployed, rows, rule_of, undone

FIELD = Path(rehearsal.field.__file__).parent
TABLE = Path(__file__).parents[4] / "docs" / "proven-rules.md"
NO_RULES = {"expected.py", "facts.py", "service_facts.py", "judge.py", "rules.py", "deployed.py", "reading.py"}
"""Files of what rules read and are told by."""
FILES = (
    *sorted(file for file in FIELD.glob("*.py") if file.name not in NO_RULES),
    *(
        Path(str(module.__file__))
        for module in (field_rules, front_rules, inside_rules, job_rules, pod_rules, slurm_rules, azure_rules)
    ),
)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_fix_that_is_undone_is_found_and_one_that_is_there_is_not(row: Row) -> None:
    rule = rule_of(row)
    told = [found.message for found in rule(undone(row))]
    assert any(row.says in message for message in told), told
    assert [found.message for found in rule(as_it_should_be(row)) if row.says in found.message] == []


@pytest.mark.parametrize("stack", content()["stacks"])
def test_a_stack_as_it_is_deployed_has_no_finding(stack: str) -> None:
    known = content()["stacks"][stack].get("except", ())
    found = [one for one in findings(deployed(stack)) if one.rule not in known]
    assert compare(found, stack, expected_findings(), in_full=False).wrong == ()


def test_every_rule_has_its_rows() -> None:
    assert {rule.__name__ for rule in ALL} == {row.rule for row in rows()}


def test_every_kind_of_finding_is_told_by_a_row_and_stands_in_the_table() -> None:
    """Each statement of a rule's file that makes words of a message is run by a fix that is undone."""
    ran, table = _run()
    untold = [
        f"{file.name}:{node.lineno}: {ast.unparse(node)[:90]}"
        for file in FILES
        for node in _saying(ast.parse(file.read_text()))
        if not any((file.name, line) in ran for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))
    ]
    assert untold == []
    before, _, _ = TABLE.read_text().partition("\n| rule ")
    text = "\n".join(
        (before, "| rule | without it | fix that is undone | words | source |", "|---|---|---|---|---|", *table, "")
    )
    if os.environ.get("UPDATE_GOLDEN"):
        TABLE.write_text(text)
    assert text.splitlines() == TABLE.read_text().splitlines(), "if this change is wanted: make golden"


def _run() -> tuple[set[tuple[str, int]], list[str]]:
    """File and line of all that the rules do with what the rows undo, and a line of the table for each row."""
    ran: set[tuple[str, int]] = set()
    table, files = [], set(map(str, FILES))

    def trace(frame: FrameType, _event: str, _value: object) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        ran.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
        return trace

    for row in rows():
        rule, after = rule_of(row), undone(row)
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            found = list(rule(after))
        finally:
            sys.settrace(before)
        told = next(one for one in found if row.says in one.message)
        rule_name = row.rule if told.rule == row.rule else f"{told.rule}: {row.rule}"
        cells = (rule_name, row.finding, row.fix, row.says, told.source)
        table.append(f"| {' | '.join(cell.strip().replace('|', chr(92) + '|') for cell in cells)} |")
    return ran, table


def _saying(module: ast.Module) -> Iterator[ast.stmt]:
    """Simple statements of functions with words in them: text with a space, no docstring."""
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Expr) and not _is_docstring(node):
                texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
                if any(isinstance(text, str) and " " in text.strip() for text in texts):
                    yield node


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
