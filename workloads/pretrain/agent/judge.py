"""The judgement of how the workers of a node ended: start them again, or end, and by which code."""

from dataclasses import dataclass

from workloads.pretrain.exits import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersEnd:
    """The end of the workers of one attempt."""

    code: int
    """Exit code of the one that says most; negative when it was killed by a signal."""
    stopping: bool
    """This node was asked to stop."""
    begun: bool
    """A step may have been done that no checkpoint has."""
    progressed: bool
    """A checkpoint was committed since the workers were last counted as lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The agent's next act."""

    code: ExitCode | None
    """Exit code of the agent; None when the workers are started again."""
    restarts_left: int
    """Losses without a new checkpoint between them that may still follow."""


def judge(end: WorkersEnd, *, restarts_left: int, max_restarts: int, may_shrink: bool) -> Verdict:
    """The next act after the workers have ended otherwise than by finishing.

    70 is for what would end in the same way anywhere. What may be a node's fault ends otherwise, and a scheduler starts
    the gang again, elsewhere where it can.
    """
    if end.code in {ExitCode.REFUSED, ExitCode.GAVE_UP}:
        return Verdict(code=ExitCode(end.code), restarts_left=restarts_left)
    if end.stopping:
        kept = end.code == ExitCode.PREEMPTED or not end.begun
        return Verdict(code=ExitCode.PREEMPTED if kept else ExitCode.FAILED, restarts_left=restarts_left)
    if end.code == ExitCode.PREEMPTED:
        # Another node was asked to stop: go on without it when the run may shrink.
        return Verdict(code=None if may_shrink else ExitCode.PREEMPTED, restarts_left=restarts_left)
    left = max_restarts if end.progressed else restarts_left
    if left == 0:
        return Verdict(code=ExitCode.EXHAUSTED, restarts_left=0)
    return Verdict(code=None, restarts_left=left - 1)
