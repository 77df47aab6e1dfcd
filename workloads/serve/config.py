"""The server's own configuration file: what whoever starts a replica writes for it."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from components.errors import PenstockError
from components.spec.base import Spec
from components.spec.explain import read_json
from components.spec.inference import InferenceSpec


class ServeFile(Spec):
    """One replica of an inference service."""

    inference: InferenceSpec
    model_folder: str = Field(min_length=1)
    """An export folder, or a run's folder, whose newest export is taken."""
    port: int = Field(ge=1024, le=65535)
    """This replica's own port; `inference.port` is the first replica's."""
    device: Literal["cpu", "cuda"] = "cpu"
    wait_for_model: bool = False
    """A run that has not exported a model yet is waited for: alive, and not ready."""

    @model_validator(mode="after")
    def _every_running_sequence_gets_a_token(self) -> Self:
        spec = self.inference
        if spec.max_sequences > spec.max_batch_tokens:
            raise ValueError(
                f"inference.maxSequences: {spec.max_sequences} sequences cannot decode together in a batch of "
                f"maxBatchTokens: {spec.max_batch_tokens}; raise maxBatchTokens or lower maxSequences"
            )
        return self


def read_config(path: Path) -> ServeFile:
    """The configuration in `path`; SpecError with every problem, PenstockError when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PenstockError(
            f"{path}: cannot be read ({_reason(error)}); give a configuration file; `penstock serve --help` shows one"
        ) from None
    return read_json(ServeFile, text, str(path))


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "not UTF-8 text"
