"""Conversations as tokens: the model's own chat template writes them, and the loss is on the assistant's answers.

Whole conversations are packed into sequences of the run's context, so that none is cut and none sees another. A file
of tokens is so many sequences, and each token says of itself whether it is learned and whether it begins a
conversation. What fills a sequence up are ends of text that nobody learns.

A line that is no conversation, or a longer one than a sequence, is left out and counted.
"""

import json
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from components.errors import Problem, SpecError
from workloads.model.chat import BrokenTemplateError, ChatTemplate, ConversationError, TemplateSource, template_source
from workloads.model.hugging_face import CHAT_TEMPLATE, TOKENIZER_CONFIG, read_object
from workloads.prepare.parts import EMPTY_LINE, Part, Stretch, UnreadableError

LEARNED, BEGINS = 1 << 31, 1 << 30
"""Marks of a token beside its id: the loss is on it; it is a conversation's first."""
IDS = BEGINS - 1
DTYPE = "uint32"

TODAY = datetime(2024, 7, 26)
"""The day that a template is told: Llama 3's own default, so that equal text is equal tokens on every day."""

PACKED_AT_ONCE = 4096
"""Conversations that are packed together at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEncoding:
    """Encoding of conversations."""

    template: TemplateSource
    ends: tuple[int, ...]
    """Tokens that end an answer; the first is what sequences are filled up with."""
    context: int


@dataclass(slots=True)
class LeftOut:
    """Lines that are not trained on, by reason, each with the first place it was met at."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, place: str, count: int = 1) -> None:
        self.counts[reason] += count
        self.places.setdefault(reason, place)

    def __str__(self) -> str:
        whole = self.counts.total()
        told = "; ".join(f"{count:,} {reason} (such as {self.places[reason]})" for reason, count in self.counts.items())
        return f"{whole:,} conversation{'s' if whole > 1 else ''} left out: {told}"


