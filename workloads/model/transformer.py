"""The decoder-only transformer that is trained and served.

- RMSNorm before attention and before the feed-forward part, none after
- rotary positions, stretched as Llama 3.1's when the spec says so
- grouped-query attention through torch's scaled_dot_product_attention; queries and keys normed as Qwen3's on request
- SwiGLU feed-forward; no biases anywhere
- the output layer shares the embedding's matrix when the spec says so

The server runs the same modules over a paged cache: `Attention.project` and `Attention.output` are the two halves
around the part that differs.
"""

import hashlib
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn

from components.spec.training import ModelSpec, RopeScaling
from workloads.model.loss import summed_cross_entropy

DRAWN_AT_ONCE = 2**16
"""Numbers, about, that random weights are drawn from one seed for: a rank draws its own rows and little more."""


def rotary_table(spec: ModelSpec, positions: int, device: torch.device | None = None) -> Tensor:
    """Angles as (cos, sin): float32 of shape (positions, 2, head_size / 2)."""
    exponents = torch.arange(0, spec.head_size, 2, device=device, dtype=torch.float32) / spec.head_size
    frequencies = 1.0 / spec.rope_base**exponents
    if spec.rope_scaling is not None:
        frequencies = _stretched(frequencies, spec.rope_scaling)
    angles = torch.outer(torch.arange(positions, device=device, dtype=torch.float32), frequencies)
    return torch.stack((angles.cos(), angles.sin()), dim=1)


def _stretched(frequencies: Tensor, scaling: RopeScaling) -> Tensor:
    """Radians a position after Llama 3.1's rule: by the turns that each frequency makes within the context before."""
    turns = scaling.original_context * frequencies / (2 * math.pi)
    low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return frequencies * (kept + (1 - kept) / scaling.factor)


def _rotate(x: Tensor, table: Tensor) -> Tensor:
    """Queries or keys (..., positions, heads, head_size) turned by the table's rows, in the type they came in."""
    cos, sin = table[..., 0, :].unsqueeze(-2), table[..., 1, :].unsqueeze(-2)
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1).to(x.dtype)


def _seen(starts: Tensor, shape: torch.Size, x: Tensor) -> Tensor | None:
    """Documents as attention takes them: their begins where a kernel reads those, None where each row is one, else a
    mask of what a token sees, bool of shape (rows, 1, positions, positions).
    """
    device = x.device.type
    low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    if device == "cuda" and low in (torch.bfloat16, torch.float16):
        return starts
    rows, positions = shape
    if starts.shape[0] == rows + 1:
        return None
    document = torch.bucketize(torch.arange(rows * positions, device=x.device), starts, right=True).view(
        rows, positions
    )
    same = document[:, None, :, None] == document[:, None, None, :]
    return same.tril()


def _norm(spec: ModelSpec, size: int) -> nn.RMSNorm:
    return nn.RMSNorm(size, eps=spec.norm_epsilon)


