"""A pod's status from the states of its containers, by the rules of the kubelet. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

State = dict[str, Any]
"""`{"waiting" | "running" | "terminated": {...}}`, as the API has it."""

LOST_CODE = 137


@dataclass(slots=True, kw_only=True)
class ContainerState:
    """Observed state of one container."""

    name: str
    image: str
    state: State = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    last: State = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    sidecar: bool = False
    """An init container that stays (`restartPolicy: Always`)."""
    passed: bool = False
    """An init container that has done its part: ended well, or as a sidecar started."""
    run_id: str = ""

    @property
    def exit_code(self) -> int | None:
        return self.state["terminated"]["exitCode"] if "terminated" in self.state else None

    def waits(self, reason: str, message: str = "") -> None:
        self.state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}
        self.ready = self.started = False


def restarts(policy: str, exit_code: int) -> bool:
    """True if a container that ended so is started again."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def pod_phase(policy: str, inits: Sequence[ContainerState], containers: Sequence[ContainerState]) -> str:
    """Pending until all containers have started once; Succeeded or Failed when none will run again."""
    if any(_ended_badly(one, policy) for one in inits):
        return "Failed"
    if not all(one.passed for one in inits):
        return "Pending"
    codes = [_code(one) for one in containers]
    if any("running" in one.state for one in containers):
        return "Running"
    if any(code is None for code in codes):
        return "Pending"
    if policy == "Always":
        return "Running"
    if not any(codes):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def ended_phase(containers: Sequence[ContainerState]) -> str:
    """The phase of a pod that was told to end, and has."""
    return "Succeeded" if all(one.exit_code == 0 for one in containers) else "Failed"


def conditions(
    inits: Sequence[ContainerState], containers: Sequence[ContainerState], *, phase: str, attached: bool,
    pod: Mapping[str, Any],
) -> dict[str, tuple[bool, str, str]]:  # fmt: skip
    """Condition -> (whether it holds, reason, message)."""
    done = phase == "Succeeded"
    started = all(one.passed for one in inits) or done
    unready = [one.name for one in containers if not one.ready]
    sidecars = [one.name for one in inits if one.sidecar and not one.ready]
    ready = not unready and not sidecars and phase == "Running"
    why = "PodCompleted" if done else "PodFailed" if phase == "Failed" else "ContainersNotReady"
    message = "" if done or phase == "Failed" else f"containers with unready status: [{' '.join(unready + sidecars)}]"
    containers_ready = (ready, "" if ready else why, "" if ready else message)
    gates = [gate for gate in _gates(pod) if gate not in _true_conditions(pod)]
    if ready and gates:
        pod_ready = (False, "ReadinessGatesNotReady", f'the status of pod readiness gate "{gates[0]}" is not "True"')
    else:
        pod_ready = containers_ready
    unfinished = [one.name for one in inits if not one.passed]
    initialized = (True, "PodCompleted" if done else "", "") if started else (
        False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(unfinished)}]")  # fmt: skip
    return {
        "PodReadyToStartContainers": (attached, "", ""),
        "Initialized": initialized,
        "ContainersReady": containers_ready,
        "Ready": pod_ready,
    }


def container_status(one: ContainerState) -> dict[str, Any]:
    """The row of `containerStatuses`."""
    return {
        "name": one.name, "image": one.image, "imageID": one.image if one.run_id else "", "ready": one.ready,
        "started": one.started, "restartCount": one.restarts, "state": one.state, "lastState": one.last,
        "containerID": f"process://{one.run_id}" if one.run_id else "",
    }  # fmt: skip


def lost(row: Mapping[str, Any], ended_at: str) -> ContainerState:
    """Status of a container (a row of `containerStatuses`) whose node agent died: it ended, nobody saw how."""
    state = dict(row.get("state") or {})
    if "running" in state:
        terminated = {
            "exitCode": LOST_CODE, "reason": "ContainerStatusUnknown", "finishedAt": ended_at,
            "startedAt": state["running"].get("startedAt"),
            "message": "The container could not be located when its node came back",
        }  # fmt: skip
        state = {"terminated": terminated}
    return ContainerState(
        name=row["name"], image=row["image"], state=state, last=dict(row.get("lastState") or {}),
        restarts=row.get("restartCount", 0),
    )  # fmt: skip


def _ended_badly(one: ContainerState, policy: str) -> bool:
    return not one.sidecar and policy == "Never" and bool(one.exit_code)


def _code(one: ContainerState) -> int | None:
    """Last exit code, also while it waits to be started again."""
    if "waiting" in one.state:
        ended = one.last.get("terminated")
        return int(ended["exitCode"]) if ended else None
    return one.exit_code


def _gates(pod: Mapping[str, Any]) -> list[str]:
    return [row["conditionType"] for row in pod["spec"].get("readinessGates") or ()]


def _true_conditions(pod: Mapping[str, Any]) -> set[str]:
    rows = (pod.get("status") or {}).get("conditions") or ()
    return {row["type"] for row in rows if row["status"] == "True"}
