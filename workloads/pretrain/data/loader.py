"""The loader: which sequences a step trains on, as a pure function of one number.

Training text is cut into sequences; an epoch is one shuffled pass over them. A sample is counted from the begin of
the run, over all ranks and epochs, and means the same sequence whatever the world size: the state of the loader is
the number of samples taken, and nothing else. Of a mixture, each text has epochs of its own. Nothing grows with the
text: the shuffle is computed for each sample, not held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import torch
from torch import Tensor

from components.errors import Problem, SpecError
from workloads.model.loss import IGNORED
from workloads.prepare.chat import BEGINS, IDS, LEARNED
from workloads.pretrain.data.tokens import Weighted

ROUNDS = 4
"""Of the shuffle; three are enough for a pseudorandom permutation (Luby and Rackoff, 1988)."""
BLOCK = 1024
"""Samples in which a mixture keeps its weights exactly, as far as whole samples can."""
_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Samples that one rank takes through the model at once."""

    tokens: Tensor
    """int64 (sequences, context)."""
    targets: Tensor
    """The tokens that follow each; IGNORED where a sequence only fills a rank's turn, and what is no answer."""
    documents: Tensor
    """int32: where documents begin in all sequences one behind the other, and where the last ends; a sequence
    begins one always."""


class Loader:
    """Batches of one rank."""

    def __init__(self, sources: Sequence[Weighted], context: int, seed: int, end_of_text: int) -> None:
        self._sources = [_Shuffled(one, context, seed, end_of_text) for one in sources]
        self._shares = apportion([one.weight for one in sources], BLOCK)
        self._seed = seed
        self.sequences = sum(source.sequences for source in self._sources)
        """Sequences of all texts."""
        self._block, self._order = -1, np.empty(0, dtype=np.int64)

    def sequence_of(self, sample: int) -> tuple[int, int]:
        """The text, and the sequence in it, that a sample of the run means."""
        if len(self._sources) == 1:
            return 0, self._sources[0].sequence_of(sample)
        block, position = divmod(sample, BLOCK)
        if block != self._block:
            one_each = np.repeat(np.arange(len(self._shares)), self._shares)
            self._block, self._order = block, np.random.default_rng((self._seed, block)).permutation(one_each)
        source = int(self._order[position])
        before = int((self._order[:position] == source).sum())
        return source, self._sources[source].sequence_of(block * self._shares[source] + before)

    def batch(self, samples: Sequence[range], device: torch.device) -> list[MicroBatch]:
        """One micro-batch for each range of samples. An empty range gives one sequence that counts for nothing."""
        return [self._micro_batch(part, device) for part in samples]

    def _micro_batch(self, samples: range, device: torch.device) -> MicroBatch:
        found = [self._row(sample) for sample in samples or range(1)]
        parts = [
            torch.from_numpy(np.stack([row.tokens for row in found])),
            torch.from_numpy(np.stack([row.targets for row in found])),
            torch.from_numpy(_documents(np.stack([row.begins for row in found]))),
        ]
        if device.type == "cuda":
            parts = [part.pin_memory().to(device, non_blocking=True) for part in parts]
        tokens, targets, documents = parts
        return MicroBatch(tokens, targets if samples else torch.full_like(targets, IGNORED), documents)

    def _row(self, sample: int) -> "_Row":
        source, sequence = self.sequence_of(sample)
        return self._sources[source].row(sequence)


def _documents(begins: np.ndarray) -> np.ndarray:
    """Begins of documents in all rows, one behind the other, and the end of the last."""
    rows = np.arange(0, begins.size + 1, begins.shape[1])
    return np.union1d(np.flatnonzero(begins), rows).astype(np.int32)


@dataclass(frozen=True, slots=True)
class _Row:
    """One sequence: its tokens, the token that is to follow each, and which begin a document."""

    tokens: np.ndarray
    targets: np.ndarray
    begins: np.ndarray


class _Shuffled:
    """The sequences of one text, in another order in each epoch."""

    def __init__(self, one: Weighted, context: int, seed: int, end_of_text: int) -> None:
        self._tokens, self._context, self._seed, self._end_of_text = one.tokens, context, seed, end_of_text
        self._is_packed = one.packed > 0
        if one.packed not in (0, context):
            message = f"conversations packed for a context of {one.packed} were found; prepare them anew"
            raise SpecError([Problem(path="training.model.context", message=f"{context}, but {message}")])
        self.sequences = one.tokens.size // context if self._is_packed else (one.tokens.size - 1) // context
        self._epoch, self._keys = -1, list[int]()

    def sequence_of(self, sample: int) -> int:
        epoch, position = divmod(sample, self.sequences)
        if epoch != self._epoch:
            keys = np.random.default_rng((self._seed, epoch)).integers(2**64, size=ROUNDS, dtype=np.uint64)
            self._epoch, self._keys = epoch, [int(key) for key in keys]
        return permuted(position, self.sequences, self._keys)

    def row(self, sequence: int) -> _Row:
        """The tokens of a sequence; of text that runs on, behind each end of a text another document begins."""
        begin = sequence * self._context
        if not self._is_packed:
            (ids,) = self._tokens.rows([begin], self._context + 1)
            return _Row(ids[:-1], ids[1:], np.append(False, ids[:-2] == self._end_of_text))
        (marked,) = self._tokens.rows([begin], self._context)
        ids, following = marked & IDS, np.append(marked[1:], 0)
        targets = np.where(following & LEARNED, following & IDS, IGNORED)
        return _Row(ids, targets, (marked & BEGINS) != 0)


def permuted(position: int, count: int, keys: Sequence[int]) -> int:
    """The element at a position of a permutation of range(count) that the keys choose: a Feistel network over the next
    power of four, walked until it comes out below `count`, four rounds at most on average (Black and Rogaway, 2002).
    """
    half = max(1, (max(1, count - 1).bit_length() + 1) // 2)
    low = (1 << half) - 1
    while True:
        left, right = position >> half, position & low
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & low)
        position = left << half | right
        if position < count:
            return position


def _mixed(value: int) -> int:
    """SplitMix64's finalizer (Steele, Lea and Flood, 2014)."""
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return value ^ value >> 31


def apportion(weights: Sequence[float], whole: int) -> list[int]:
    """`whole` in shares as near to the weights as whole numbers come, and one at least for each."""
    total = sum(weights)
    ends = [round(whole * reached / total) for reached in accumulate(weights)]
    shares = [end - begin for begin, end in pairwise([0, *ends])]
    for index, share in enumerate(shares):
        if share == 0:
            shares[index] = 1
            shares[shares.index(max(shares))] -= 1
    return shares


def rank_share(first: int, count: int, rank: int, world_size: int, at_most: int) -> list[range]:
    """The samples of one rank of the batch [first, first + count), in micro-batches of `at_most` or fewer.

    The ranks' shares are disjoint, cover the batch, and differ by one sample at most. All ranks get the same number
    of micro-batches, because a sharded model gathers its weights in every one: the last may be empty.
    """
    largest = -(-count // world_size)
    pieces = -(-largest // at_most)
    begin, end = count * rank // world_size, count * (rank + 1) // world_size
    cuts = [begin + (end - begin) * piece // pieces for piece in range(pieces + 1)]
    return [range(first + low, first + high) for low, high in pairwise(cuts)]
