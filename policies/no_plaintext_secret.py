"""A value that is called a secret is marked as one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.rule import Rule
from policies.values import SecretText

SECRET_NAME = re.compile(r"(?i)(password|passphrase|secret|api_?key|access_?key|private_?key|auth_?token|kubeconfig)$")


def check(_kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """The path of every plain text under a secret's name."""
    for path, value in _texts("", inputs):
        if SECRET_NAME.search(path.rpartition(".")[2]):
            yield f"{path} is plain text of {len(value)} characters"


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value and not isinstance(value, SecretText):
        yield path, value
    children = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _texts(f"{path}.{key}".lstrip("."), child)


RULE = Rule(
    name="no-plaintext-secret",
    reason="inputs of a resource stand in the state, in previews and in logs",
    remedy="set it with `pulumi config set --secret`, or wrap it in pulumi.Output.secret",
    level="mandatory",
    check=check,
)
