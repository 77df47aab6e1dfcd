"""Chat templates as Hugging Face's folders have them: Jinja, in a sandbox, with the names that `transformers` gives."""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class ConversationError(ValueError):
    """A conversation that the model's template refuses, in the template's own words."""


class BrokenTemplateError(ValueError):
    """A chat template that is none."""


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """A chat template before it is read: what can be handed to another process, and compared."""

    text: str
    tokens: tuple[tuple[str, str], ...]
    """Texts of `bos_token`, `eos_token` and the like."""


def template_source(described: Mapping[str, Any], own_file: str | None) -> TemplateSource | None:
    """The template of a folder by its tokenizer_config.json, or before that by its chat_template.jinja; None where it
    has none.
    """
    text = described.get("chat_template") if own_file is None else own_file
    if isinstance(text, list):  # several by name, as transformers 4 had it
        text = {one.get("name"): one.get("template") for one in text}.get("default")
    if not isinstance(text, str):
        return None
    found = ((name, _content(described.get(name))) for name in _TOKENS)
    return TemplateSource(text, tuple((name, token) for name, token in found if token is not None))


class ChatTemplate:
    """A conversation as the model was taught to read it."""

    def __init__(self, source: TemplateSource, today: datetime | None = None) -> None:
        """`today`: the day that a template is told, where it asks; None for the one that it is. BrokenTemplateError
        when the template does not parse.
        """
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
        )
        environment.filters["tojson"] = _json
        # Not bound to the day of the start: a server lives longer.
        now = {"strftime_now": lambda form: (today or datetime.now()).strftime(form)}  # noqa: PLW0108
        environment.globals |= {"raise_exception": _refuse, **now}
        try:
            self._template = environment.from_string(source.text)
        except TemplateError as error:
            raise BrokenTemplateError(str(error)) from None
        self._tokens = dict(source.tokens)

    def render(self, messages: Iterable[tuple[str, str]], controls: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Pieces of the conversation up to where the assistant speaks, each with whether its control tokens are meant.

        `controls` are the texts of all control tokens, longest first: where a message writes one out, that piece is
        plain text. ConversationError when the template refuses the conversation.
        """
        mark = secrets.token_hex(8)
        given = [{"role": role, "content": _hidden(content, controls, mark)} for role, content in messages]
        yield from _shown(self._text(given, prompts=True), controls, mark)

    def answers(
        self, messages: Sequence[tuple[str, str]], controls: Sequence[str]
    ) -> list[tuple[list[tuple[str, bool]], bool]]:
        """The whole conversation, cut where each answer begins and where it is known to end: the pieces of a stretch,
        as of `render`, and whether it begins with an answer.

        An answer begins behind what the template writes before it when it is to be given. ConversationError when the
        template refuses the conversation, or writes answers elsewhere.
        """
        mark = secrets.token_hex(8)
        given = [{"role": role, "content": _hidden(content, controls, mark)} for role, content in messages]
        text = self._text(given, prompts=False)
        cuts = [(0, False)]
        for index, message in enumerate(given):
            if message["role"] != "assistant":
                continue
            before = self._text(given[:index], prompts=True)
            if not text.startswith(before):
                raise ConversationError("the template writes a conversation otherwise than it asks for an answer")
            cuts.append((len(before), True))
            behind = self._text(given[: index + 1], prompts=False)
            if text.startswith(behind) and len(behind) > len(before):
                cuts.append((len(behind), False))
        ends = [begin for begin, _ in cuts[1:]] + [len(text)]
        return [
            (list(_shown(text[begin:end], controls, mark)), is_answer)
            for (begin, is_answer), end in zip(cuts, ends, strict=True)
        ]

    def _text(self, messages: Sequence[Mapping[str, str]], *, prompts: bool) -> str:
        try:
            return self._template.render(
                messages=messages, tools=None, documents=None, add_generation_prompt=prompts, **self._tokens
            )
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ConversationError(str(error)) from None


class _Generation(Extension):
    """The tag around an answer in some templates; what is in it is text like any other here."""

    tags = {"generation"}  # noqa: RUF012 (jinja's own form)

    def parse(self, parser: Parser) -> list[Node]:
        """The content of the tag."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _shown(text: str, controls: Sequence[str], mark: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, with the control tokens that messages write out in place of their marks."""
    for index, piece in enumerate(text.split(mark)):
        own = index % 2 == 0
        if piece:
            yield (piece if own else controls[int(piece)]), own


def _hidden(content: str, controls: Sequence[str], mark: str) -> str:
    """The text with a mark in place of each control token that it writes out."""
    if not controls:
        return content
    return re.sub("|".join(map(re.escape, controls)), lambda found: f"{mark}{controls.index(found[0])}{mark}", content)


def _content(token: object) -> str | None:
    """A token's text; older files write a mapping."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None


def _json(value: Any, indent: int | None = None) -> str:
    """As `transformers` writes JSON into a template: without HTML's escapes."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
