"""Encrypted values of a stack file (`secure:`), which the engine alone can read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.errors import Problem
from components.spec.explain import readable_path
from components.spec.keys import PREFIX

ENCRYPTED = "is encrypted, which only the engine can read; it is planned as if it were left out"


def without_secrets(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The config without its encrypted values, and the paths of those that are penstock's."""
    found: list[tuple[int | str, ...]] = []
    left = {key: _left(value, (key,), found) for key, value in config.items() if not _is_secret(value)}
    found += [(key,) for key, value in config.items() if _is_secret(value)]
    return left, [readable_path(place, config) for place in found if str(place[0]).startswith(PREFIX)]


def _left(value: Any, place: tuple[int | str, ...], found: list[tuple[int | str, ...]]) -> Any:
    if not isinstance(value, Mapping | list):
        return value
    entries: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, Mapping) else enumerate(value)
    kept = {}
    for key, inner in entries:
        if _is_secret(inner):
            found.append((*place, key))
        else:
            kept[key] = _left(inner, (*place, key), found)
    return kept if isinstance(value, Mapping) else list(kept.values())


def _is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"} and isinstance(value["secure"], str)


def told_of_secrets(problems: Sequence[Problem], secrets: Sequence[str]) -> list[Problem]:
    """The problems; where one is that an encrypted value was left out, it says so."""
    what = "is encrypted, which only the engine can read, and no plan can do without it; `pulumi preview` reads it"
    hidden = {secret.removeprefix(PREFIX) for secret in secrets}
    return [Problem(path=one.path, message=what) if one.path in hidden else one for one in problems]
