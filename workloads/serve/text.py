"""Text to tokens and back: prompts, the chat template, and pieces of text that never end inside a character."""

import codecs
import json
from collections.abc import Iterable, Mapping, Sequence

from tokenizers import Tokenizer

from workloads.model.chat import BrokenTemplateError, ChatTemplate, template_source
from workloads.model.hugging_face import CHAT_TEMPLATE, TOKENIZER, TOKENIZER_CONFIG, end_tokens
from workloads.serve.load import AGAIN, Export, LoadError, read_small


class Vocabulary:
    """The tokenizer of an export, and the bytes each token stands for."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        ends: Sequence[int],
        size: int,
        template: ChatTemplate | None,
        begin: int | None = None,
    ) -> None:
        """`ends`: ids of the tokens that end a text; `begin` of the one that begins it, where there is one."""
        # A user's text never becomes a control token; only a template's own does.
        self._plain, self._control = tokenizer, Tokenizer.from_str(tokenizer.to_str())
        self._plain.encode_special_tokens = True
        self._template = template
        added = tokenizer.get_added_tokens_decoder().values()
        self._controls = sorted((token.content for token in added if token.special), key=len, reverse=True)
        self.ends = frozenset(ends)
        self.begin = ends[0] if begin is None else begin
        """Id of the token that a text without a prompt begins with."""
        self.bytes_of = _bytes_of_tokens(tokenizer, size)

    def encode(self, text: str) -> list[int]:
        """The tokens of a prompt, with what the tokenizer itself puts before it."""
        ids: list[int] = self._plain.encode(text, add_special_tokens=True).ids
        return ids

    @property
    def chats(self) -> bool:
        """True if the model came with a chat template."""
        return self._template is not None

    def chat(self, messages: Iterable[tuple[str, str]]) -> list[int]:
        """The tokens of a conversation up to where the assistant speaks, by the model's own template."""
        assert self._template is not None
        ids: list[int] = []
        for text, is_own in self._template.render(messages, self._controls):
            encode = self._control.encode if is_own else self._plain.encode
            ids += encode(text, add_special_tokens=False).ids
        return ids

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
    path = export.folder / TOKENIZER
    try:
        tokenizer = Tokenizer.from_buffer(read_small(export, path.name))
    except LoadError:
        raise
    except Exception as error:  # tokenizers raises no narrower class
        raise LoadError(f"{path}: is not a tokenizer ({error}); {AGAIN}") from None
    size, ends = export.model.vocabulary, end_tokens(export.ends)
    if tokenizer.get_vocab_size() > size or any(end >= size for end in ends):
        raise LoadError(f"{path}: {tokenizer.get_vocab_size()} tokens, but the model knows {size}; {AGAIN}")
    if not _speaks_bytes(tokenizer):
        raise LoadError(f"{path}: its decoder is not ByteLevel, as Llama 3's and Qwen's are; serve another model")
    if not ends:
        raise LoadError(f"{export.folder}: neither generation_config.json nor config.json has an eos_token_id; add it")
    return Vocabulary(tokenizer, ends, size, _template(export), export.ends.get("bos_token_id"))


def _speaks_bytes(tokenizer: Tokenizer) -> bool:
    """True if every token is a string of bytes, as `_byte_characters` writes them."""
    decoder = json.loads(tokenizer.to_str())["decoder"] or {}
    parts = decoder.get("decoders", [decoder])
    return [part.get("type") for part in parts] == ["ByteLevel"]


def _template(export: Export) -> ChatTemplate | None:
    """The chat template of a folder, from its own file before tokenizer_config.json; None where it has none."""
    described: Mapping[str, object] = {}
    if (export.folder / TOKENIZER_CONFIG).exists():
        try:
            described = json.loads(read_small(export, TOKENIZER_CONFIG))
        except ValueError:
            raise LoadError(f"{export.folder / TOKENIZER_CONFIG}: is not JSON; {AGAIN}") from None
    own = read_small(export, CHAT_TEMPLATE).decode() if (export.folder / CHAT_TEMPLATE).exists() else None
    source = template_source(described, own)
    try:
        return None if source is None else ChatTemplate(source)
    except BrokenTemplateError as error:
        raise LoadError(f"chat_template: is not a template ({error}); correct it in the model's folder") from None


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
