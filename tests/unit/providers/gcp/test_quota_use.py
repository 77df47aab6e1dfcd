"""Limits of Cloud Quotas against a plan's needs: the most exact row decides, and what is not told stops nothing."""

from pathlib import Path
from typing import Any

import pytest

from providers.gcp.quota_use import family_problems
from providers.gcp.session import GoogleError
from tests.unit.providers.gcp.answers import ABSENT, OFF, Answers
from tests.unit.providers.gcp.test_preflight import QUOTAS, plan_of
from tests.unit.providers.gcp.whole_stacks import SLICES, TRAIN

FAMILY = f"{QUOTAS}/GPUS-PER-GPU-FAMILY-per-project-region"
HERE, ELSEWHERE = {"region": "us-central1"}, {"region": "us-east1"}
H200 = {"gpu_family": "NVIDIA_H200"}


def row(value: int, *places: str, **dimensions: str) -> dict[str, Any]:
    return {"dimensions": dimensions, "details": {"value": str(value)}, "applicableLocations": list(places)}


@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        ([row(64, **HERE, **H200), row(0)], None),  # the most exact, wherever it stands
        ([row(0), row(64, **HERE, **H200)], None),
        ([row(64), row(16, **HERE, **H200)], "16"),
        ([row(64, **HERE), row(0, **HERE, gpu_family="NVIDIA_B200")], None),  # of another family
        ([row(8, **H200), row(64, **ELSEWHERE, **H200)], "8"),  # of another region
        ([row(64, "us-east1"), row(4, "us-central1", "us-west1")], "4"),  # by the places that it holds for
        ([row(-1)], None),  # no limit
        ([], None),
    ],
)
def test_the_most_exact_row_of_a_family_decides(rows: list[Any], limit: str | None, tmp_path: Path) -> None:
    answers = Answers({FAMILY: {"dimensionsInfos": rows}})
    found = list(family_problems(plan_of(tmp_path), answers))  # type: ignore[arg-type]
    assert len(found) == (limit is not None)
    for problem in found:
        assert f"of NVIDIA_H200 in us-central1 is {limit}, and the stack needs 32" in problem.message
        assert problem.stops


@pytest.mark.parametrize(
    ("changes", "quota", "needed"),
    [
        (SLICES, "TPUS-PER-TPU-FAMILY-per-project-region", 32),
        (SLICES | {f"{TRAIN}.capacity": "spot"}, "PREEMPTIBLE-TPU-V6E-per-project-region", 32),
        ({f"{TRAIN}.capacity": "spot", f"{TRAIN}.zone": "us-central1-b"},
         "PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region", 32),
    ],
)  # fmt: skip
def test_tpus_and_spot_machines_have_quotas_of_their_own(
    changes: dict[str, Any], quota: str, needed: int, tmp_path: Path
) -> None:
    answers = Answers({f"{QUOTAS}/{quota}": {"dimensionsInfos": [row(needed - 1, **HERE)]}})
    (found,) = family_problems(plan_of(tmp_path, **changes), answers)  # type: ignore[arg-type]
    assert f"{quota}" in found.message
    assert f"is {needed - 1}, and the stack needs {needed}" in found.message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OFF, "gcloud services enable cloudquotas.googleapis.com --project=my-project"),
        (GoogleError(403, "forbidden", "no right to read quotas"), "no right to read quotas"),
        (ABSENT, "has no quota of that name"),
    ],
)
def test_a_limit_that_is_not_told_stops_nothing(error: GoogleError, words: str, tmp_path: Path) -> None:
    (found,) = family_problems(plan_of(tmp_path), Answers({FAMILY: error}))  # type: ignore[arg-type]
    assert words in found.message
    assert not found.stops
