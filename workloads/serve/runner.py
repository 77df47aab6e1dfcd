"""The model over the paged cache: one forward pass for all tokens of a step.

Every linear layer sees all tokens of the step as one matrix. Only attention differs by sequence: decoding sequences of
about one length gather their blocks into one batched call, so that a long text costs its own length and no more; each
prompt chunk is a call of its own.
"""

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workloads.model.transformer import Attention, Block, Transformer
from workloads.serve.scheduler import ScheduledStep, Work
from workloads.serve.sequence import Sequence

GATHER_TOKENS = 65_536
"""Most positions whose keys and values are copied at once: 0.27 GB of an 8B model's layer in bf16."""
PADDING_BLOCKS = 64
"""Blocks of padding that cost about as much as one more attention call in each layer (2 cores, torch 2.15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One sequence's prompt chunk: its rows of the step and, unless it starts the sequence, what it looks back on."""

    rows: slice
    blocks: Tensor | None
    mask: Tensor | None
    """(rows, positions): True where a row may look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeGroup:
    """Decoding sequences of about one length: their rows of the step, and what they look back on."""

    rows: slice
    blocks: Tensor
    """(sequences * the most blocks of one): the blocks that each one looks back on, padded with block 0."""
    mask: Tensor
    """(sequences, 1, 1, positions) added to the scores: 0, or -inf beyond a sequence's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """A step as tensors."""

    tokens: Tensor
    positions: Tensor
    slots: Tensor
    """Slots of each token's key and value: block * block_tokens + offset."""
    decodes: list[DecodeGroup]
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
        self._gather_blocks = -(-max(GATHER_TOKENS, spec.context) // block_tokens)
        gathered = (2, self._gather_blocks, *shape[2:])
        # Kept: memory that is given back and taken anew in each layer costs more than what is done with it.
        self._gathered = torch.empty(gathered, dtype=self.dtype, device=self.device)

    @property
    def token_bytes(self) -> int:
        """Bytes of the cache that one token takes, over all layers."""
        layers, blocks = self.keys.shape[:2]
        return 2 * layers * self.keys[0, 0].nbytes // self.block_tokens if blocks else 0

    def forward(self, step: ScheduledStep) -> tuple[Tensor, list[Sequence]]:
        """Logits (float32) for each sequence that gets its next token in this step, and these sequences."""
        works = (*sorted(step.decodes, key=lambda work: work.start), *step.prefills)
        batch = self._batch(works, len(step.decodes))
        x = self.model.embedding(batch.tokens)
        table = self.model.table[batch.positions]
        for layer, block in enumerate(self._blocks):
            x = x + self._attend(layer, block.attention, block.attention_norm(x), table, batch)
            x = x + block.mlp(block.mlp_norm(x))
        logits: Tensor = self.model.head(self.model.norm(x[batch.sampled]))
        return logits.float(), [work.sequence for work in works if work.samples]

    def _attend(self, layer: int, attention: Attention, x: Tensor, table: Tensor, batch: TokenBatch) -> Tensor:
        query, key, value = attention.project(x, table)
        keys, values = self.keys[layer], self.values[layer]
        keys.view(-1, *key.shape[1:]).index_copy_(0, batch.slots, key)
        values.view(-1, *value.shape[1:]).index_copy_(0, batch.slots, value)
        parts = [self._decode(query[group.rows], keys, values, group) for group in batch.decodes]
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

    def _decode(self, query: Tensor, keys: Tensor, values: Tensor, group: DecodeGroup) -> Tensor:
        """Attention of one token each. The query heads that share a key head stand as rows of one small matrix."""
        count, heads, head_width = query.shape
        kv_heads, most = keys.shape[2], len(group.blocks)
        k, v = (
            torch.index_select(cache, 0, group.blocks, out=gathered[:most])
            .view(count, -1, kv_heads, head_width)
            .transpose(1, 2)
            for cache, gathered in zip((keys, values), self._gathered, strict=True)
        )
        q = query.view(count, kv_heads, heads // kv_heads, head_width)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=group.mask)
        return mixed.reshape(query.shape)

    def _batch(self, works: tuple[Work, ...], decodes: int) -> TokenBatch:
        tokens = [token for work in works for token in work.sequence.tokens[work.start : work.start + work.count]]
        positions = [position for work in works for position in range(work.start, work.start + work.count)]
        chunks, sampled = self._chunks(works[decodes:], first_row=decodes)
        return TokenBatch(
            tokens=self._tensor(tokens),
            positions=self._tensor(positions),
            slots=self._tensor(self._slots(works)),
            decodes=self._decode_groups(works[:decodes]),
            chunks=chunks,
            sampled=self._tensor([*range(decodes), *sampled]),
        )

    def _slots(self, works: tuple[Work, ...]) -> list[int]:
        size = self.block_tokens
        return [
            work.sequence.blocks[position // size] * size + position % size
            for work in works
            for position in range(work.start, work.start + work.count)
        ]

    def _decode_groups(self, works: tuple[Work, ...]) -> list[DecodeGroup]:
        """Groups of the decoding sequences, which are in order of length."""
        used = [work.start // self.block_tokens + 1 for work in works]
        return [self._decode_group(works[rows], rows) for rows in group_rows(used, self._gather_blocks)]

    def _decode_group(self, works: tuple[Work, ...], rows: slice) -> DecodeGroup:
        lengths = np.array([work.start + 1 for work in works], dtype=np.int64)
        most = -(-int(lengths.max()) // self.block_tokens)
        table = np.zeros((len(works), most), dtype=np.int64)
        for row, work in enumerate(works):
            used = -(-(work.start + 1) // self.block_tokens)
            table[row, :used] = work.sequence.blocks[:used]
        beyond = np.arange(most * self.block_tokens) >= lengths[:, None]
        mask = np.where(beyond, np.float32("-inf"), np.float32(0))[:, None, None, :]
        return DecodeGroup(
            rows=rows,
            blocks=torch.from_numpy(table.reshape(-1)).to(self.device),
            mask=torch.from_numpy(mask).to(self.device, self.dtype),
        )

    def _chunks(self, prefills: tuple[Work, ...], first_row: int) -> tuple[list[Chunk], list[int]]:
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


def group_rows(used: Items[int], most: int) -> list[slice]:
    """Rows of sequences that are gathered together. `used`: blocks of each, in ascending order; `most`: blocks that one
    gather may take, which bounds its memory, unless a single sequence has more.

    A group ends before a sequence that would make the padding of those before it cost more than a call of its own.
    """
    groups: list[slice] = []
    first = padding = 0
    for row, blocks in enumerate(used):
        count = row - first
        if count:
            padding += count * (blocks - used[row - 1])
        if count and (padding > PADDING_BLOCKS or (count + 1) * blocks > most):
            groups.append(slice(first, row))
            first, padding = row, 0
    return [*groups, slice(first, len(used))] if used else []


def _prefill(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Causal attention of one chunk; without a mask, it starts its sequence."""
    shared = query.shape[1] != keys.shape[1]
    q, k, v = (t.transpose(0, 1).unsqueeze(0) for t in (query, keys, values))
    mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=shared)
    return mixed.squeeze(0).transpose(0, 1)
