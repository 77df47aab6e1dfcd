"""Arguments that a check by hand refuses before anything is measured or made."""

import os
from pathlib import Path

import pytest

from workloads.fabric_check.__main__ import EX_CONFIG, MOST_RANKS_PER_CORE, main


def test_a_volume_that_does_not_exist_is_refused_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nope"
    assert main(["--volume", str(missing)]) == EX_CONFIG
    assert f"--volume: {missing} is no folder that exists; make it" in capsys.readouterr().err
    assert not missing.exists()


def test_more_ranks_than_the_cores_can_carry_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    cores = len(os.sched_getaffinity(0))
    assert main(["--ranks", "100000"]) == EX_CONFIG
    said = capsys.readouterr().err
    assert f"--ranks: 100000 processes on {cores} cores; {MOST_RANKS_PER_CORE * cores} are the most" in said


def test_all_mistakes_come_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--ranks", "100000", "--volume", "/nope"]) == EX_CONFIG
    assert capsys.readouterr().err.startswith("2 problems")
