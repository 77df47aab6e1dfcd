"""Writes components/serving/engines/facts.json: what vLLM and SGLang have, read from their wheels.

    python -m tools.engine_flags vllm-0.33.0-....whl sglang-0.5.23-....whl

Flags, paths, metrics and variables, by the syntax of the files: nothing of a wheel is installed or run.
`pip download --no-deps vllm==VERSION` fetches one.
"""

import ast
import datetime
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

FACTS = Path(__file__).parents[1] / "components/serving/engines/facts.json"

_NAME = re.compile(r"(?P<name>[a-z]+)-(?P<version>[^-]+)-")
_METRIC = re.compile(r"(vllm|sglang):[a-z_]+")

Read = Callable[[str], ast.Module]
"""Syntax of one file of a wheel."""


def main(wheels: list[str]) -> None:
    """Writes what the wheels hold, and says how much that is."""
    found = dict(facts_of(Path(wheel)) for wheel in wheels)
    FACTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    for engine, facts in found.items():
        counts = ", ".join(f"{len(facts[key])} {key}" for key in ("flags", "paths", "metrics", "variables"))
        sys.stdout.write(f"{engine} {facts['version']}: {counts}\n")


def facts_of(wheel: Path) -> tuple[str, dict[str, Any]]:
    """Name of the engine, and all that is told of it."""
    name = _NAME.match(wheel.name)
    assert name, f"{wheel.name}: not the name of a wheel"
    engine = name["name"]
    with ZipFile(wheel) as archive:
        facts = _READERS[engine](archive)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return engine, {
        "version": name["version"],
        "source": f"{wheel.name} (PyPI), sha256 {digest}",
        "read": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **{key: sorted(set(values)) for key, values in facts.items()},
    }


def _vllm(archive: ZipFile) -> dict[str, list[str]]:
    """`vllm serve` adds arguments by hand, and one for each field of its front end's classes."""
    arguments, front = "vllm/engine/arg_utils.py", "vllm/entrypoints/common/cli_args.py"
    read = _reader(archive)
    return {
        "flags": [
            *_added(read(arguments)),
            *_added(read(front)),
            *(f"--{field.replace('_', '-')}" for field in _fields(read(front), ("BaseFrontendArgs", "FrontendArgs"))),
        ],
        "paths": list(_routes(archive, read, "vllm/entrypoints/")),
        "metrics": list(_metrics(read("vllm/v1/metrics/loggers.py"))),
        "variables": list(_keys(read("vllm/envs.py"), "VLLM_")),
    }


def _sglang(archive: ZipFile) -> dict[str, list[str]]:
    """SGLang makes an argument of every annotated field that does not say otherwise."""
    read, folder = _reader(archive), "sglang/srt/arg_groups/fields/"
    files = [name for name in archive.namelist() if name.startswith(folder) and name.endswith(".py")]
    return {
        "flags": [
            *_added(read("sglang/srt/server_args.py")),
            *(flag for name in files for flag in _annotated(read(name))),
        ],
        "paths": list(_routes(archive, read, "sglang/srt/entrypoints/http_server.py"))
        + list(_literals(read("sglang/srt/utils/common.py"), "/metrics")),
        "metrics": list(_metrics(read("sglang/srt/observability/metrics_collector.py"))),
        "variables": list(_assigned(read("sglang/srt/environ.py"), "SGLANG_")),
    }


_READERS: Mapping[str, Callable[[ZipFile], dict[str, list[str]]]] = {"vllm": _vllm, "sglang": _sglang}


def _reader(archive: ZipFile) -> Read:
    return lambda name: ast.parse(archive.read(name))


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == name:
            yield node


def _strings(nodes: list[Any]) -> Iterator[str]:
    yield from (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _added(tree: ast.AST) -> Iterator[str]:
    """Flags of `add_argument("--name", "-n")`."""
    for call in _calls(tree, "add_argument"):
        yield from (text for text in _strings([*call.args]) if text.startswith("-"))


def _fields(tree: ast.AST, classes: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in classes:
            yield from (
                line.target.id
                for line in node.body
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            )


def _annotated(tree: ast.AST) -> Iterator[str]:
    """Flags of `field: A[type, "help"]` and `field: A[type, Arg(aliases=[...])]`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        if not isinstance(node.annotation, ast.Subscript) or getattr(node.annotation.value, "id", "") != "A":
            continue
        given = {word.arg: word.value for call in _calls(node.annotation, "Arg") for word in call.keywords if word.arg}
        if getattr(given.get("no_cli"), "value", False):
            continue
        named = list(_strings([given.get("cli_name")]))
        yield from named or [f"--{node.target.id.replace('_', '-')}"]
        yield from _strings(getattr(given.get("aliases"), "elts", []))


def _routes(archive: ZipFile, read: Read, below: str) -> Iterator[str]:
    """Paths that are answered: of decorators `@router.get("/path")`, and of what is mounted."""
    for name in archive.namelist():
        if name.startswith(below) and name.endswith(".py"):
            tree = read(name)
            for verb in ("get", "post", "mount", "Mount"):
                for call in _calls(tree, verb):
                    yield from (text for text in _strings([*call.args][:1]) if text.startswith("/"))


def _literals(tree: ast.AST, text: str) -> Iterator[str]:
    yield from (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == text)


def _metrics(tree: ast.AST) -> Iterator[str]:
    """Names as Prometheus reads them: its client adds `_total` to a counter's."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for text in _strings([word.value for word in call.keywords if word.arg == "name"]):
            if _METRIC.fullmatch(text):
                counts = "counter" in ast.unparse(call.func).lower() and not text.endswith("_total")
                yield f"{text}_total" if counts else text


def _keys(tree: ast.AST, prefix: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (text for text in _strings([*node.keys]) if text.startswith(prefix))


def _assigned(tree: ast.AST, prefix: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names = (target.id for target in node.targets if isinstance(target, ast.Name))
            yield from (name for name in names if name.startswith(prefix))


if __name__ == "__main__":
    main(sys.argv[1:])
