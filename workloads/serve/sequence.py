"""One sequence on its way through the server: what was asked, and how far it is."""

import time
from collections.abc import Sequence as Items
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from workloads.serve.text import Transcript


class Finish(StrEnum):
    """Reason of a sequence's end. The first two are OpenAI's; the others never reach a client as a finish reason."""

    STOP = "stop"
    LENGTH = "length"
    ABORT = "abort"
    """The client went away."""
    DEADLINE = "deadline"
    SHUTDOWN = "shutdown"
    ERROR = "error"
    """The model failed on its batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Choice of the next token, and of the end."""

    max_tokens: int
    temperature: float = 1.0
    """0 takes the likeliest token."""
    top_p: float = 1.0
    seed: int | None = None
    stop: Items[str] = ()
    stop_tokens: frozenset[int] = frozenset()
    top_logprobs: int | None = None
    """Number of alternatives that are reported beside each token's log probability; None reports nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """Natural-log probability of the chosen token, before temperature, and of the likeliest ones."""

    token: int
    logprob: float
    top: Items[tuple[int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Tokens that one sequence gained: handed from the engine's thread to the one that writes."""

    sequence: "Sequence"
    text: str
    logprobs: Items[TokenLogprob]
    finish: Finish | None
    generated: int
    """Tokens that the sequence has gained since its prompt, up to this output."""


@dataclass(slots=True, kw_only=True, eq=False)
class Sequence:
    """Mutable state of one sequence; after `Engine.submit` only the engine's thread changes it."""

    prompt: Items[int]
    sampling: Sampling
    transcript: Transcript
    deadline: float
    """time.monotonic() at which it is given up."""
    index: int = 0
    """Index among the choices of its request."""
    arrived: float = field(default_factory=time.monotonic)
    tokens: list[int] = field(init=False)
    """The prompt and what was generated."""
    computed: int = 0
    """Leading tokens whose keys and values are in the cache."""
    blocks: list[int] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    """Chained hashes of its leading full blocks."""
    registered: int = 0
    """Leading blocks that other sequences can already find."""
    cached: int = 0
    """Prompt tokens found in the cache when it was first admitted."""
    admitted: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    finish: Finish | None = None
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = list(self.prompt)
        seed = self.sampling.seed
        self.random = Random(None if seed is None else f"{seed}/{self.index}")  # noqa: S311  # no secret

    @property
    def generated(self) -> int:
        return len(self.tokens) - len(self.prompt)

    @property
    def decoding(self) -> bool:
        """All but its newest token are in the cache, so that its next step is a single token."""
        return self.computed == len(self.tokens) - 1 and self.generated > 0
