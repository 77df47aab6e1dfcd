"""A rehearsal in a table of its phases, what was noticed, and a verdict; in 80 columns."""

from collections.abc import Iterator

from rehearsal.cycle import Phase, Rehearsal, Report

SHOWN_LINES = 15
"""Of a traceback, and of what a program printed: the last ones say most."""

COLUMNS = (("created", 8), ("updated", 8), ("replaced", 9), ("deleted", 8), ("same", 7), ("time", 9), ("cloud", 9))
TITLE = f"{'phase':<11}" + "".join(f"{name:>{width}}" for name, width in COLUMNS) + "  verdict"


def row(phase: Phase) -> str:
    """The phase's line under TITLE. `cloud` is how long the simulated cloud would have taken."""
    counts = (phase.created, phase.updated, phase.replaced, phase.deleted, phase.same)
    cloud = f"{phase.simulated_min:.0f} min" if phase.simulated_min else ""
    cells = (*(str(count or "") for count in counts), f"{phase.seconds:.1f} s", cloud)
    verdict = "again" if phase.repeated else "FAILED" if phase.problem else "ok"
    shown = "".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, COLUMNS, strict=True))
    return f"{phase.name:<11}{shown}  {verdict}"


def details(phase: Phase, *, verbose: bool) -> Iterator[str]:
    """The lines under the phase's own."""
    if phase.repeated:
        what = "failed" if phase.problem else "a pool is shut"
        yield f"{what} as scripted ({'; '.join(phase.faults)}); retrying"
    elif phase.problem:
        lines = phase.problem.splitlines()
        is_traceback = any(line.startswith("Traceback (most recent call last)") for line in lines)
        yield from _last(lines) if is_traceback and not verbose else lines
        if phase.words and not verbose:  # with it, they were shown as they came
            yield "the program printed:"
            yield from (f"  {line}" for line in _last(list(phase.words)))
    yield from phase.seen
    if phase.expected and verbose:
        yield from (f"expected: {line}" for line in phase.expected)
    elif phase.expected:
        yield f"{_count(len(phase.expected), 'known field finding')} (-v shows them; docs/field-rules.md)"


def verdict(report: Report) -> str:
    """The one sentence that is read first."""
    took = f"{sum(phase.seconds for phase in report.phases):.0f} s"
    if minutes := sum(phase.simulated_min for phase in report.phases):
        took += f", on the cloud about {minutes:.0f} min"
    if report.ok:
        previewed = report.rehearsal is Rehearsal.PREVIEW
        left = "everything is still there" if report.deployed else "nothing is left"
        left = "nothing was created" if previewed and not report.deployed else left
        again = sum(phase.repeated for phase in report.phases)
        judged = len(report.phases) - again
        after = f", after {_count(again, 'scripted failure')}" if again else ""
        return f"OK: {_count(judged, 'phase')} did what {'it' if judged == 1 else 'they'} must{after}; {left} ({took})"
    return f"FAILED: {'; '.join(_reasons(report))} ({took})"


def _reasons(report: Report) -> Iterator[str]:
    failed = [phase for phase in report.phases if phase.problem and not phase.repeated]
    yield from (f"{phase.name}: {_first_line(phase.problem)}" for phase in failed)
    if report.account and report.account.uncovered:
        yield f"{_count(len(report.account.uncovered), 'resource type')} without an oracle"
    if report.account and report.account.left and not report.deployed:
        yield f"{_count(len(report.account.left), 'object')} left in the account"


def _first_line(problem: str) -> str:
    """A traceback's last line is the one that names the error."""
    lines = problem.splitlines()
    return lines[-1] if lines and "Traceback" in problem else lines[0]


def _last(lines: list[str]) -> Iterator[str]:
    if len(lines) > SHOWN_LINES:
        yield f"({_count(len(lines) - SHOWN_LINES, 'line')} before; -v shows all)"
    yield from lines[-SHOWN_LINES:]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
