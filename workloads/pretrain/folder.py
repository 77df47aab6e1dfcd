"""Layout of a run's folder.

job.json                 what was asked for
data/                    link to the prepared text: the tokenizer, and corpus.json, which names the token files
data.json                what was asked for when the text was prepared
checkpoints/step-*/      whole checkpoints; other names are unfinished (.partial-*) or damaged (.corrupt-*) ones
export/step-*/           the model as a Hugging Face folder
metrics.jsonl            a line for each step and each evaluation; metrics.prom: the newest values
ledger.jsonl             what the time was spent on
status.json              where the run stands; workers.json: the processes of the last start
trackers/                KIND.json: what the tracker has got; KIND/: its files where no server is named
profiles/                traces of torch's profiler, and snapshots of memory
profile.json             steps of a run that goes on which somebody wants traced
logs/                    agent.log, and one file for each rank of each attempt
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from workloads.pretrain.config import JobFile


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @classmethod
    def of(cls, job: JobFile) -> Self:
        return cls(Path(job.run_folder))

    @property
    def job(self) -> Path:
        return self.path / "job.json"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def data_asked(self) -> Path:
        return self.path / "data.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def exports(self) -> Path:
        return self.path / "export"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def prometheus(self) -> Path:
        return self.path / "metrics.prom"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.jsonl"

    @property
    def status(self) -> Path:
        return self.path / "status.json"

    @property
    def workers(self) -> Path:
        return self.path / "workers.json"

    @property
    def trackers(self) -> Path:
        return self.path / "trackers"

    @property
    def profiles(self) -> Path:
        return self.path / "profiles"

    @property
    def profile_asked(self) -> Path:
        return self.path / "profile.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def rank_log(self, attempt: int, rank: int) -> Path:
        return self.logs / f"attempt-{attempt}" / f"rank-{rank}.log"


def step_name(step: int) -> str:
    """The name of what belongs to one step; names sort as the steps do."""
    return f"step-{step:08d}"


def replace_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part."""
    # No process id: the nodes of a run share the folder, and in pods each of them is process 1.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(path)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def json_lines(path: Path) -> list[dict[str, object]]:
    """The whole lines of a JSON-lines file; a last line that a killed process left half-written is dropped."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]
