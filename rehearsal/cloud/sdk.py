"""Inputs and outputs of resource types as a Pulumi SDK declares them, read from its generated source.

Importing an SDK costs a second and more; its files are regular enough to be read.
"""

import inspect
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import distribution
from pathlib import Path

ARGUMENTS = ("Args", "InitArgs")  # the second where a nested type has the first name
_GETTER = re.compile(r'@pulumi\.getter(?:\(name="(?P<wire>\w+)"\))?\s+def (?P<name>\w+)\(self\) -> (?P<type>.+):\n')
_VALUE = re.compile(r'^    [A-Z0-9_]+ = "([^"]*)"$', re.MULTILINE)
_CAMEL = re.compile(r"_([a-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The inputs and outputs of a resource type, in the names they have on the wire.

    `inputs` holds the type of each as it is written in the SDK; `nested` the members of the argument types therein.
    """

    inputs: Mapping[str, str]
    outputs: frozenset[str]
    nested: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    enums: Mapping[str, frozenset[str]] = field(default_factory=partial(defaultdict, frozenset))
    """Values of the enumerations therein; empty of one that is not known."""


@cache
def signature(package: str, token: str) -> Signature | None:
    """The signature of `package:module/resource:Class` or `package:module:Class`, None for a type the SDK lacks."""
    module, _, cls = token.removeprefix(f"{package}:").rpartition(":")
    file = _file(package, module.partition("/")[0].lower(), cls.lower())
    if not file:
        return None
    arguments, _, resource = file.read_text().partition(f"\nclass {cls}(pulumi.CustomResource):")
    arguments = arguments.partition("\n@pulumi.input_type\nclass _")[0]  # from there on it is the type's state
    if not any(f"class {cls}{suffix}:" in arguments for suffix in ARGUMENTS):
        return None
    return Signature(
        inputs=_getters(arguments), outputs=frozenset(_getters(resource)), nested=_Nested(file.with_name("_inputs.py")),
        enums=_Enums(file.with_name("_enums.py")),
    )  # fmt: skip


def declared(cls: type) -> Signature:
    """The signature of a resource class written by hand: its constructor's keywords, and its annotated properties.

    Annotations are taken as they are written, so its module postpones their evaluation.
    """
    keywords = inspect.signature(cls).parameters.values()
    inputs = {_camel(one.name): str(one.annotation) for one in keywords if one.kind is one.KEYWORD_ONLY}
    inputs.pop("opts", None)
    return Signature(inputs=inputs, outputs=frozenset(map(_camel, inspect.get_annotations(cls))) | frozenset(inputs))


class _Nested(dict[str, Mapping[str, str]]):
    """Members of the argument types of a module of the SDK, each read when asked for."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __missing__(self, name: str) -> Mapping[str, str]:
        source = _source(self._file).partition(f"\nclass {name}:")[2].partition("\n@pulumi.input_type")[0]
        self[name] = _getters(source)
        return self[name]


class _Enums(dict[str, frozenset[str]]):
    """Values of the enumerations of a module of the SDK, each read when asked for."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __missing__(self, name: str) -> frozenset[str]:
        source = _source(self._file).partition(f"\nclass {name}(")[2].partition("\nclass ")[0]
        self[name] = frozenset(_VALUE.findall(source))
        return self[name]


@cache
def _source(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _camel(name: str) -> str:
    return _CAMEL.sub(lambda letter: letter[1].upper(), name)


def _getters(source: str) -> dict[str, str]:
    return {found["wire"] or found["name"]: found["type"] for found in _GETTER.finditer(source)}


def _file(package: str, module: str, name: str) -> Path | None:
    """The file of the class. Snake case has its exceptions, so letters alone are compared."""
    root = distribution(f"pulumi-{package}").locate_file(f"pulumi_{package.replace('-', '_')}")
    return next((file for file in Path(str(root), module).glob("*.py") if file.stem.replace("_", "") == name), None)
