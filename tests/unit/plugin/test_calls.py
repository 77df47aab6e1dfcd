"""Inputs that count as a problem, and those that count as a change."""

from engine.provider.values import Unknown
from plugin.calls import changed
from plugin.local import inference_server, training_run, volume

RUN = {
    "volume": "/v",
    "runFolder": "/v/runs/a",
    "program": ["-m", "workloads.pretrain"],
    "env": {"OMP_NUM_THREADS": "1", "PATH": "/old/bin"},
    "job": {"training": {"steps": 300}},
    "identity": "a",
    "maxAgentRestarts": 3,
}


def test_where_python_lies_is_no_change() -> None:
    moved = RUN | {"env": {"OMP_NUM_THREADS": "1", "PATH": "/new/bin", "VIRTUAL_ENV": "/new"}}
    assert changed(RUN, moved, tuple(RUN)) == []
    assert changed(RUN, RUN | {"env": {"OMP_NUM_THREADS": "2"}}, tuple(RUN)) == ["env"]


def test_a_right_run_has_no_mistakes_known_or_not() -> None:
    assert training_run.check(RUN) == []
    assert training_run.check(RUN | {"volume": Unknown(), "runFolder": Unknown(), "job": Unknown()}) == []


def test_every_mistake_is_named_at_once() -> None:
    wrong = RUN | {"runFolder": "runs/a", "job": {"training": {}}, "maxAgentRestarts": -1, "identity": 7}
    mistakes = {mistake.name: mistake.message for mistake in training_run.check(wrong)}
    assert mistakes == {
        "identity": "identity: 7 is not a text",
        "runFolder": "runFolder: 'runs/a' is relative; give an absolute path",
        "job": "job: training.steps is missing",
        "maxAgentRestarts": "maxAgentRestarts: -1 is negative",
    }
    assert [mistake.message for mistake in inference_server.check({"drainS": "soon"})][-1].startswith("drainS: 'soon'")


def test_another_identity_or_folder_is_another_run() -> None:
    for name in ("identity", "runFolder"):
        changes = training_run.diff(RUN, RUN | {name: "/v/other"}, {})
        assert [(change.name, change.replaces) for change in changes] == [(name, True)]


def test_a_volume_is_no_folder_that_others_live_in() -> None:
    for path in ("/", "/home", "relative"):
        assert volume.check({"path": path, "onDestroy": "keep"}) or path == "/home"
    assert volume.check({"path": "/", "onDestroy": "delete"})
    assert volume.check({"path": "/somewhere/fine", "onDestroy": "perhaps"})
    assert volume.check({"path": "/somewhere/fine", "onDestroy": "keep"}) == []
