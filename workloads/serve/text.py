"""Text to tokens and back: prompts, the chat template, and pieces of text that never end inside a character."""

import codecs
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer

from workloads.serve.load import Export, LoadError, read_small

USER, ASSISTANT = "<|user|>", "<|assistant|>"


class Vocabulary:
    """The tokenizer of an export, and the bytes each token stands for."""

    def __init__(self, tokenizer: Tokenizer, end_of_text: int, size: int) -> None:
        tokenizer.encode_special_tokens = True  # a user's text never becomes a control token
        self._tokenizer = tokenizer
        self.end_of_text = end_of_text
        self.user, self.assistant = (_special(tokenizer, token) for token in (USER, ASSISTANT))
        self.bytes_of = _bytes_of_tokens(tokenizer, size)

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def chat(self, messages: Iterable[tuple[str, str]]) -> list[int]:
        """The tokens of a conversation up to where the assistant speaks.

        <|user|>text<|assistant|>text<|end_of_text|><|user|>text<|assistant|>; the text of system messages is put
        before the user's next one.
        """
        ids: list[int] = []
        pending: list[str] = []
        for role, content in messages:
            if role == "assistant":
                ids += [self.assistant, *self.encode(content), self.end_of_text]
            else:
                pending.append(content)
            if role == "user":
                ids += self._turn(pending)
                pending.clear()
        return [*ids, *(self._turn(pending) if pending else []), self.assistant]

    def _turn(self, texts: Sequence[str]) -> list[int]:
        return [self.user, *self.encode("\n\n".join(texts))]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of whole tokens; bytes that are no UTF-8 become U+FFFD, control tokens nothing."""
        return b"".join(self.bytes_of[token] for token in ids).decode("utf-8", "replace")


class TextStream:
    """Turns tokens into text one at a time; bytes of an unfinished character wait for the rest of it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._bytes_of = vocabulary.bytes_of
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        return self._decoder.decode(self._bytes_of[token])

    def finish(self) -> str:
        """Returns the rest: an unfinished character at the end as its replacement."""
        return self._decoder.decode(b"", final=True)


class StopMatcher:
    """Finds the first stop string in a text that comes in pieces, and holds back what may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""

    def push(self, piece: str) -> tuple[str, bool]:
        """Text that is safe to show, and whether a stop string was met; the stop string itself is never shown."""
        text = self._held + piece
        found = [position for position in map(text.find, self._stops) if position >= 0]
        if found:
            self._held = ""
            return text[: min(found)], True
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], False

    def finish(self) -> str:
        """The text held back, when no more comes."""
        return self._held


class Transcript:
    """The visible text of one sequence as it grows."""

    def __init__(self, vocabulary: Vocabulary, stops: Sequence[str]) -> None:
        self._stream = TextStream(vocabulary)
        self._matcher = StopMatcher(stops) if stops else None

    def push(self, token: int) -> tuple[str, bool]:
        """New text that may be shown, and whether a stop string ended it."""
        piece = self._stream.push(token)
        return self._matcher.push(piece) if self._matcher else (piece, False)

    def finish(self) -> tuple[str, bool]:
        """The rest of the text when no token follows; a stop string may still appear in it."""
        rest = self._stream.finish()
        if not self._matcher:
            return rest, False
        text, stopped = self._matcher.push(rest)
        return (text, True) if stopped else (text + self._matcher.finish(), False)


def load_vocabulary(export: Export) -> Vocabulary:
    """The tokenizer of `export`; LoadError when it is damaged, or of a kind this server does not decode."""
    path = export.folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_buffer(read_small(export, path.name))
    except LoadError:
        raise
    except Exception as error:  # tokenizers raises no narrower class
        raise LoadError(f"{path}: is not a tokenizer ({error}); export the model again") from None
    manifest = export.manifest
    if tokenizer.get_vocab_size() > manifest.model.vocabulary or manifest.end_of_text >= manifest.model.vocabulary:
        raise LoadError(
            f"{path}: {tokenizer.get_vocab_size()} tokens, but the model knows {manifest.model.vocabulary}; "
            "export the model again"
        )
    if type(tokenizer.decoder).__name__ != "ByteLevel":
        raise LoadError(f"{path}: its decoder is not ByteLevel; train the tokenizer as byte-level BPE")
    missing = [token for token in (USER, ASSISTANT) if tokenizer.token_to_id(token) is None]
    if missing:
        raise LoadError(f"{path}: lacks the special tokens {', '.join(missing)}; train the tokenizer with them")
    return Vocabulary(tokenizer, manifest.end_of_text, manifest.model.vocabulary)


def _special(tokenizer: Tokenizer, token: str) -> int:
    number = tokenizer.token_to_id(token)
    assert number is not None, f"a tokenizer without {token} was not refused"
    return number


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def _bytes_of_tokens(tokenizer: Tokenizer, size: int) -> list[bytes]:
    """By token id: its bytes. Control tokens, and ids that the model has and the tokenizer has not, have none."""
    byte_of = {character: byte for byte, character in _byte_characters().items()}
    table = [b""] * size
    for text, token in tokenizer.get_vocab(with_added_tokens=False).items():
        table[token] = bytes(byte_of[character] for character in text if character in byte_of)
    for token, added in tokenizer.get_added_tokens_decoder().items():
        table[token] = b"" if added.special else added.content.encode()
    return table


def _byte_characters() -> dict[int, str]:
    """The printable character that byte-level BPE writes for each byte (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}
