"""Configuration of a check: the file, or the argument, that it is given."""

from typing import Literal, Self

from pydantic import Field, model_validator

from components.spec.base import Spec
from components.spec.explain import read_json

MIB = 2**20
CPU_SIZES = (MIB // 4, MIB, 4 * MIB, 16 * MIB)
CUDA_SIZES = (MIB, 16 * MIB, 128 * MIB, 1024 * MIB, 4096 * MIB)
"""The floors that are published hold from 1 GiB on: half of the bandwidth is reached at 80 to 130 MB between nodes."""


class CheckFile(Spec):
    """One check of one pool."""

    ranks_per_node: int = Field(default=1, ge=1)
    device: Literal["cpu", "cuda"] = "cpu"
    floor_gbps: float = Field(default=0.0, ge=0)
    """Gigabytes per second of bus bandwidth; 0 where no floor is known."""
    fabric: bool = False
    """The pool has a fabric: data that goes over TCP is a failure."""
    sizes: tuple[int, ...] = ()
    """Bytes of each message, rising; when left out, those that suit the device."""
    iterations: int = Field(default=5, ge=1, le=1000)
    slow_share: float | None = Field(default=None, gt=0, lt=1)
    """A node is slow below this share of the median of all nodes; when left out, what suits the device."""
    volume: str | None = None
    """A folder that every node has to be able to write to, and that all of them share."""
    timeout_s: float = Field(default=600.0, gt=0)
    """Seconds in which all nodes must have come and the check be over."""
    evidence_file: str | None = None

    @model_validator(mode="after")
    def _sizes_rise(self) -> Self:
        if list(self.sizes) != sorted(set(self.sizes)) or any(size < 4 for size in self.sizes):
            raise ValueError("sizes: give bytes in rising order, 4 at least")
        return self

    @property
    def least_share(self) -> float:
        """A fabric is one job's own; a processor has other things to do too, so only what is far off is told."""
        return self.slow_share or (0.7 if self.device == "cuda" else 0.35)

    @property
    def messages(self) -> tuple[int, ...]:
        return self.sizes or (CUDA_SIZES if self.device == "cuda" else CPU_SIZES)


def parse_check(text: str) -> CheckFile:
    """The check that JSON describes; SpecError with every problem."""
    return read_json(CheckFile, text)
