"""Closed choices of a stack file: mappings of which exactly one key is given."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, model_validator

from components.errors import Problem
from components.spec.base import Spec
from components.spec.explain import readable_path
from components.spec.forms import forms_at, has_kinds, is_of_kind, keys_of, models_in

_Written = TypeVar("_Written")

ONE_OF = "give exactly one of"


class Choice(Spec):
    """A spec that is one of several things, by the key that is given."""

    ways: ClassVar[tuple[str, ...]] = ()
    """Fields of the choice where others stand beside them; when left out, all."""
    hint: ClassVar[str] = ""
    """Words on what belongs to each of them."""

    @classmethod
    def of(cls) -> Mapping[str, str]:
        """Fields of the choice by their keys in a stack file."""
        return {cls.model_fields[name].alias or name: name for name in cls.ways or cls.model_fields}

    @classmethod
    def told(cls) -> str:
        """The remedy where none is given, or several."""
        *first, last = cls.of()
        return f"{ONE_OF} {', '.join(first)} and {last}{cls.hint}"

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in self.of().values()) != 1:
            raise ValueError(self.told())
        return self


def as_chosen(form: type[BaseModel], written: _Written) -> tuple[_Written, tuple[Problem, ...]]:
    """The same with every closed choice as it is meant, and the problems of those that are none.

    A key without a value counts as left out beside another, and alone as the choice that it names: its defaults, or
    what is told of it as if it were empty.
    """
    problems: list[Problem] = []
    return _as_chosen([form], written, (), written, problems), tuple(problems)


def _as_chosen(forms: list[Any], value: Any, place: tuple[int | str, ...], whole: Any, problems: list[Problem]) -> Any:
    if isinstance(value, list):
        return [_as_chosen(forms, one, (*place, at), whole, problems) for at, one in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if isinstance(kind := value.get("kind"), str):
        forms = [form for form in forms if not has_kinds(form) or is_of_kind(form, kind)]
    given = dict(value)
    for form in forms:
        if isinstance(form, type) and issubclass(form, Choice):
            path, judged = readable_path(place, whole), _judged(form, given)
            problems += (Problem(path=f"{path}{where}".lstrip("."), message=what) for where, what in judged)
    return {key: _as_chosen(forms_at(forms, key), one, (*place, key), whole, problems) for key, one in given.items()}


def _judged(form: type[Choice], given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Place below and problem of each wrong choice; a right one without a value gets one."""
    said = [key for key in form.of() if key in given]
    chosen = [key for key in said if given[key] is not None] or said
    if len(chosen) != 1:
        by_wrong_key = not chosen and any(key not in keys_of(form) for key in given)
        if not by_wrong_key:
            yield "", form.told()
        return
    (key,) = chosen
    if given[key] is not None:
        return
    field = form.model_fields[form.of()[key]]
    if models_in(field.annotation):
        given[key] = {}
        return
    needed = " ".join((field.description or "").split()).partition(". ")[0].rstrip(".")
    yield f".{key}", f"null is no value; give the key one: {needed}"
