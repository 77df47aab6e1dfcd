"""Chat templates as Hugging Face's folders have them: Jinja, in a sandbox, with the names that `transformers` gives."""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workloads.serve.load import LoadError


class ConversationError(ValueError):
    """A conversation that the model's template refuses, in the template's own words."""


class ChatTemplate:
    """A conversation as the model was taught to read it."""

    def __init__(self, source: str, tokens: Mapping[str, str]) -> None:
        """`tokens`: the texts of `bos_token`, `eos_token` and the like; LoadError when the template does not parse."""
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[_LOOP_CONTROLS])
        environment.filters["tojson"] = _json
        environment.globals |= {"raise_exception": _refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise LoadError(f"chat_template: is not a template ({error}); correct it in the model's folder") from None
        self._tokens = tokens

    def render(self, messages: Iterable[tuple[str, str]], controls: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Pieces of the conversation up to where the assistant speaks, each with whether its control tokens are meant.

        `controls` are the texts of all control tokens, longest first: where a message writes one out, that piece is
        plain text. ConversationError when the template refuses the conversation.
        """
        mark = secrets.token_hex(8)
        given = [{"role": role, "content": _hidden(content, controls, mark)} for role, content in messages]
        try:
            text = self._template.render(
                messages=given, tools=None, documents=None, add_generation_prompt=True, **self._tokens
            )
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ConversationError(str(error)) from None
        for index, piece in enumerate(text.split(mark)):
            own = index % 2 == 0
            if piece:
                yield (piece if own else controls[int(piece)]), own


_LOOP_CONTROLS = "jinja2.ext.loopcontrols"


def _hidden(content: str, controls: Sequence[str], mark: str) -> str:
    """The text with a mark in place of each control token that it writes out."""
    if not controls:
        return content
    return re.sub("|".join(map(re.escape, controls)), lambda found: f"{mark}{controls.index(found[0])}{mark}", content)


def _json(value: Any, indent: int | None = None) -> str:
    """As `transformers` writes JSON into a template: without HTML's escapes."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
