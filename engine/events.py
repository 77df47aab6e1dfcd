"""The lines of the engine's event log, as typed events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventPhase(StrEnum):
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceStep:
    """The engine began, finished or failed one operation on one resource. `op` is its own word (create, same, ...)."""

    phase: EventPhase
    op: str
    urn: str
    type: str
    changed: tuple[str, ...] = ()
    planning: bool = False

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A message about a resource or the program. An ephemeral one is a status line that the next replaces."""

    severity: str
    message: str
    urn: str = ""
    ephemeral: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The operation's end: how many resources per operation."""

    result: str
    seconds: int
    changes: Mapping[str, int] = field(default_factory=dict)


Event = ResourceStep | Diagnostic | Summary

_STEPS = {
    "resourcePreEvent": EventPhase.STARTED,
    "resOutputsEvent": EventPhase.FINISHED,
    "resOpFailedEvent": EventPhase.FAILED,
}


def parse_event(line: str) -> Event | None:
    """The event of one line of the log, None for a kind that nothing here needs. ValueError where it is not JSON."""
    entry: dict[str, Any] = json.loads(line)
    for key, phase in _STEPS.items():
        if key in entry:
            return _step(phase, entry[key])
    if "diagnosticEvent" in entry:
        return _diagnostic(entry["diagnosticEvent"])
    if "policyEvent" in entry:
        return _violation(entry["policyEvent"])
    if "errorEvent" in entry:
        return Diagnostic(severity="error", message=entry["errorEvent"]["error"].strip())
    if "summaryEvent" in entry:
        return _summary(entry["summaryEvent"])
    return None


def _step(phase: EventPhase, body: Mapping[str, Any]) -> ResourceStep:
    metadata = body["metadata"]
    changed = {*(metadata.get("diffs") or ()), *(metadata.get("detailedDiff") or ())}
    return ResourceStep(
        phase=phase,
        op=metadata["op"],
        urn=metadata["urn"],
        type=metadata["type"],
        changed=tuple(sorted(changed)),
        planning=body.get("planning", False),
    )


def _diagnostic(body: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        severity=body["severity"],
        message=body["message"].strip(),
        urn=body.get("urn", ""),
        ephemeral=body.get("ephemeral", False),
    )


def _violation(body: Mapping[str, Any]) -> Diagnostic:
    """A policy's verdict. The engine puts the policy's reason before it, on a line of its own."""
    reason, _, violation = body["message"].strip().rpartition("\n")
    urn = body.get("resourceUrn", "")
    mandatory = body.get("enforcementLevel") == "mandatory"
    return Diagnostic(
        severity="error" if mandatory else "warning",
        message=f"{urn.rpartition('::')[2]}: {violation} (policy {body['policyName']}: {reason})",
        urn=urn,
    )


def _summary(body: Mapping[str, Any]) -> Summary:
    changes = dict(body.get("resourceChanges") or {})
    return Summary(result=body.get("result", ""), seconds=body["durationSeconds"], changes=changes)
