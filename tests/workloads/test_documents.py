"""Attention stays inside a document."""

import inspect
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn

from components.spec.training import ModelSpec
from workloads.model import transformer
from workloads.model.transformer import Transformer

SPEC = ModelSpec(layers=2, width=32, heads=4, kv_heads=2, vocabulary=300, context=16)


@pytest.fixture
def model() -> Transformer:
    made = Transformer(SPEC)
    made.initialize(1)
    return made


def test_a_document_behind_another_reads_as_if_it_were_alone(model: Transformer) -> None:
    tokens = torch.randint(300, (2, 16), generator=torch.Generator().manual_seed(2))
    starts = torch.tensor([0, 5, 16, 19, 32], dtype=torch.int32)
    logits = model(tokens, documents=starts)
    pieces = [(0, 0, 5), (0, 5, 16), (1, 0, 3), (1, 3, 16)]
    for row, begin, end in pieces:
        alone = model(tokens[row : row + 1, begin:end])
        torch.testing.assert_close(logits[row : row + 1, begin:end], alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(logits[0, 5:], model(tokens)[0, 5:], atol=1e-3), "the documents before are not seen"


def test_rows_of_one_document_each_take_the_plain_way(model: Transformer) -> None:
    tokens = torch.randint(300, (2, 16), generator=torch.Generator().manual_seed(2))
    assert torch.equal(model(tokens, documents=torch.tensor([0, 16, 32], dtype=torch.int32)), model(tokens))


def attend_within(  # noqa: PLR0913  # the arguments of the kernel
    query: Tensor, key: Tensor, value: Tensor, starts: Tensor, _starts: Tensor, longest: int, _longest: int,
    *, window_size: tuple[int, int], enable_gqa: bool,
) -> Tensor:  # fmt: skip
    """By the words of `torch.nn.attention.varlen.varlen_attn`: a document after the other, causal."""
    assert window_size == (-1, 0)
    assert starts.dtype == torch.int32
    pieces = []
    for begin, end in pairwise(starts.tolist()):
        assert end - begin <= longest
        q, k, v = (one[begin:end].transpose(0, 1)[None] for one in (query, key, value))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=enable_gqa)
        pieces.append(mixed[0].transpose(0, 1))
    return torch.cat(pieces)


def test_the_kernel_for_accelerators_is_asked_for_the_same(model: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = torch.randint(300, (2, 16), generator=torch.Generator().manual_seed(2))
    starts = torch.tensor([0, 5, 16, 19, 32], dtype=torch.int32)
    masked = model(tokens, documents=starts)
    inspect.signature(varlen_attn).bind(*[None] * 7, window_size=(-1, 0), enable_gqa=True)
    monkeypatch.setattr(transformer, "varlen_attn", attend_within)
    monkeypatch.setattr(transformer, "_seen", lambda starts, _shape, _x: starts)  # as on an accelerator
    torch.testing.assert_close(model(tokens, documents=starts), masked, atol=1e-5, rtol=1e-5)
