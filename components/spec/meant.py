"""Misspelled keys of a stack file as they were meant, so that the rest of their sections is judged all the same."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from components.spec.base import Spec
from components.spec.explain import closest, readable_path
from components.spec.forms import forms_at, has_kinds, is_of_kind, keys_of


def with_keys_as_meant(form: type[BaseModel], written: Any) -> tuple[Any, frozenset[str]]:
    """The same with each unknown key under the name that a message suggests for it, and the paths of those keys.

    One whose suggestion is there already stays, as nothing tells what it was for.
    """
    found: set[str] = set()
    return _meant([form], written, (), written, found), frozenset(found)


def _meant(forms: list[Any], value: Any, place: tuple[int | str, ...], whole: Any, found: set[str]) -> Any:
    if isinstance(value, list):
        return [_meant(forms, one, (*place, at), whole, found) for at, one in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if isinstance(kind := value.get("kind"), str):
        forms = [form for form in forms if not has_kinds(form) or is_of_kind(form, kind)]
    given: dict[Any, Any] = {}
    for key, one in value.items():
        name = _name_of(key, forms, value)
        if name in given:
            name = key
        if name != key:
            found.add(readable_path((*place, key), whole))
        given[name] = _meant(forms_at(forms, name), one, (*place, key), whole, found)
    return given


def _name_of(key: Any, forms: list[Any], beside: Mapping[Any, Any]) -> Any:
    """The key that was meant; the key itself where it is one, or nobody knows."""
    known = {one for form in forms for one in keys_of(form)}
    refused = any(isinstance(form, type) and issubclass(form, Spec) and key in form.refused_keys for form in forms)
    if not isinstance(key, str) or not known or key in known or refused:
        return key
    close = closest(key, sorted(known))
    return close if close and close not in beside else key
