"""The pages that list the field rules, against the rules."""

import re
from pathlib import Path

import pytest

from rehearsal.field.rules import RULES
from tests.unit.rehearsal.field.undoing import ALL

DOCS = Path(__file__).parents[4] / "docs"
FIELD = Path(__file__).parents[4] / "rehearsal" / "field"


@pytest.mark.parametrize("page", ["rehearsal.md", "field-rules.md"])
def test_every_rule_has_a_row_with_its_source_and_what_it_finds(page: str) -> None:
    names = {rule.__name__ for rule in RULES}
    assert rows(page, names).keys() == names


def test_every_rule_of_one_cloud_alone_has_a_row_with_its_source() -> None:
    names = {rule.__name__ for rule in ALL} - {rule.__name__ for rule in RULES}
    assert rows("field-rules.md", names).keys() == names


def rows(page: str, names: set[str]) -> dict[str, list[str]]:
    """The two cells after the name, of each rule's row on the page; neither is empty."""
    found = {cells[1].strip(): cells[2:4] for line in (DOCS / page).read_text().splitlines()
             if line.startswith("| ") and len(cells := line.split("|")) >= 4 and cells[1].strip() in names}  # fmt: skip
    assert all(cell.strip() for cells in found.values() for cell in cells)
    return found


def test_every_module_that_finds_something_is_among_the_rules() -> None:
    told = {rule for file in FIELD.glob("*.py") for rule in re.findall(r'Finding\(\s*rule="(\w+)"', file.read_text())}
    assert told <= {rule.__name__ for rule in RULES}
