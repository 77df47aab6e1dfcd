"""Orders of the provider to a run's supervisor, and the supervisor's record for the provider."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from components.files import read_json
from plugin.local.processes import Process

KILL_MARGIN_S = 10.0
"""Seconds on top of the job's own stopS before a run that was asked to stop is killed."""


class End(StrEnum):
    """Ending of a run."""

    FINISHED = "finished"
    STOPPED = "stopped"
    """With a checkpoint: asked to, or told to by somebody else."""
    UNWATCHED = "unwatched"
    """With a checkpoint, because who had started it was gone."""
    KILLED = "killed"
    """It was asked to stop and did not in time."""
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Command of the agent. It comes through a pipe, as `env` may hold secrets."""

    program: tuple[str, ...]
    job_file: str
    env: Mapping[str, str]
    max_agent_restarts: int
    stop_s: float
    owner_pid: int
    owner_started: str
    """The provider: when it is gone, nobody watches the run, and it is stopped."""

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        return cls(**{**content, "program": tuple(content["program"])})

    @property
    def owner(self) -> Process:
        return Process(pid=self.owner_pid, started=self.owner_started)

    def content(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """supervisor.json: who supervises a run, how often the agent was started again, and how it ended."""

    supervisor: Process
    owner: Process
    agent: Process | None = None
    restarts: int = 0
    end: End | None = None
    exit_code: int | None = None

    def content(self) -> dict[str, Any]:
        return {
            "supervisor": self.supervisor.record(),
            "owner": self.owner.record(),
            "agent": self.agent.record() if self.agent else None,
            "restarts": self.restarts,
            "end": self.end,
            "exitCode": self.exit_code,
        }


def lock_of(run_folder: Path) -> FileLock:
    """The lock that a supervisor holds for as long as it lives; Timeout at once where another holds it."""
    return FileLock(run_folder / ".supervisor.lock", timeout=0)


def record_path(run_folder: Path) -> Path:
    return run_folder / "supervisor.json"


def read_record(run_folder: Path) -> Record | None:
    """The record of the run's last supervisor; None when it never had one."""
    content = read_json(record_path(run_folder))
    supervisor, owner = Process.parse(content.get("supervisor")), Process.parse(content.get("owner"))
    if not supervisor or not owner:
        return None
    return Record(
        supervisor=supervisor,
        owner=owner,
        agent=Process.parse(content.get("agent")),
        restarts=content["restarts"],
        end=End(content["end"]) if content.get("end") else None,
        exit_code=content.get("exitCode"),
    )
