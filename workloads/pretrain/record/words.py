"""A run's status in words: the shortest of what matters first, as a narrow terminal cuts the rest off."""

from collections.abc import Mapping
from typing import Any

AT_A_STEP = ("checkpointing", "exporting")
"""States without a message of their own."""


def progress_line(status: Mapping[str, Any]) -> str:
    """One line for a status: `33% 2m 5.08 loss, step 99/300, 3,981 tokens/s`; `2m` is the time left."""
    state, message = status.get("state", "starting"), status.get("message") or ""
    step, steps = status.get("step") or 0, status.get("steps") or 0
    if state in AT_A_STEP:
        return f"{state} step {step}/{steps}"
    if state != "training":
        return f"{state}: {message}" if message else str(state)
    first = [f"{100 * step // steps}%" if steps else "0%"]
    if (left := status.get("etaS")) is not None:
        first.append(short_time(left))
    if (loss := status.get("loss")) is not None:
        first.append(f"{loss:.2f} loss")
    parts = [" ".join(first), f"step {step}/{steps}"]
    if (rate := status.get("tokensPerS")) is not None:
        parts.append(f"{rate:,.0f} tokens/s")
    return ", ".join(parts)


def short_time(seconds: float) -> str:
    """48s, 12m, 3h20m."""
    if seconds < 100:
        return f"{seconds:.0f}s"
    minutes = round(seconds / 60)
    return f"{minutes}m" if minutes < 100 else f"{minutes // 60}h{minutes % 60:02d}m"


def result_line(step: int, validation: float | None, unigram: float | None, model: str | None) -> str:
    """The end of a run: `trained to step 300, validation loss 4.26 (unigram baseline 5.30), model in /data/...`."""
    parts = [f"trained to step {step}"]
    if validation is not None:
        beside = f" (unigram baseline {unigram:.2f})" if unigram is not None else ""
        parts.append(f"validation loss {validation:.2f}{beside}")
    if model:
        parts.append(f"model in {model}")
    return ", ".join(parts)


def learned_nothing(validation: float | None, unigram: float | None, training: Mapping[str, Any]) -> str:
    """The warning of a run that ends above the unigram baseline, with the likely reasons; empty for any other."""
    if validation is None or unigram is None or validation < unigram:
        return ""
    rate = (training.get("optimizer") or {}).get("learningRate")
    return (
        f"validation loss {validation:.2f} is not below the unigram baseline {unigram:.2f}, the loss of knowing only "
        "how often each token occurs: the model has learned nothing worth serving. Likely: too few steps "
        f"(training.steps {training.get('steps')}), a learning rate that does not fit "
        f"(training.optimizer.learningRate {rate}), or too little text"
    )
