"""Cross-entropy by pieces."""

import pytest
import torch
from torch.nn import functional

from workloads.model import loss
from workloads.model.loss import IGNORED, summed_cross_entropy


@pytest.mark.parametrize("tokens_at_once", [3, 4, 20, 1000])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_loss_and_gradients_are_those_of_all_logits_at_once(
    monkeypatch: pytest.MonkeyPatch, tokens_at_once: int, kind: torch.dtype
) -> None:
    words, width, tokens = 50, 16, 20
    monkeypatch.setattr(loss, "LOGITS_BYTES", 4 * words * tokens_at_once)
    chance = torch.Generator().manual_seed(1)
    x, weight = (torch.randn(rows, width, generator=chance).to(kind) for rows in (tokens, words))
    targets = torch.randint(words, (tokens,), generator=chance)
    targets[5], targets[19] = IGNORED, IGNORED
    ours, plain = ([part.clone().requires_grad_() for part in (x, weight)] for _ in range(2))
    mean = summed_cross_entropy(ours[0], ours[1], targets) / 18
    expected = functional.cross_entropy((plain[0] @ plain[1].T).float(), targets)
    torch.autograd.backward(mean)
    torch.autograd.backward(expected)
    assert mean.dtype == torch.float32
    torch.testing.assert_close(mean, expected, rtol=1e-5, atol=1e-5)
    tolerance = 1e-5 if kind == torch.float32 else 0.02
    for got, wanted in zip(ours, plain, strict=True):
        torch.testing.assert_close(got.grad, wanted.grad, rtol=tolerance, atol=tolerance / 4)


def test_large_logits_do_not_overflow() -> None:
    x, weight = torch.full((1, 4), 1e3, requires_grad=True), torch.eye(4, requires_grad=True)
    assert summed_cross_entropy(x * 100, weight, torch.tensor([2])).item() == pytest.approx(1.3863, abs=1e-3)


def test_a_loss_that_is_not_finite_shows() -> None:
    x = torch.tensor([[float("nan"), 1.0]])
    assert torch.isnan(summed_cross_entropy(x, torch.eye(2), torch.tensor([0])))


def test_autocast_multiplies_in_its_own_type() -> None:
    x, weight = torch.randn(8, 16), torch.randn(32, 16, requires_grad=True)
    targets = torch.arange(8)
    plain = summed_cross_entropy(x, weight, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = summed_cross_entropy(x, weight, targets)
    assert low != plain
    assert low.item() == pytest.approx(plain.item(), rel=0.01)


@pytest.mark.parametrize("trained", ["x", "weight"])
def test_what_is_not_trained_gets_no_gradient(trained: str) -> None:
    chance = torch.Generator().manual_seed(1)
    x, weight = (torch.randn(rows, 16, generator=chance) for rows in (20, 50))
    targets = torch.randint(50, (20,), generator=chance)
    learned, held = (x, weight) if trained == "x" else (weight, x)
    learned.requires_grad_()
    torch.autograd.backward(summed_cross_entropy(x, weight, targets))
    assert held.grad is None
    assert learned.grad is not None
    (expected,) = torch.autograd.grad(functional.cross_entropy(x @ weight.T, targets, reduction="sum"), learned)
    torch.testing.assert_close(learned.grad, expected)
