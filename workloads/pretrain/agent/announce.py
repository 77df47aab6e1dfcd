"""A run's progress and end on stdout, for whoever started it by hand or reads a pod's log."""

import json
import sys
import threading
import time
from typing import Self

from workloads.model.export import newest_export, read_manifest
from workloads.pretrain.config import JobFile
from workloads.pretrain.exits import ExitCode
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.record.status import RunState, StatusFile
from workloads.pretrain.record.words import learned_nothing, progress_line, result_line

LOOK_EVERY_S = 0.5
EVERY_S = 10.0
SHARE = 0.02
"""Of the time that has passed: the log of a run of days shall not be all progress."""
ENDS = (RunState.FINISHED, RunState.PREEMPTED, RunState.FAILED, RunState.REFUSED)
"""States that end a run: the last line tells one of them."""


class Announcer:
    """Prints a line when the run enters a state for the first time, and one now and then, until the block ends."""

    def __init__(self, job: JobFile) -> None:
        self._job, self._folder = job, RunFolder.of(job)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        _say(f"trains {self._job.training.steps} steps in {self._folder.path}; Ctrl-C stops it with a checkpoint")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        begun, due, states, warned = time.monotonic(), 0.0, set[object](), ""
        since = time.time()
        while not self._over.wait(LOOK_EVERY_S):
            status, now = StatusFile(self._folder.status).read(), time.monotonic()
            if float(str(status["updated"])) < since:
                continue
            if status["warning"] and status["warning"] != warned:
                warned = str(status["warning"])
                _say(f"warning: {warned}")
            if status["state"] in ENDS:
                continue
            if status["state"] not in states or now >= due:
                states.add(status["state"])
                due = now + max(EVERY_S, SHARE * (now - begun))
                _say(progress_line(status))

    def tell_end(self, code: ExitCode) -> None:
        """The last line: what the run has become, or why it ended, then on stderr."""
        if code is ExitCode.FINISHED:
            self._tell_result()
        else:
            sys.stderr.write(f"{StatusFile(self._folder.status).read()['message']}\n")

    def _tell_result(self) -> None:
        """The losses and the model; where nothing is exported, what the status says."""
        try:
            export = newest_export(self._folder.path)
        except FileNotFoundError:
            _say(str(StatusFile(self._folder.status).read()["message"]))
            return
        manifest = read_manifest(export)
        unigram = float(json.loads((self._folder.data / "corpus.json").read_text())["unigramLoss"])
        _say(result_line(manifest.step, manifest.validation_loss, unigram, str(export)))
        training = self._job.training.model_dump(mode="json", by_alias=True)
        if warning := learned_nothing(manifest.validation_loss, unigram, training):
            sys.stderr.write(f"warning: {warning}\n")


def _say(text: str) -> None:
    """A line that a pipe's reader sees at once; nothing where nobody reads any more."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        return
