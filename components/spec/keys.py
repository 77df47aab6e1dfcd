"""The keys of a stack file: which are penstock's, which were meant to be, and which belong to other programs."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from components.engine_yaml import TOO_DEEP
from components.errors import Problem
from components.spec.explain import unknown_key

PREFIX = "penstock:"
"""The prefix of penstock's keys in a stack file, in a project of whatever name."""

MOST_LEVELS = 100
"""Lists and mappings inside each other, in the value of one key."""

PROVIDERS = frozenset(
    {
        "aws", "aws-native", "awsx", "azure", "azure-native", "azuread", "coreweave", "eks", "gcp", "google-native",
        "helm", "kubernetes", "oci",
    }
)  # fmt: skip
"""Namespaces of providers that a cloud of penstock's has, or may be taken for."""

ENGINES = frozenset({"pulumi"})
"""Namespaces that the engine itself reads (`pulumi:tags`, `pulumi:disable-default-providers`)."""

_ALIKE_ENOUGH = 0.65
"""Likeness of two namespaces from which one is a misspelling of the other: `asw` and `aws` are 0.67."""

_LETTERS = [f"[{letter}{letter.upper()}]" for letter in PREFIX.rstrip(":")]
_ALIKE = "|".join("".join((*_LETTERS[:at], ".{0,3}", *_LETTERS[at + 2 :])) for at in range(len(_LETTERS) - 1))
_NEARLY_OURS = f"^(?!{PREFIX})(?:{_ALIKE}):"
"""Prefixes that were meant for penstock's: other capitals, or a mistake in two neighbouring letters."""


def own_keys(
    config: Mapping[str, Any], names: Sequence[str], project: str
) -> tuple[dict[str, Any], list[Problem]]:  # fmt: skip
    """The keys that penstock reads, by name, and a problem for each that is misspelled.

    Such a key counts as what it was meant for, so that mistakes inside of it are told as well. `project` is the
    namespace that the engine gives a key without one.
    """
    own: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in sorted(config.items(), key=lambda item: item[0].removeprefix(PREFIX) not in names):
        name, problem = _meant(key, names, project)
        problems += [problem] if problem else []
        if name and _is_deep(value, MOST_LEVELS):
            problems.append(Problem(path=name, message=TOO_DEEP))
        elif name:
            own.setdefault(name, value)
    return own, problems


def _meant(key: str, names: Sequence[str], project: str) -> tuple[str, Problem | None]:
    """The name among penstock's own that a key was meant for, "" where it is another program's, and what is wrong."""
    namespace, _, name = key.partition(":")
    ours, bare = f"{namespace}:" == PREFIX, namespace == project
    if ours and name in names:
        return name, None
    if bare and name in names:
        told = f"without a prefix it is the project's own ('{key}'); write '{PREFIX}{name}'"
        return name, Problem(path=f"config.{name}", message=told)
    with_other_colon = (ours or bare) and name.startswith(PREFIX[:-1])
    if not (ours or with_other_colon or (not bare and re.search(_NEARLY_OURS, key))):
        return "", None
    meant = "".join(get_close_matches(name.removeprefix(PREFIX[:-1]), names, n=1))
    path = f"config.{name}" if with_other_colon else key if " " not in key else f"config.{key!r}"
    known = [PREFIX + one for one in names]
    return meant, Problem(path=path, message=unknown_key(PREFIX + meant if meant else "", known))


def provider_keys(config: Mapping[str, Any], cloud: str, accepts: bool) -> tuple[dict[str, Any], list[Problem]]:
    """The keys of the cloud's own provider, by name, and a problem for each key of a provider that would be dropped.

    Penstock gives each provider its settings by itself, so that the engine's default providers read such a key in vain.
    """
    own: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in config.items():
        namespace, _, name = key.partition(":")
        if namespace == cloud and accepts:
            own[name] = value
        elif namespace in PROVIDERS:
            message = (
                f"no provider of a stack on {cloud or 'no cloud'} is given it, so it would be passed over; remove it"
            )
            problems.append(Problem(path=key, message=message))
    return own, problems


def others_keys(config: Mapping[str, Any], names: Sequence[str], project: str) -> tuple[list[str], list[Problem]]:
    """A warning for each key that nobody reads, and a problem for each whose namespace is a provider's misspelled.

    The engine lets a stack file have keys of any namespace, for programs to share; penstock's reads only its own.
    A provider's key may be a guard, which must not be lost by two letters.
    """
    warnings: list[str] = []
    problems: list[Problem] = []
    for key in config:
        namespace, _, name = key.partition(":")
        if f"{namespace}:" == PREFIX or namespace in PROVIDERS | ENGINES or _meant(key, names, project)[0]:
            continue
        alike = get_close_matches(namespace.lower(), PROVIDERS, n=1, cutoff=_ALIKE_ENOUGH)
        if namespace != project and alike:
            message = f"no provider is called {namespace!r}; did you mean '{alike[0]}:{name}'? Else remove it"
            problems.append(Problem(path=key, message=message))
            continue
        meant = get_close_matches(name, names, n=1)
        hint = f"did you mean '{PREFIX}{meant[0]}'?" if meant else f"penstock's keys begin with '{PREFIX}'"
        warnings.append(f"{key}: passed over, as penstock's program reads no such key; {hint}")
    return warnings, problems


def _is_deep(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deep(part, levels - 1) for part in inner)


def as_in_the_file(problem: Problem) -> str:
    """The problem with its path as the file has it: with penstock's prefix. `stack` and `config` are no keys."""
    first = problem.path.partition(".")[0]
    return str(problem) if ":" in first or first in ("stack", "config") else f"{PREFIX}{problem}"


def wrong_keys(names: Sequence[str]) -> dict[str, Any]:
    """Patterns of a JSON schema's `patternProperties` for keys that were meant for penstock, with what to say."""
    known = "|".join(names)
    told = f"{PREFIX}NAME is a key of penstock; NAME is {', '.join(names)}"
    patterns = (_NEARLY_OURS, f"^{PREFIX}(?!(?:{known})$)", f"^(?:{known})$", f"^{PREFIX[:-1]}[^:]*$")
    return {pattern: {"not": {}, "description": told, "errorMessage": told} for pattern in patterns}
