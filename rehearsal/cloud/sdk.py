"""What pulumi-aws's own SDK says of a resource's inputs, read from its generated source.

Importing the SDK costs a second and more; its files are regular enough to be read.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution, version
from pathlib import Path

ARGUMENTS = ("Args", "InitArgs")  # the second where a nested type has the first name
_GETTER = re.compile(r'@pulumi\.getter(?:\(name="(?P<wire>\w+)"\))?\s+def (?P<name>\w+)\(')


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The inputs and outputs of a resource type, in the names they have on the wire."""

    inputs: frozenset[str]
    outputs: frozenset[str]


def sdk_version() -> str:
    return version("pulumi-aws")


@cache
def signature(token: str) -> Signature | None:
    """The type's signature, None for a type that the installed SDK does not have."""
    module, name = token.removeprefix("aws:").split("/")
    file = _file(module, name.partition(":")[0])
    if not file:
        return None
    cls = name.partition(":")[2]
    arguments, _, rest = file.read_text().partition("\n@pulumi.input_type\nclass _")
    if not any(f"class {cls}{suffix}:" in arguments for suffix in ARGUMENTS):
        return None
    resource = rest.partition(f"\nclass {cls}(pulumi.CustomResource):")[2]
    return Signature(inputs=_getters(arguments), outputs=_getters(resource))


def _getters(source: str) -> frozenset[str]:
    return frozenset(found["wire"] or found["name"] for found in _GETTER.finditer(source))


def _file(module: str, name: str) -> Path | None:
    """The file of the class. Snake case has its exceptions, so letters alone are compared."""
    folder = Path(str(distribution("pulumi-aws").locate_file("pulumi_aws")), module)
    return next((file for file in folder.glob("*.py") if file.stem.replace("_", "") == name.lower()), None)
