"""Identity: whoever a stack file names to build with, and the accounts that it allows, are told to every provider."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import Deployment, Finding

PROVIDER = "pulumi:providers:"
SOURCE = "Pulumi, Explicit provider configuration: a program's own provider reads no key of the stack"


def identity(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each text of a provider's key in the file that a provider of that namespace was not given.

    A key may have another name or form there; what counts is that each of its values has arrived.
    """
    for key, value in deployment.config.items():
        namespace = key.partition(":")[0]
        for one in deployment.resources:
            if one.token != PROVIDER + namespace:
                continue
            given = set(_texts(one.inputs))
            if missing := sorted(set(_texts(value)) - given):
                message = f"{key} is in the stack file, and the provider {one.name} was not given {', '.join(missing)}"
                yield Finding(rule="identity", subject=key, message=message, source=SOURCE)


def _texts(value: Any) -> Iterator[str]:
    """All values inside, through text that holds JSON."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = json.loads(value)
    if isinstance(value, Mapping):
        if "secure" in value:  # only the engine can read it
            return
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif value is not None:
        yield str(value)