class _UnfitError(Exception):
    """The reason why a line is not trained on, and what more is known of this one."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


def find_template(folder: Path) -> TemplateSource | None:
    """The chat template beside a tokenizer; None where there is none."""
    described = read_object(folder / TOKENIZER_CONFIG) if (folder / TOKENIZER_CONFIG).exists() else {}
    own = (folder / CHAT_TEMPLATE).read_text() if (folder / CHAT_TEMPLATE).exists() else None
    return template_source(described, own)


def require_template(folder: Path, key: str) -> TemplateSource:
    """The chat template beside a tokenizer; SpecError where there is none, or none that can be read. `key` is the path
    of the tokenizer in the stack file.
    """
    found = find_template(folder)
    if found is None:
        message = (
            f"{folder}: has no chat template, and data with format: chat needs one; add the chat_template.jinja of the "
            "model's instruct version, or train on format: jsonl"
        )
        raise SpecError([Problem(path=key, message=message)])
    try:
        ChatTemplate(found)
    except BrokenTemplateError as error:
        message = f"{folder}: its chat template does not parse ({error}); bring the folder anew"
        raise SpecError([Problem(path=key, message=message)]) from None
    return found


def conversation_texts(part: Part, column: str) -> Iterator[str]:
    """The text of each conversation of a part without its template, for a tokenizer to learn from."""
    for _, line in _lines(part):
        try:
            yield "\n".join(content for _, content in _messages(line, column))
        except _UnfitError:
            yield ""


@dataclass(slots=True)
class Conversations:
    """The conversations of a part while they are encoded."""

    part: Part
    column: str
    how: ChatEncoding
    tokenizer: Tokenizer
    left_out: LeftOut = field(default_factory=LeftOut)

    def sequences(self) -> Iterator[list[tuple[int, np.ndarray]]]:
        """Some conversations at a time, each with its number in the text and its marked tokens."""
        reader, found = _Reader(self.tokenizer, self.how.template), list[tuple[int, np.ndarray]]()
        for document, (place, line) in enumerate(_lines(self.part), start=self.part.first_document):
            try:
                found.append((document, self._encoded(reader, line)))
            except _UnfitError as error:
                self.left_out.add(str(error), f"{place}: {error.detail}" if error.detail else place)
            if len(found) >= PACKED_AT_ONCE:
                yield found
                found = []
        yield found

    def _encoded(self, reader: "_Reader", line: bytes) -> np.ndarray:
        ids, learned = reader.tokens(_messages(line, self.column), self.how.ends)
        if len(ids) > self.how.context:
            raise _UnfitError(f"longer than {self.how.context:,} tokens")
        marked = np.array(ids, dtype=np.uint32) | np.where(learned, np.uint32(LEARNED), np.uint32(0))
        marked[0] |= np.uint32(BEGINS)
        return marked


class _Reader:
    """A tokenizer and a chat template."""

    def __init__(self, tokenizer: Tokenizer, template: TemplateSource) -> None:
        self._template = ChatTemplate(template, TODAY)
        self._control, self._plain = tokenizer, Tokenizer.from_str(tokenizer.to_str())
        self._plain.encode_special_tokens = True
        added = tokenizer.get_added_tokens_decoder().values()
        self._controls = sorted((token.content for token in added if token.special), key=len, reverse=True)

    def tokens(self, messages: Sequence[tuple[str, str]], ends: Sequence[int]) -> tuple[list[int], list[bool]]:
        """Ids of a conversation, and which of them are answers: each to the token that ends it, itself included.

        A last answer that the template ends with nothing gets the first of `ends`.
        """
        try:
            stretches = self._template.answers(messages, self._controls)
        except ConversationError as error:
            raise _UnfitError("refused by the chat template", str(error)) from None
        ids, learned = list[int](), list[bool]()
        for index, (pieces, is_answer) in enumerate(stretches):
            own = [token for text, controls in pieces for token in self._encode(text, controls)]
            count = next((position + 1 for position, token in enumerate(own) if token in ends), None)
            if is_answer and count is None:
                if index + 1 == len(stretches) or stretches[index + 1][1]:
                    raise _UnfitError("whose chat template does not show where an answer ends")
                count = len(own)
            ids += own
            learned += [is_answer and position < (count or 0) for position in range(len(own))]
        if learned and learned[-1] and ids[-1] not in ends:
            ids, learned = [*ids, ends[0]], [*learned, True]
        if not any(learned):
            raise _UnfitError("without an answer")
        return ids, learned

    def _encode(self, text: str, controls: bool) -> list[int]:
        ids: list[int] = (self._control if controls else self._plain).encode(text, add_special_tokens=False).ids
        return ids


def pack(conversations: Sequence[np.ndarray], context: int, filler: int) -> np.ndarray:
    """Whole conversations in sequences of `context` tokens, longest first, each where the least room is left over."""
    rooms, held = list[tuple[int, int]](), list[list[np.ndarray]]()
    for one in sorted(conversations, key=len, reverse=True):
        at = bisect_left(rooms, (len(one), 0))
        if at < len(rooms):
            room, index = rooms.pop(at)
        else:
            room, index = context, len(held)
            held.append([])
        held[index].append(one)
        if room > len(one):
            insort(rooms, (room - len(one), index))
    packed = np.full((len(held), context), filler, dtype=np.uint32)
    for row, parts in zip(packed, held, strict=True):
        filled = sum(map(len, parts))
        row[:filled] = np.concatenate(parts)
        row[filled : filled + 1] |= np.uint32(BEGINS)
    return packed.reshape(-1)


def _lines(part: Part) -> Iterator[tuple[str, bytes]]:
    """The lines of a part that are not empty, as its documents are counted, each with its place."""
    for stretch in part.stretches:
        try:
            yield from _lines_of(stretch)
        except OSError as error:
            raise UnreadableError(f"{stretch.path} cannot be read: {error.strerror}") from None


def _lines_of(stretch: Stretch) -> Iterator[tuple[str, bytes]]:
    with stretch.path.open("rb") as opened:
        opened.seek(stretch.begin)
        position = stretch.begin
        while position < stretch.end:
            line = opened.readline()
            if not line:
                raise UnreadableError(f"{stretch.path} has become shorter while it was read; start again")
            if len(line) > EMPTY_LINE or (position + len(line) == stretch.end and not line.endswith(b"\n")):
                yield f"{stretch.path}, the line at byte {position:,}", line
            position += len(line)


def _messages(line: bytes, column: str) -> list[tuple[str, str]]:
    """Role and content of each message."""
    try:
        entry = json.loads(line)
    except ValueError:
        raise _UnfitError("not JSON") from None
    messages = entry.get(column) if isinstance(entry, dict) else None
    if not isinstance(messages, list) or not messages:
        raise _UnfitError(f"without messages under {column!r}")
    found = list[tuple[str, str]]()
    for message in messages:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if not isinstance(role, str) or not isinstance(content, str):
            raise _UnfitError("with a message that has no role or no content in text")
        found.append((role, content))
    return found
