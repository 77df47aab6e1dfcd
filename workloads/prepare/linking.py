"""The prepared text of a run: made once, and linked into the run's folder, where restarts find it."""

import json
import os
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from components.errors import PenstockError, Problem, SpecError
from components.spec.training import TrainingSpec
from workloads.prepare.manifest import MANIFEST, read_manifest
from workloads.prepare.prepare import prepare
from workloads.pretrain.config import JobFile
from workloads.pretrain.folder import RunFolder, replace_json
from workloads.pretrain.record.status import RunState, StatusFile

SAY_EVERY_S = 10.0


def is_prepared(job: JobFile) -> bool:
    """True if the run's folder has what the job asks for: two small files are read, and nothing of the text.

    SpecError where the run was trained on something else.
    """
    folder = RunFolder.of(job)
    try:
        asked = json.loads(folder.data_asked.read_text())
    except (OSError, ValueError):
        return False
    if not (folder.data / MANIFEST).is_file():
        return False
    if asked == _asked(job.training):
        return True
    if any(folder.checkpoints.glob("step-*")):
        message = (
            f"the text, its split or the vocabulary is not what this run was trained on (see "
            f"{folder.data_asked}); undo the change, or use another run folder"
        )
        raise SpecError([Problem(path="training.data", message=message)])
    return False


def prepare_run(job: JobFile, *, says: bool = True) -> None:
    """Prepares what the job trains on and links it into the run's folder; status.json tells the progress, and stdout
    where it `says` so.

    SpecError for what the user can mend, also in status.json.
    """
    if is_prepared(job):
        return
    folder = RunFolder.of(job)
    folder.path.mkdir(parents=True, exist_ok=True)
    status = StatusFile(folder.status)
    status.write(RunState.PREPARING, message="looking at the text", steps=job.training.steps, warning="")
    try:
        made = prepare(job.training, data_folder(job), _Reporter(status, says=says))
    except PenstockError as error:
        state = RunState.REFUSED if isinstance(error, SpecError) else RunState.FAILED
        status.write(state, message=str(error))
        raise
    link(folder, made, job.training)
    left_out = read_manifest(made).left_out
    if left_out and says:
        sys.stdout.write(f"{left_out}\n")
    status.note(message="the text is prepared", warning=left_out)


def data_folder(job: JobFile) -> Path:
    """The folder of prepared text that the job uses."""
    return Path(job.data_folder) if job.data_folder else RunFolder.of(job).path / "prepared"


def link(folder: RunFolder, made: Path, training: TrainingSpec) -> None:
    """Links prepared text into a run's folder, under a path that holds wherever the volume is mounted."""
    fresh = folder.path / f".data-{secrets.token_hex(4)}"
    fresh.symlink_to(os.path.relpath(made.resolve(), folder.path.resolve()))
    fresh.replace(folder.data)
    replace_json(folder.data_asked, _asked(training))


def _asked(training: TrainingSpec) -> Mapping[str, object]:
    """All of a spec that the tokens depend on."""
    data = training.data.model_dump(mode="json", by_alias=True)
    packed = {"context": training.model.context} if training.data.converses else {}
    return {"data": data, "vocabulary": training.model.vocabulary, "from": training.model.from_folder, **packed}


class _Reporter:
    """Progress into status.json, and now and then onto stdout, which is a pod's log."""

    def __init__(self, status: StatusFile, *, says: bool) -> None:
        self._status, self._says, self._said = status, says, 0.0

    def __call__(self, message: str) -> None:
        if self._status.due:
            self._status.note(message=message)
        if self._says and time.monotonic() - self._said >= SAY_EVERY_S:
            self._said = time.monotonic()
            sys.stdout.write(f"{message}\n")
            sys.stdout.flush()
