"""The loader: which sequences a step trains on, as a pure function of one number.

Training text is cut into sequences; an epoch is one shuffled pass over them. A sample is counted from the begin of
the run, over all ranks and epochs, and means the same sequence whatever the world size: the state of the loader is
the number of samples taken, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from workloads.model.loss import IGNORED


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Samples that one rank takes through the model at once."""

    tokens: Tensor
    """int64 (sequences, context)."""
    targets: Tensor
    """The tokens that follow each; IGNORED where a sequence only fills a rank's turn."""


class Loader:
    """Batches of one rank."""

    def __init__(self, tokens: np.ndarray, context: int, seed: int) -> None:
        self._tokens, self._context, self._seed = tokens, context, seed
        self.sequences = (tokens.size - 1) // context
        """Sequences of one epoch."""
        self._offsets = np.arange(context + 1)
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def sequence_of(self, sample: int) -> int:
        """The sequence, counted in the text, that a sample of the run means."""
        epoch, position = divmod(sample, self.sequences)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, np.random.default_rng((self._seed, epoch)).permutation(self.sequences)
        return int(self._order[position])

    def batch(self, samples: Sequence[range], device: torch.device) -> list[MicroBatch]:
        """One micro-batch for each range of samples. An empty range gives one sequence that counts for nothing."""
        return [self._micro_batch(part, device) for part in samples]

    def _micro_batch(self, samples: range, device: torch.device) -> MicroBatch:
        starts = np.array([self.sequence_of(sample) for sample in samples or range(1)]) * self._context
        rows = torch.from_numpy(self._tokens[starts[:, None] + self._offsets].astype(np.int64))
        if device.type == "cuda":
            rows = rows.pin_memory().to(device, non_blocking=True)
        tokens, targets = rows[:, :-1], rows[:, 1:].contiguous()
        return MicroBatch(tokens, targets if samples else torch.full_like(targets, IGNORED))


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
