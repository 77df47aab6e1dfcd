"""First words of docstrings, and names of classes: the part of the house's English that a program can hold.

A docstring is a noun phrase ("Allocatable memory of a node.") or a verb in the third person ("Derives nodes from node
groups."), never a clause that begins with What, Who, Where or How: such a clause says that there is something, and not
what it is. A class name stands once in the tree, so that a name in a traceback or a review is one thing.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

CLAUSE = re.compile(r"(wh(at|o|om|ose|ere|ich|ether|en|y)|how)(ever)?\b", re.IGNORECASE)


def main(checkout: Path = CHECKOUT) -> int:
    """Prints each problem with its place; 1 if there is any."""
    modules = {file.relative_to(checkout): ast.parse(file.read_text()) for file in sorted(_files(checkout))}
    problems = [*_clauses(modules), *_names_twice(modules)]
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


def _files(checkout: Path) -> Iterator[Path]:
    for folder in checkout.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            yield from folder.rglob("*.py")


def _clauses(modules: Mapping[Path, ast.Module]) -> Iterator[str]:
    for path, module in modules.items():
        for line, text in _docstrings(module):
            if found := CLAUSE.match(text):
                yield f"{path}:{line}: a docstring begins with {found[0]!r}; begin with a noun or a verb: does, not how"


def _docstrings(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of each: of modules, classes and functions; of constants and fields."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.body and (first := _text(node.body[0])) is not None:
                yield node.body[0].lineno, first
            for above, below in zip(node.body, node.body[1:], strict=False):
                if isinstance(above, ast.Assign | ast.AnnAssign) and (text := _text(below)) is not None:
                    yield below.lineno, text


def _text(node: ast.stmt) -> str | None:
    value = node.value if isinstance(node, ast.Expr) else None
    return value.value.lstrip() if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _names_twice(modules: Mapping[Path, ast.Module]) -> Iterator[str]:
    """Tests apart: their classes are nobody else's."""
    places: dict[str, list[str]] = {}
    for path, module in modules.items():
        for node in module.body if path.parts[0] != "tests" else ():
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path}:{node.lineno}")
    for name, found in places.items():
        if len(found) > 1:
            yield f"{found[0]}: the class {name} stands in {', '.join(found[1:])} too; give each a name of its own"


if __name__ == "__main__":
    raise SystemExit(main())
