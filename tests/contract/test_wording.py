"""The house's words: what no text has that a user reads, and what it has instead."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "bench", "components", "engine", "lab", "penstock", "plugin", "policies", "providers", "stacks", "tools",
    "workloads",
)  # fmt: skip
"""All but the rehearsal, whose refusals are in the words of clouds and of Kubernetes."""

INSTEAD = {
    r"mistakes?": "problem, or the fact alone: nobody is blamed",
    r"invalid|illegal": "`is not ...`, with what is right",
    r"please|sorry|oops": "nothing",
    r"simply|just|obviously|of course": "nothing",
    r"unable to": "`cannot`, or what happened",
}
"""By words that are not used, those in their place. Fact, limit, remedy: CONTRIBUTING.md."""


def texts(source: str) -> Iterator[str]:
    """Texts of a program without its docstrings."""
    tree = ast.parse(source)
    bodies = (getattr(node, "body", None) for node in ast.walk(tree))
    alone = (line for body in bodies if isinstance(body, list) for line in body if isinstance(line, ast.Expr))
    docstrings = {id(line.value) for line in alone}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def unused_words(source: str) -> list[str]:
    pattern = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.IGNORECASE)
    return [text for text in texts(source) if pattern.search(text)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_message_has_words_that_the_house_does_not_use(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    found = {str(file.relative_to(ROOT)): words for file in files if (words := unused_words(file.read_text()))}
    assert found == {}


def test_such_words_would_be_seen() -> None:
    source = (
        '"""A mistake in a docstring."""\ndef told(name):\n    return f"Invalid {name}: please correct your mistake"\n'
    )
    assert unused_words(source) == ["Invalid ", ": please correct your mistake"]
