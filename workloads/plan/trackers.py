"""Trackers of a run in its plan: what their programs read from the environment, and what a place cannot give them."""

from collections.abc import Iterator, Mapping, Sequence

from components.errors import Problem
from components.spec.observe import TrackerKind, TrackerSpec
from components.spec.training import TrainingSpec

TOKENS: Mapping[TrackerKind, str] = {
    TrackerKind.WANDB: "WANDB_API_KEY",
    TrackerKind.MLFLOW: "MLFLOW_TRACKING_TOKEN",
}
"""Variables that hold the token (W&B, "Environment variables"; MLflow, "Tracking server", authentication)."""


def token_references(trackers: Sequence[TrackerSpec]) -> dict[str, str]:
    """Names of Secrets by the variable that each goes into."""
    return {TOKENS[one.kind]: one.token_secret for one in trackers if one.token_secret}


def environment(spec: TrainingSpec, folder: str) -> dict[str, str]:
    """Variables by which a program that logs to W&B or MLflow finds the server, or files in the run's folder."""
    found: dict[str, str] = {}
    for one in spec.trackers:
        files = f"{folder}/trackers/{one.kind.value}"
        found |= _wandb(one, spec.name, files) if one.kind is TrackerKind.WANDB else _mlflow(one, files)
    return found


def _wandb(one: TrackerSpec, name: str, files: str) -> dict[str, str]:
    """W&B's own names; the run's id, by which it goes on, is the agent's to keep."""
    where = {"WANDB_BASE_URL": one.url} if one.url else {"WANDB_MODE": "offline"}
    entity = {"WANDB_ENTITY": one.entity} if one.entity else {}
    return where | entity | {"WANDB_PROJECT": one.project, "WANDB_NAME": name, "WANDB_DIR": files}


def _mlflow(one: TrackerSpec, files: str) -> dict[str, str]:
    """MLflow's own names; files are what it calls a file store, which it has to be allowed."""
    where = {"MLFLOW_TRACKING_URI": one.url or f"file://{files}", "MLFLOW_EXPERIMENT_NAME": one.project}
    return where if one.url else where | {"MLFLOW_ALLOW_FILE_STORE": "true"}


def tracker_problems(trackers: Sequence[TrackerSpec], *, pods: bool) -> Iterator[Problem]:
    """Problems of tokens where there are no Secrets."""
    for at, one in enumerate(trackers):
        if one.token_secret and not pods:
            message = (
                f"is a Kubernetes Secret, and here jobs are processes of this machine; leave it out, and set "
                f"{TOKENS[one.kind]} where `pulumi up` runs"
            )
            yield Problem(path=f"training.trackers.{at}.tokenSecret", message=message)


def profile_problems(spec: TrainingSpec, accelerators: int) -> Iterator[Problem]:
    """Problems of the steps to be traced, of a run with nothing left open; `accelerators`: of one node."""
    asked, ranks = spec.profile, spec.nodes * (spec.ranks_per_node or 1)
    if asked is None:
        return
    if max(asked.ranks) >= ranks:
        message = f"{max(asked.ranks)} is no rank of this run, whose last is {ranks - 1}; choose others"
        yield Problem(path="training.profile.ranks", message=message)
    if asked.memory and not accelerators:
        message = "is about an accelerator's memory, and the pool has none; remove it, or choose another pool"
        yield Problem(path="training.profile.memory", message=message)
