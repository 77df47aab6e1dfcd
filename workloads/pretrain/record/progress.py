"""Progress of a run: the small part of a checkpoint that a person can read."""

import json
from dataclasses import dataclass, field
from pathlib import Path

PROGRESS_FILE = "progress.json"


@dataclass(slots=True, kw_only=True)
class GuardState:
    """The guard's memory of the losses."""

    mean: float = 0.0
    variance: float = 0.0
    seen: int = 0
    skipped_in_a_row: int = 0
    skipped: int = 0
    rewinds_again_from: int = 0
    """Step before which a second rewind would be for the same bad stretch."""


@dataclass(slots=True, kw_only=True)
class Progress:
    step: int = 0
    """Optimizer steps done."""
    evaluated_step: int = 0
    """Step of the newest validation loss."""
    sample: int = 0
    """Sequences taken from the loader, over all ranks; skipped ones count."""
    model: dict[str, object]
    """The model's shape, as the stack file writes it."""
    lora: dict[str, object] | None = None
    """The adapters that are trained in its place, likewise."""
    data_digest: str
    world_size: int
    guard: GuardState = field(default_factory=GuardState)


def read_progress(folder: Path) -> Progress:
    """The progress that a finished checkpoint holds."""
    facts = json.loads((folder / PROGRESS_FILE).read_text())
    return Progress(**facts | {"guard": GuardState(**facts["guard"])})
