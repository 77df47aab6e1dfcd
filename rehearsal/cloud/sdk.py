"""Inputs and outputs of resource types as a Pulumi SDK declares them, read from its generated source.

Importing an SDK costs a second and more; its files are regular enough to be read.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

ARGUMENTS = ("Args", "InitArgs")  # the second where a nested type has the first name
_GETTER = re.compile(r'@pulumi\.getter(?:\(name="(?P<wire>\w+)"\))?\s+def (?P<name>\w+)\(')


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The inputs and outputs of a resource type, in the names they have on the wire."""

    inputs: frozenset[str]
    outputs: frozenset[str]


@cache
def signature(package: str, token: str) -> Signature | None:
    """The signature of `package:module/resource:Class` or `package:module:Class`, None for a type the SDK lacks."""
    module, _, cls = token.removeprefix(f"{package}:").rpartition(":")
    file = _file(package, module.partition("/")[0].lower(), cls.lower())
    if not file:
        return None
    arguments, _, resource = file.read_text().partition(f"\nclass {cls}(pulumi.CustomResource):")
    arguments = arguments.partition("\n@pulumi.input_type\nclass _")[
        0
    ]  # what follows is the type's state, not its inputs
    if not any(f"class {cls}{suffix}:" in arguments for suffix in ARGUMENTS):
        return None
    return Signature(inputs=_getters(arguments), outputs=_getters(resource))


def _getters(source: str) -> frozenset[str]:
    return frozenset(found["wire"] or found["name"] for found in _GETTER.finditer(source))


def _file(package: str, module: str, name: str) -> Path | None:
    """The file of the class. Snake case has its exceptions, so letters alone are compared."""
    root = distribution(f"pulumi-{package}").locate_file(f"pulumi_{package.replace('-', '_')}")
    return next((file for file in Path(str(root), module).glob("*.py") if file.stem.replace("_", "") == name), None)
