"""The status of a pod, from the states of its containers."""

from __future__ import annotations

import pytest

from lab.node.status import ContainerState, State, conditions, lost, pod_phase

POD = {"spec": {"readinessGates": [{"conditionType": "load-balancer"}]}, "status": {}}
RUNNING: State = {"running": {}}


def ended(code: int) -> State:
    return {"terminated": {"exitCode": code}}


def container(state: State, last: State | None = None, *, ready: bool = False) -> ContainerState:
    return ContainerState(name="main", image="i", state=state, last=last or {}, ready=ready)


@pytest.mark.parametrize(
    ("policy", "states", "phase"),
    [
        ("Never", [ended(0), ended(0)], "Succeeded"),
        ("Never", [ended(0), ended(3)], "Failed"),
        ("Never", [ended(3), RUNNING], "Running"),
        ("OnFailure", [ended(0)], "Succeeded"),
        ("OnFailure", [ended(3)], "Running"),
        ("Always", [ended(0)], "Running"),
        ("Never", [{"waiting": {}}], "Pending"),
    ],
)
def test_the_phase(policy: str, states: list[State], phase: str) -> None:
    assert pod_phase(policy, [], [container(state) for state in states]) == phase


def test_a_container_in_back_off_leaves_the_pod_running() -> None:
    assert pod_phase("Always", [], [container({"waiting": {"reason": "CrashLoopBackOff"}}, ended(1))]) == "Running"


def test_init_containers_hold_the_pod_pending_and_their_failure_is_final_where_nothing_restarts() -> None:
    waits = container({"waiting": {}})
    sidecar = ContainerState(name="beside", image="i", state=RUNNING, sidecar=True, passed=True)

    assert pod_phase("Never", [container(RUNNING)], [waits]) == "Pending"
    assert pod_phase("Never", [container(ended(1))], [waits]) == "Failed"
    assert pod_phase("OnFailure", [container(ended(1))], [waits]) == "Pending"
    assert pod_phase("Never", [sidecar], [container(RUNNING)]) == "Running"


def test_ready_waits_for_every_container_and_for_the_gates() -> None:
    def ready(*states: ContainerState, conditions_there: tuple[str, ...] = ()) -> tuple[bool, bool]:
        pod = POD | {"status": {"conditions": [{"type": name, "status": "True"} for name in conditions_there]}}
        found = conditions([], states, phase="Running", attached=True, pod=pod)
        return found["ContainersReady"][0], found["Ready"][0]

    good, bad = container(RUNNING, ready=True), container(RUNNING)
    assert ready(good, bad, conditions_there=("load-balancer",)) == (False, False)
    assert ready(good) == (True, False)
    assert ready(good, conditions_there=("load-balancer",)) == (True, True)


def test_what_ran_when_the_agent_died_is_lost_and_what_had_ended_keeps_its_end() -> None:
    row = {"name": "main", "image": "i", "restartCount": 2}

    assert lost(row | {"state": {"running": {"startedAt": "t"}}}, "now").state["terminated"]["exitCode"] == 137
    assert lost(row | {"state": ended(0)}, "now").exit_code == 0
    assert lost(row | {"state": RUNNING}, "now").restarts == 2
