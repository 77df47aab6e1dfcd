"""Keys of penstock's own: named in one module, and as tags of a stack."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from components.labels import labels_for

ROOT = Path(__file__).parents[3]
PRODUCT = ("components", "providers", "plugin", "stacks", "workloads", "lab")


def texts(file: Path) -> Iterator[str]:
    """Texts of a module that are no docstrings."""
    tree = ast.parse(file.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_every_key_is_named_in_one_module() -> None:
    files = [file for room in PRODUCT for file in (ROOT / room).rglob("*.py") if file.name != "labels.py"]
    keys = ("penstock.dev", "app.kubernetes.io/managed-by", "PENSTOCK_FOLDER", "penstock:expires", "penstock:stack")
    named = {str(file.relative_to(ROOT)): text for file in files for text in texts(file) if text.startswith(keys)}
    assert len(files) > 100
    assert named == {}


def test_a_stacks_tags_leave_out_what_it_has_not() -> None:
    assert labels_for("dev", None, None) == {"penstock:stack": "dev"}
    assert labels_for("dev", datetime(2027, 1, 31, 12, tzinfo=UTC), 12.50) == {
        "penstock:stack": "dev",
        "penstock:expires": "2027-01-31T12:00:00+00:00",
        "penstock:budget-usd-per-hour": "12.5",
    }
