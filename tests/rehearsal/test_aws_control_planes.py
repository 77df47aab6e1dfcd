"""Slurm and Batch on AWS, through the real engine."""

from pathlib import Path

import pytest

from rehearsal.cycle import Rehearsal, rehearse

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(600)]


@pytest.mark.parametrize("stack", ["aws-slurm", "aws-batch"])
def test_it_comes_up_stays_and_goes(repository: Path, stack: str) -> None:
    report = rehearse(Rehearsal.CYCLE, stack, project=repository)
    assert report.ok, [phase.problem for phase in report.phases]
    assert report.account is not None
    assert (report.account.uncovered, report.account.left) == ((), ())
