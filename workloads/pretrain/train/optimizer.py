"""AdamW and its learning rate."""

import math

import torch
from torch import nn

from components.spec.training import OptimizerSpec, Schedule

DECAY_SHARE = 0.2
"""Last part of the run in which `warmupStableDecay` lowers the rate (10 to 20 % in the literature)."""


def build_optimizer(model: nn.Module, spec: OptimizerSpec) -> torch.optim.AdamW:
    """Fused AdamW of what is trained; matrices decay, gains do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": spec.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # Adapters have no gains, and a checkpoint cannot be loaded into a group without parameters (torch 2.15).
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=spec.learning_rate, betas=(spec.beta1, spec.beta2), fused=True)


def learning_rate(spec: OptimizerSpec, step: int, steps: int) -> float:
    """The rate of optimizer step `step` (0 is the first) of `steps`: a pure function, so it has no state to save."""
    if step < spec.warmup_steps:
        return spec.learning_rate * (step + 1) / spec.warmup_steps
    done = (step - spec.warmup_steps) / max(1, steps - 1 - spec.warmup_steps)
    match spec.schedule:
        case Schedule.COSINE:
            share = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        case Schedule.WARMUP_STABLE_DECAY:
            share = min(1.0, max(0.0, (1 - done) / DECAY_SHARE))
    return spec.learning_rate * (spec.final_share + (1 - spec.final_share) * share)
