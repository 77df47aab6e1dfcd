"""First words of docstrings, and class names that stand twice."""

from pathlib import Path

import pytest

from tools.docstrings import main


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / Path(*name.split("__")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    "text",
    [
        '"""What it is."""\n',
        'def f():\n    """Whether it is."""\n',
        'async def f():\n    """How it is."""\n',
        'class A:\n    """\n    Who it is."""\n',
        'class A:\n    def f(self):\n        """where it is"""\n',
        'A = 1\n"""Whichever it is."""\n',
        'class A:\n    a: int\n    """When it is."""\n',
    ],
)
def test_a_clause_is_reported_with_its_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(written(tmp_path, tests__a=text)) == 1
    line = 1 + text[: text.index('"""')].count("\n")
    assert capsys.readouterr().out.startswith(f"tests/a.py:{line}: a docstring begins with ")


@pytest.mark.parametrize(
    "text",
    [
        '"""Allocatable memory of a node: what pods can have."""\n',
        '"""Whatsoever the word: Howard, Whole and Whence are others."""\n',
        'def f():\n    """Derives nodes."""\n    """What is no docstring."""\n',
        'A = "What is a value."\n',
    ],
)
def test_other_text_passes(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(written(tmp_path, a__b=text)) == 0
    assert capsys.readouterr().out == ""


def test_a_class_name_that_stands_twice_is_reported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = written(tmp_path, a__b="class A: ...\n", b__c="class A: ...\nclass B: ...\n", tests__a="class B: ...\n")
    assert main(checkout) == 1
    assert capsys.readouterr().out == "a/b.py:1: the class A stands in b/c.py:1 too; give each a name of its own\n"


def test_classes_inside_others_and_the_environment_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "a.py").write_text('"""What it is."""\nclass A: ...\n')
    assert main(written(tmp_path, a__b="class A:\n    class B: ...\n", b__c="class C:\n    class B: ...\n")) == 0
