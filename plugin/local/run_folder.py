"""Files that a training run has left on disk: the one source of its outputs, for a create, an update and a refresh
alike.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.files import read_json, size_bytes

STEP_NAME = re.compile(r"step-(\d+)")


def finished(folder: Path, steps: int) -> bool:
    """True if a whole export of that step or a later one is there."""
    export = newest_export(folder)
    return export is not None and _step(export) >= steps


def newest_export(folder: Path) -> Path | None:
    """The newest export whose manifest and files are all there, in the size the manifest says."""
    return next((export for export in _by_step(folder / "export") if _is_whole(export)), None)


def checkpoint_step(folder: Path) -> int | None:
    """The step of the newest checkpoint: where the run would go on."""
    return next((_step(path) for path in _by_step(folder / "checkpoints")), None)


def outputs_of(folder: Path, restarts: int) -> dict[str, Any]:
    """Outputs of the run as it is now. `restarts` is the supervisor's; a ledger knows all restarts of its life."""
    export = newest_export(folder)
    manifest = read_json(export / "manifest.json") if export else {}
    status, goodput = read_json(folder / "status.json"), _goodput(folder / "ledger.jsonl")
    reached = [step for step in (manifest.get("step"), checkpoint_step(folder)) if step is not None]
    return {
        "step": max(reached, default=0),
        "loss": status.get("loss"),
        "validationLoss": _nats(manifest.get("validationLoss", status.get("validationLoss"))),
        "unigramLoss": _nats(read_json(folder / "data" / "corpus.json").get("unigramLoss")),
        "exportFolder": str(export) if export else None,
        "digest": manifest.get("digest"),
        "tokensPerS": status.get("tokensPerS"),
        "goodput": goodput.get("share"),
        "timeByCause": goodput.get("shares"),
        "restarts": goodput.get("restarts", restarts),
        "runBytes": size_bytes(folder),
    }


def _nats(loss: float | None) -> float | None:
    """A loss to four places: more is noise to whoever reads the stack's outputs."""
    return None if loss is None else round(loss, 4)


def _goodput(ledger: Path) -> Mapping[str, Any]:
    """Share of the time that counted, the shares of all causes, and restarts; nothing where the run kept no ledger."""
    if not ledger.exists():
        return {}
    from workloads.pretrain.record.ledger import summarize  # only a run with a ledger pays for it

    summary = summarize(ledger)
    shares = {cause: round(share, 4) for cause, share in summary.shares.items()}
    return {"share": summary.share, "shares": shares, "restarts": summary.restarts}


def _by_step(folder: Path) -> list[Path]:
    """The folders step-<n> in it, newest first."""
    found = [path for path in folder.glob("step-*") if STEP_NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=_step, reverse=True)


def _step(path: Path) -> int:
    match = STEP_NAME.fullmatch(path.name)
    return int(match[1]) if match else -1


def _is_whole(export: Path) -> bool:
    files = read_json(export / "manifest.json").get("files")
    if not isinstance(files, dict):
        return False
    return all(_has_size(export / name, sums["bytes"]) for name, sums in files.items())


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
