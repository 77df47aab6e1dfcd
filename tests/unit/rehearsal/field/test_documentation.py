"""The pages that list the field rules, against the rules."""

import re
from pathlib import Path

import pytest

from rehearsal.field.rules import RULES

DOCS = Path(__file__).parents[4] / "docs"
FIELD = Path(__file__).parents[4] / "rehearsal" / "field"


@pytest.mark.parametrize("page", ["rehearsal.md", "field-rules.md"])
def test_every_rule_has_a_row_with_its_source_and_what_it_finds(page: str) -> None:
    names = {rule.__name__ for rule in RULES}
    rows = {cells[1].strip(): cells[2:4] for line in (DOCS / page).read_text().splitlines()
            if line.startswith("| ") and len(cells := line.split("|")) >= 4 and cells[1].strip() in names}  # fmt: skip
    assert set(rows) == names
    assert all(cell.strip() for cells in rows.values() for cell in cells)


def test_every_module_that_finds_something_is_among_the_rules() -> None:
    told = {rule for file in FIELD.glob("*.py") for rule in re.findall(r'Finding\(\s*rule="(\w+)"', file.read_text())}
    assert told <= {rule.__name__ for rule in RULES}
