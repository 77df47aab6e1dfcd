"""docs/components.md: every component that it names can be imported from where it says."""

import importlib
import re
from pathlib import Path


def named(repository: Path) -> list[str]:
    """The dotted names in the table's first column."""
    rows = (repository / "docs" / "components.md").read_text().splitlines()
    return re.findall(
        r"`((?:components|providers)\.[\w.]+)`", "\n".join(row.split("|")[1] for row in rows if "|" in row)
    )


def test_every_component_is_where_the_page_says(repository: Path) -> None:
    names = named(repository)
    assert len(names) >= 14
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), attribute, None), type), name
