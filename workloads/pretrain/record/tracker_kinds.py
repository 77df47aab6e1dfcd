"""W&B and MLflow behind one protocol. Their packages are optional, and imported where a stack file asks for them."""

import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from components.spec.observe import TrackerKind, TrackerSpec
from workloads.pretrain.config import JobFile

INSTALL = "the image has it where it was built with requirements/trackers.txt (docs/training.md, Trackers)"
AT_ONCE: Final = 100
"""Parameters or lines in a request to MLflow: it takes 100 of the first and 1,000 numbers (REST API, log-batch)."""
INIT_S = 30.0
NOT_CURVES = frozenset({"time", "step"})


class AwayError(Exception):
    """The tracker takes nothing now; it is asked again."""


class RefusedError(Exception):
    """The tracker will never take what it was given."""


class Tracker(Protocol):
    """One program that follows a run."""

    def open(self, run: str | None) -> str:
        """The run's name in the tracker: the one it had before, or a new one. AwayError."""
        ...

    def send(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Hands over lines of metrics.jsonl. AwayError, RefusedError."""
        ...

    def close(self, finished: bool) -> None:
        """The run has ended, or is interrupted and will go on."""
        ...


def tracker_of(spec: TrackerSpec, job: JobFile, files: Path) -> Tracker:
    """The tracker, not open yet. `files`: its folder in that of the run."""
    kinds: Mapping[TrackerKind, Callable[[TrackerSpec, JobFile, Path], Tracker]] = {
        TrackerKind.WANDB: WandB,
        TrackerKind.MLFLOW: MLflow,
    }
    return kinds[spec.kind](spec, job, files)


def numbers(line: Mapping[str, Any]) -> dict[str, float]:
    """The curves' values of a line: finite numbers, without those that tell the place on the curve."""
    return {
        key: float(value)
        for key, value in line.items()
        if key not in NOT_CURVES and type(value) in (int, float) and math.isfinite(value)
    }


def flat(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Leaves of nested mappings by their path, such as `optimizer.learningRate`."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{key}.")
        elif value is not None:
            yield f"{before}{key}", str(value)


class WandB:
    """Weights & Biases. Its own process keeps what is logged, on disk too, and sends it on."""

    def __init__(self, spec: TrackerSpec, job: JobFile, files: Path) -> None:
        self._spec, self._job, self._files = spec, job, files
        self._run: Any = None

    def open(self, run: str | None) -> str:
        self._surroundings()
        try:
            import wandb
        except ImportError:
            raise AwayError(f"wandb is not installed; {INSTALL}") from None
        name = run or secrets.token_hex(8)
        settings = wandb.Settings(
            console="off", disable_git=True, disable_code=True, save_code=False, init_timeout=INIT_S,
            **({"base_url": self._spec.url} if self._spec.url else {}),
        )  # fmt: skip
        try:
            self._run = wandb.init(
                project=self._spec.project, entity=self._spec.entity, id=name, resume="allow",
                name=Path(self._job.run_folder).name, mode="online" if self._spec.url else "offline",
                dir=str(self._files), config=_config(self._job), settings=settings,
            )  # fmt: skip
        except (wandb.Error, OSError) as error:
            raise AwayError(_first_line(error)) from error
        # A step that is done again after a restart is a second point; W&B's own step may not go back.
        self._run.define_metric("*", step_metric="step")
        return name

    def _surroundings(self) -> None:
        """Its caches go where a container without rights may write."""
        self._files.mkdir(parents=True, exist_ok=True)
        for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
            os.environ.setdefault(name, str(self._files / "cache"))
        os.environ.setdefault("WANDB_SILENT", "true")

    def send(self, lines: Sequence[Mapping[str, Any]]) -> None:
        for line in lines:
            self._run.log(numbers(line) | {"step": line["step"]})

    def close(self, finished: bool) -> None:
        if not finished:
            self._run.mark_preempting()
        self._run.finish(exit_code=0 if finished else 1)


class MLflow:
    """An MLflow server, or the files that MLflow itself calls a file store."""

    def __init__(self, spec: TrackerSpec, job: JobFile, files: Path) -> None:
        self._spec, self._job = spec, job
        self._uri = spec.url or files.absolute().as_uri()
        self._client: Any = None
        self._run = ""

    def open(self, run: str | None) -> str:
        for name, value in _MLFLOW.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow import MlflowClient
        except ImportError:
            raise AwayError(f"mlflow is not installed; {INSTALL}") from None
        with _asked():
            self._client = MlflowClient(tracking_uri=self._uri)
            self._run = self._again(run) if run else self._new()
        return self._run

    def _again(self, run: str) -> str:
        self._client.update_run(run, status="RUNNING")
        return run

    def _new(self) -> str:
        from mlflow.entities import Param

        found = self._client.get_experiment_by_name(self._spec.project)
        experiment = found.experiment_id if found else self._client.create_experiment(self._spec.project)
        run: str = self._client.create_run(experiment, run_name=Path(self._job.run_folder).name).info.run_id
        params = [Param(key, value) for key, value in flat(_config(self._job))]
        for at in range(0, len(params), AT_ONCE):
            self._client.log_batch(run, params=params[at : at + AT_ONCE])
        return run

    def send(self, lines: Sequence[Mapping[str, Any]]) -> None:
        from mlflow.entities import Metric

        for at in range(0, len(lines), AT_ONCE):
            metrics = [
                Metric(key, value, round(1000 * line["time"]), line["step"])
                for line in lines[at : at + AT_ONCE]
                for key, value in numbers(line).items()
            ]
            with _asked():
                self._client.log_batch(self._run, metrics=metrics)

    def close(self, finished: bool) -> None:
        with _asked():
            self._client.set_terminated(self._run, "FINISHED" if finished else "KILLED")


_MLFLOW: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # It wants a database in place of files, which on a shared file system asks for locks that not each of them has.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
"""Patience is the follower's own, and nobody is told of the run but the server named."""


class _asked:  # noqa: N801  # reads as a statement
    """MLflow's errors told apart: what it will never take, and what it may take later."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from mlflow.exceptions import MlflowException

        if isinstance(error, MlflowException):
            never = error.error_code in {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"}
            raise (RefusedError if never else AwayError)(_first_line(error)) from error
        if isinstance(error, OSError):
            raise AwayError(_first_line(error)) from error


def _config(job: JobFile) -> dict[str, Any]:
    """The job as it was asked for, without its trackers."""
    return job.training.model_dump(mode="json", by_alias=True, exclude={"trackers"})


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]
