"""The model over the paged cache: one forward pass for all tokens of a step.

Every linear layer sees all tokens of the step as one matrix. Only attention differs by sequence: decoding sequences
gather their blocks, padded to the longest, into one batched call; each prompt chunk is a call of its own.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workloads.model.transformer import Attention, Block, Transformer
from workloads.serve.scheduler import ScheduledStep, Work
from workloads.serve.sequence import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One sequence's prompt chunk: its rows of the step and, unless it starts the sequence, what it looks back on."""

    rows: slice
    blocks: Tensor | None
    mask: Tensor | None
    """(rows, positions): True where a row may look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """A step as tensors."""

    tokens: Tensor
    positions: Tensor
    slots: Tensor
    """Slots of each token's key and value: block * block_tokens + offset."""
    blocks: Tensor
    """(decoding sequences * their most blocks): the blocks each one looks back on, padded with block 0."""
    mask: Tensor
    """(decoding sequences, 1, 1, positions) added to the scores: 0, or -inf beyond a sequence's end."""
    chunks: list[Chunk]
    sampled: Tensor
    """Rows that the next tokens are chosen from."""


class ModelRunner:
    """Owns the model and the cache's tensors."""

    def __init__(self, model: Transformer, *, blocks: int, block_tokens: int) -> None:
        spec, weight = model.spec, model.embedding.weight
        self.model, self.block_tokens = model, block_tokens
        self._blocks = cast("list[Block]", list(model.blocks))
        self.device, self.dtype = weight.device, weight.dtype
        shape = (spec.layers, blocks, block_tokens, spec.kv_heads, spec.head_size)
        # zeros, because a masked score times an uninitialized NaN would still be NaN
        self.keys = torch.zeros(shape, dtype=self.dtype, device=self.device)
        self.values = torch.zeros(shape, dtype=self.dtype, device=self.device)

    def forward(self, step: ScheduledStep) -> tuple[Tensor, list[Sequence]]:
        """Logits (float32) for each sequence that gets its next token in this step, and these sequences."""
        batch = self._batch(step)
        x = self.model.embedding(batch.tokens)
        table = self.model.table[batch.positions]
        for layer, block in enumerate(self._blocks):
            x = x + self._attend(layer, block.attention, block.attention_norm(x), table, batch)
            x = x + block.mlp(block.mlp_norm(x))
        logits: Tensor = self.model.head(self.model.norm(x[batch.sampled]))
        return logits.float(), [work.sequence for work in (*step.decodes, *step.prefills) if work.samples]

    def _attend(self, layer: int, attention: Attention, x: Tensor, table: Tensor, batch: TokenBatch) -> Tensor:
        query, key, value = attention.project(x, table)
        keys, values = self.keys[layer], self.values[layer]
        keys.view(-1, *key.shape[1:]).index_copy_(0, batch.slots, key)
        values.view(-1, *value.shape[1:]).index_copy_(0, batch.slots, value)
        count = batch.mask.shape[0]
        parts = [_decode(query[:count], keys, values, batch)] if count else []
        for chunk in batch.chunks:
            rows = chunk.rows
            if chunk.blocks is None:
                parts.append(_prefill(query[rows], key[rows], value[rows], None))
            else:
                seen_keys, seen_values = (t[chunk.blocks].flatten(0, 1) for t in (keys, values))
                parts.append(_prefill(query[rows], seen_keys, seen_values, chunk.mask))
        mixed = parts[0] if len(parts) == 1 else torch.cat(parts)
        y: Tensor = attention.output(mixed.flatten(-2))
        return y

    def _batch(self, step: ScheduledStep) -> TokenBatch:
        works = (*step.decodes, *step.prefills)
        tokens = [token for work in works for token in work.sequence.tokens[work.start : work.start + work.count]]
        positions = [position for work in works for position in range(work.start, work.start + work.count)]
        blocks, mask = self._decode_tables(step.decodes)
        chunks, sampled = self._chunks(step.prefills, first_row=len(step.decodes))
        return TokenBatch(
            tokens=self._tensor(tokens),
            positions=self._tensor(positions),
            slots=self._tensor(self._slots(works)),
            blocks=blocks,
            mask=mask,
            chunks=chunks,
            sampled=self._tensor([*range(len(step.decodes)), *sampled]),
        )

    def _slots(self, works: tuple[Work, ...]) -> list[int]:
        size = self.block_tokens
        return [
            work.sequence.blocks[position // size] * size + position % size
            for work in works
            for position in range(work.start, work.start + work.count)
        ]

    def _decode_tables(self, decodes: list[Work]) -> tuple[Tensor, Tensor]:
        lengths = np.array([work.start + 1 for work in decodes], dtype=np.int64)
        most = -(-int(lengths.max(initial=0)) // self.block_tokens)
        table = np.zeros((len(decodes), most), dtype=np.int64)
        for row, work in enumerate(decodes):
            used = -(-(work.start + 1) // self.block_tokens)
            table[row, :used] = work.sequence.blocks[:used]
        beyond = np.arange(most * self.block_tokens) >= lengths[:, None]
        mask = np.where(beyond, np.float32("-inf"), np.float32(0))[:, None, None, :]
        return (
            torch.from_numpy(table.reshape(-1)).to(self.device),
            torch.from_numpy(mask).to(self.device, self.dtype),
        )

    def _chunks(self, prefills: list[Work], first_row: int) -> tuple[list[Chunk], list[int]]:
        chunks: list[Chunk] = []
        sampled: list[int] = []
        row = first_row
        for work in prefills:
            chunks.append(self._chunk(work, slice(row, row + work.count)))
            row += work.count
            if work.samples:
                sampled.append(row - 1)
        return chunks, sampled

    def _chunk(self, work: Work, rows: slice) -> Chunk:
        if work.start == 0:
            return Chunk(rows=rows, blocks=None, mask=None)
        end = work.start + work.count
        used = -(-end // self.block_tokens)
        blocks = self._tensor(work.sequence.blocks[:used])
        looking = torch.arange(work.start, end, device=self.device)
        mask = torch.arange(used * self.block_tokens, device=self.device) <= looking[:, None]
        return Chunk(rows=rows, blocks=blocks, mask=mask)

    def _tensor(self, numbers: list[int]) -> Tensor:
        return torch.from_numpy(np.array(numbers, dtype=np.int64)).to(self.device)


def _decode(query: Tensor, keys: Tensor, values: Tensor, batch: TokenBatch) -> Tensor:
    """Attention of one token each. The query heads that share a key head stand as rows of one small matrix."""
    count, heads, head_width = query.shape
    kv_heads = keys.shape[2]
    k, v = (t.index_select(0, batch.blocks).view(count, -1, kv_heads, head_width) for t in (keys, values))
    q = query.view(count, kv_heads, heads // kv_heads, head_width)
    mixed = functional.scaled_dot_product_attention(q, k.transpose(1, 2), v.transpose(1, 2), attn_mask=batch.mask)
    return mixed.reshape(query.shape)


def _prefill(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Causal attention of one chunk; without a mask, it starts its sequence."""
    shared = query.shape[1] != keys.shape[1]
    q, k, v = (t.transpose(0, 1).unsqueeze(0) for t in (query, keys, values))
    mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=shared)
    return mixed.squeeze(0).transpose(0, 1)
