"""Each way in which workers end, and what follows."""

import pytest

from workloads.pretrain.agent.judge import Verdict, WorkersEnd, judge
from workloads.pretrain.exits import ExitCode

KILLED, FAILED, GAVE_UP, PREEMPTED, REFUSED = -9, 1, 70, 75, 78


@pytest.mark.parametrize(
    "case",
    [
        # code, stopping, begun, progressed, may shrink, restarts left, expected
        # what is deterministic is final, whatever else is true
        (GAVE_UP, False, True, True, True, 5, (ExitCode.GAVE_UP, 5)),
        (GAVE_UP, True, True, False, False, 0, (ExitCode.GAVE_UP, 0)),
        (REFUSED, False, False, False, False, 5, (ExitCode.REFUSED, 5)),
        # a stop on request
        (PREEMPTED, True, True, False, False, 5, (ExitCode.PREEMPTED, 5)),
        (KILLED, True, False, False, False, 5, (ExitCode.PREEMPTED, 5)),
        (KILLED, True, True, True, False, 5, (ExitCode.FAILED, 5)),
        # a stop that another node was asked for
        (PREEMPTED, False, True, False, False, 5, (ExitCode.PREEMPTED, 5)),
        (PREEMPTED, False, True, False, True, 0, (None, 0)),
        # a loss counts, until a checkpoint is committed
        (KILLED, False, True, False, False, 5, (None, 4)),
        (FAILED, False, False, False, True, 1, (None, 0)),
        (KILLED, False, True, True, False, 1, (None, 4)),
        (KILLED, False, True, True, False, 0, (None, 4)),
        # none are left: the scheduler may try elsewhere
        (KILLED, False, True, False, False, 0, (ExitCode.EXHAUSTED, 0)),
        (FAILED, False, False, False, False, 0, (ExitCode.EXHAUSTED, 0)),
    ],
)  # fmt: skip
def test_what_follows(case: tuple[int, bool, bool, bool, bool, int, tuple[ExitCode | None, int]]) -> None:
    code, stopping, begun, progressed, may_shrink, left, expected = case
    end = WorkersEnd(code=code, stopping=stopping, begun=begun, progressed=progressed)
    verdict = judge(end, restarts_left=left, max_restarts=5, may_shrink=may_shrink)
    assert (verdict.code, verdict.restarts_left) == expected


def test_without_restarts_progress_gives_none() -> None:
    end = WorkersEnd(code=1, stopping=False, begun=True, progressed=True)
    verdict = judge(end, restarts_left=0, max_restarts=0, may_shrink=False)
    assert verdict == Verdict(code=ExitCode.EXHAUSTED, restarts_left=0)
