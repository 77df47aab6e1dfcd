"""Traces of a few steps by torch's profiler, and snapshots of an accelerator's memory, on request.

The request stands in the job (`training.profile`), or comes while the run goes on as profile.json in its folder, with
the same keys. Each rank looks for itself and takes part in nothing, so a trace that fails costs no step but its own.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from components.errors import PenstockError
from components.spec.explain import read_json
from components.spec.observe import ProfileSpec
from workloads.pretrain.folder import RunFolder, step_name

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
EVENTS = 200_000
"""Allocations kept for a snapshot: some 100 MB of the host's memory."""


class Profiler:
    """The profiler of one rank."""

    def __init__(
        self, folder: RunFolder, asked: ProfileSpec | None, rank: int, device: torch.device,
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`tell`: takes what the user should know; the journal's, which on other ranks than the first is silent."""
        self._folder, self._rank, self._device, self._tell = folder, rank, device, tell
        self._asked = asked
        self._seen = _changed(folder.profile_asked)
        self._looked = time.monotonic()
        self._profile: Any = None
        self._left = 0

    def before(self, step: int) -> None:
        """The step of that number is about to begin; the trace begins with it if it is the one."""
        self._look(step)
        asked = self._asked
        if self._profile is not None or asked is None or step != asked.at_step or self._rank not in asked.ranks:
            return
        if self._path("json.gz").exists():  # done before a restart
            return
        self._left = asked.steps
        try:
            self._begin(asked)
        except Exception as error:  # whatever it is, the run is worth more
            self._give_up(error)

    def after(self) -> bool:
        """A step has ended; True if the trace is complete, and `write` has something to do."""
        if self._profile is None:
            return False
        self._profile.step()
        self._left -= 1
        return self._left <= 0

    def write(self) -> None:
        """The trace, and the snapshot where one was asked for, into files that have their names when they are whole."""
        trace, self._profile = self._profile, None
        try:
            trace.stop()
            partial = self._path("partial.json.gz")
            partial.parent.mkdir(parents=True, exist_ok=True)
            trace.export_chrome_trace(str(partial))
            self._snapshot()
            partial.replace(self._path("json.gz"))
        except Exception as error:
            self._give_up(error)
            return
        log.info("traced: %s", self._path("json.gz"))

    def _begin(self, asked: ProfileSpec) -> None:
        if asked.memory and not self._is_cuda:
            self._tell(
                "profile.memory: there is no accelerator, whose memory a snapshot shows; the trace alone is kept"
            )
        if asked.memory and self._is_cuda:
            torch.cuda.memory._record_memory_history(max_entries=EVENTS)  # noqa: SLF001  # torch's own guide names it
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self._is_cuda else [])]
        started = profile(activities=activities, record_shapes=True, profile_memory=asked.memory)
        started.start()
        self._profile = started
        self._tell(f"traces {asked.steps} steps from {asked.at_step} on, which are slower for it")

    def _snapshot(self) -> None:
        assert self._asked is not None
        if self._asked.memory and self._is_cuda:
            dump: Callable[[str], None] = torch.cuda.memory._dump_snapshot  # noqa: SLF001
            dump(str(self._path("memory.pickle")))
            torch.cuda.memory._record_memory_history(enabled=None)  # noqa: SLF001

    def _give_up(self, error: Exception) -> None:
        self._profile = None
        log.warning("no trace: %s: %s", type(error).__name__, error)
        self._tell(f"no trace of step {self._asked.at_step if self._asked else 0}: {error}; the run goes on")

    @property
    def _is_cuda(self) -> bool:
        return self._device.type == "cuda"

    def _path(self, ending: str) -> Path:
        assert self._asked is not None
        return self._folder.profiles / step_name(self._asked.at_step) / f"rank-{self._rank}.{ending}"

    def _look(self, step: int) -> None:
        """Takes what profile.json asks for, if it has changed since the last look."""
        if self._profile is not None or time.monotonic() - self._looked < LOOK_EVERY_S:
            return
        self._looked = time.monotonic()
        changed = _changed(self._folder.profile_asked)
        if changed in (None, self._seen):
            return
        self._seen = changed
        try:
            found = read_json(ProfileSpec, self._folder.profile_asked.read_bytes(), self._folder.profile_asked.name)
        except (PenstockError, OSError) as error:
            self._tell(f"{error}")
            return
        if found.at_step < step:
            self._tell(f"profile.json asks for step {found.at_step}, and step {step} begins; ask for a later one")
            return
        self._asked = found


def _changed(path: Path) -> int | None:
    """A number that changes with the file; None where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