class Attention(nn.Module):
    """Causal grouped-query attention."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_size = spec.heads, spec.kv_heads, spec.head_size
        self.query = nn.Linear(spec.width, spec.heads * spec.head_size, bias=False)
        self.key = nn.Linear(spec.width, spec.kv_heads * spec.head_size, bias=False)
        self.value = nn.Linear(spec.width, spec.kv_heads * spec.head_size, bias=False)
        self.output = nn.Linear(spec.heads * spec.head_size, spec.width, bias=False)
        self.query_norm: nn.Module = _norm(spec, spec.head_size) if spec.qk_norm else nn.Identity()
        self.key_norm: nn.Module = _norm(spec, spec.head_size) if spec.qk_norm else nn.Identity()

    def project(self, x: Tensor, table: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries and keys, and values: each (..., positions, its heads, head_size)."""
        query = self.query(x).unflatten(-1, (self.heads, self.head_size))
        key = self.key(x).unflatten(-1, (self.kv_heads, self.head_size))
        value = self.value(x).unflatten(-1, (self.kv_heads, self.head_size))
        return _rotate(self.query_norm(query), table), _rotate(self.key_norm(key), table), value

    def forward(self, x: Tensor, table: Tensor, documents: Tensor | None = None) -> Tensor:
        """`documents` as `Transformer.forward` hands it on: where they begin, or who sees whom."""
        query, key, value = self.project(x, table)
        if documents is not None and documents.dtype is not torch.bool:
            mixed = self._within(query, key, value, documents)
        else:
            mixed = functional.scaled_dot_product_attention(
                query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=documents,
                is_causal=documents is None, enable_gqa=self.heads != self.kv_heads,
            ).transpose(1, 2)  # fmt: skip
        y: Tensor = self.output(mixed.flatten(-2))
        return y

    def _within(self, query: Tensor, key: Tensor, value: Tensor, starts: Tensor) -> Tensor:
        """Causal attention inside each document, by the flash kernel for texts of any length."""
        rows, longest = query.shape[0], query.shape[1]
        mixed = varlen_attn(
            query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1), starts, starts, longest, longest,
            window_size=(-1, 0), enable_gqa=self.heads != self.kv_heads,
        )  # fmt: skip
        assert isinstance(mixed, Tensor)
        return mixed.view(rows, longest, self.heads, self.head_size)


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.gate = nn.Linear(spec.width, spec.hidden_width, bias=False)
        self.up = nn.Linear(spec.width, spec.hidden_width, bias=False)
        self.down = nn.Linear(spec.hidden_width, spec.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(functional.silu(self.gate(x)) * self.up(x))
        return y


class Block(nn.Module):
    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.attention_norm = _norm(spec, spec.width)
        self.attention = Attention(spec)
        self.mlp_norm = _norm(spec, spec.width)
        self.mlp = FeedForward(spec)

    def forward(self, x: Tensor, table: Tensor, documents: Tensor | None = None) -> Tensor:
        x = x + self.attention(self.attention_norm(x), table, documents)
        y: Tensor = x + self.mlp(self.mlp_norm(x))
        return y


class OutputLayer(nn.Linear):
    """Logits; with targets, the loss in their place."""

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Tensor:
        if targets is None:
            return super().forward(x)
        return summed_cross_entropy(x.flatten(0, -2), self.weight, targets.flatten())


def _whole(parameter: Tensor) -> tuple[Tensor, int]:
    return parameter, 0


def draw_rows(out: Tensor, first: int, *, deviation: float, seed: int, matrix: int) -> None:
    """Fills rows [first, first + len(out)) of a random matrix, which are the same whoever draws them.

    The numbers of a block of rows depend on the seed and the numbers of matrix and block alone.
    """
    rows = max(1, DRAWN_AT_ONCE // out.shape[1])
    for block in range(first // rows, -(-(first + len(out)) // rows)):
        digest = hashlib.blake2b(f"{seed}/{matrix}/{block}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)
        values = torch.empty(rows, out.shape[1]).normal_(0.0, deviation, generator=generator)
        low, high = max(first, block * rows), min(first + len(out), (block + 1) * rows)
        out[low - first : high - first].copy_(values[low - block * rows : high - block * rows])


class Transformer(nn.Module):
    """Token ids (batch, positions) to logits (batch, positions, vocabulary)."""

    table: Tensor

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = nn.Embedding(spec.vocabulary, spec.width)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.layers))
        self.norm = _norm(spec, spec.width)
        self.head = OutputLayer(spec.width, spec.vocabulary, bias=False)
        if spec.tie_embeddings:
            self.head.weight = self.embedding.weight
        self.register_buffer("table", rotary_table(spec, spec.context), persistent=False)

    @torch.no_grad()
    def initialize(self, seed: int, own: Callable[[Tensor], tuple[Tensor, int]] = _whole) -> None:
        """Fill the weights in place; also after `to_empty` of a model made on the meta device.

        Normal with deviation 0.02, and 0.02 / sqrt(2 * layers) for what writes to the residual stream, so that its
        variance does not grow with depth (GPT-2's rule). `own` gives the rows of a parameter that are here, and the
        number of the first: a sharded model starts from the same weights, and draws no others.
        """
        residual = 0.02 / (2 * self.spec.layers) ** 0.5
        # Numbered, not named: recomputation and compilation change names.
        for number, (name, parameter) in enumerate(self.named_parameters()):
            rows, first = own(parameter)
            if parameter.ndim == 1:
                rows.fill_(1.0)
            else:
                narrow = name.endswith(("attention.output.weight", "mlp.down.weight"))
                draw_rows(rows, first, deviation=residual if narrow else 0.02, seed=seed, matrix=number)

    @torch.no_grad()
    def fill_table(self) -> None:
        """Fill the rotary table, which no checkpoint holds, after `to_empty` of a model made on the meta device."""
        self.table.copy_(rotary_table(self.spec, self.spec.context, self.table.device))

    def forward(self, tokens: Tensor, targets: Tensor | None = None, documents: Tensor | None = None) -> Tensor:
        """The logits; with targets (batch, positions), their summed cross-entropy in their place.

        `documents`: int32, where documents begin in all rows one behind the other, a row's begin always, and where the
        last ends. No token sees one of another document. None: a row is one document.
        """
        x = self.embedding(tokens)
        table = self.table[: tokens.shape[1]]
        seen = None if documents is None else _seen(documents, tokens.shape, x)
        for block in self.blocks:
            x = block(x, table, seen)
        y: Tensor = self.head(self.norm(x), targets)
        return y
