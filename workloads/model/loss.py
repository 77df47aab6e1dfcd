"""Cross-entropy of the output layer without the logits of all tokens at once.

Logits of 8192 tokens and 128,256 words are 4.2 GB in fp32, and a plain loss keeps three copies. Here a piece of the
tokens is taken at a time, and its gradients are computed with it, so that nothing is computed twice. torch's own
`linear_cross_entropy` does the same, but sums the loss of bf16 inputs in bf16, to three digits (torch 2.15).
"""

from typing import Any

import torch
from torch import Tensor

from components.estimate.memory import LOGITS_BYTES

IGNORED = -100
"""Target of a token that does not count; cross_entropy's own default of `ignore_index`."""


def summed_cross_entropy(x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Nats in float32, summed over the targets that are not IGNORED.

    `x` is (tokens, width), `weight` (words, width).
    """
    if torch.is_autocast_enabled(x.device.type):
        low = torch.get_autocast_dtype(x.device.type)
        x, weight = x.to(low), weight.to(low)
    loss: Tensor = _SummedCrossEntropy.apply(x, weight, targets, tokens_at_once(len(weight)))
    return loss


def tokens_at_once(words: int) -> int:
    """Tokens whose logits are there at once."""
    return max(1, LOGITS_BYTES // (4 * words))


class _SummedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, at_once: int) -> Tensor:
        x_gradient = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        weight_gradient = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        loss = x.new_zeros((), dtype=torch.float32)
        for first in range(0, len(x), at_once):
            part, target = x[first : first + at_once], targets[first : first + at_once, None]
            counts = target != IGNORED
            words = target.clamp_min(0)
            scores = (part @ weight.T).float()
            scores -= scores.amax(1, keepdim=True)
            picked = scores.gather(1, words)
            total = scores.exp_().sum(1, keepdim=True)
            loss += ((total.log() - picked) * counts).sum()
            if x_gradient is not None or weight_gradient is not None:
                scores *= counts / total
                scores.scatter_add_(1, words, -counts.float())
                change = scores.to(x.dtype)
                if x_gradient is not None:
                    torch.mm(change, weight, out=x_gradient[first : first + at_once])
                if weight_gradient is not None:
                    weight_gradient.addmm_(change.T, part)
        ctx.save_for_backward(x_gradient, weight_gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        # In place: they are as large as the head, and wanted once.
        x_gradient, weight_gradient = (None if one is None else one.mul_(gradient) for one in ctx.saved_tensors)
        return x_gradient, weight_gradient, None, None
