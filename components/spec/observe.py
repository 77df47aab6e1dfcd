"""Programs that follow a training run, and the steps of it that are looked at closely."""

from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from components.spec.base import Spec, form
from components.spec.inference import SecretName


def _is_none(value: object) -> bool:
    """True of a field that was left out, and then stays out of plans and of job files."""
    return value is None


class TrackerKind(StrEnum):
    """Program that keeps the curves of many runs."""

    WANDB = "wandb"
    """Weights & Biases."""
    MLFLOW = "mlflow"


def _known(value: Any) -> Any:
    """Refuses by name what people look for here and that there is not."""
    if value == "aim":
        raise ValueError(
            "aim is not offered: its newest release (3.29.1) has no build for the image's Python 3.13, and asks for a "
            "filelock older than penstock's; write wandb or mlflow"
        )
    return value


def _no_password(value: Any) -> Any:
    """Refuses an address with a password inside, which would stand in plans for all to read."""
    if isinstance(value, str) and "@" in urlsplit(value).netloc:
        raise ValueError("holds a name or password before the @, which no stack file may hold; use tokenSecret")
    return value


Address = Annotated[
    str,
    Field(pattern=form(r"^https?://[^\s/?#]+[^\s?#]*$", "an address such as https://mlflow.example.org")),
    BeforeValidator(_no_password),
]


class TrackerSpec(Spec):
    """A program that follows the run."""

    kind: Annotated[TrackerKind, BeforeValidator(_known)]
    """`wandb` (Weights & Biases) or `mlflow`."""
    project: str = Field(
        min_length=1, max_length=128, pattern=form(r"^[^/\\#?%:\x00-\x1f]+$", "a name without / and :")
    )
    """W&B's project, or MLflow's experiment, that the run stands in."""
    entity: str | None = Field(default=None, min_length=1, max_length=128, exclude_if=_is_none)
    """W&B's team or user; when left out, the one that the token belongs to."""
    url: Address | None = Field(default=None, exclude_if=_is_none)
    """Server that is written to: https://api.wandb.ai, or your own. When left out, files in `trackers/` of the run's
    folder, which need no network."""
    token_secret: SecretName | None = Field(default=None, exclude_if=_is_none)
    """Name of the Secret in penstock's namespace whose key `token` is what the server asks for."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.token_secret is not None and self.url is None:
            raise ValueError("tokenSecret: opens a server, and url names none; remove it, or give that")
        if self.entity is not None and self.kind is not TrackerKind.WANDB:
            raise ValueError("entity: is W&B's word, and MLflow has none; remove it")
        return self


class ProfileSpec(Spec):
    """A few steps of which torch's profiler keeps a trace."""

    at_step: int = Field(ge=1)
    """Number of the first step; not the first after a start, which compiles and fills caches."""
    steps: int = Field(default=3, ge=1, le=100)
    """Steps in a row; a trace of an accelerator has tens of MB for each."""
    ranks: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1, max_length=64)
    """Ranks that keep one."""
    memory: bool = False
    """Keep a snapshot of the accelerator's memory beside each trace."""
