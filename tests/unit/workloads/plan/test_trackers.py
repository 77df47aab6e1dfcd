"""Trackers and traces in the plan of a run."""

from dataclasses import replace
from typing import Any

import pytest

from components.errors import SpecError, UnsupportedError
from components.plan.cluster import VolumePlan
from components.pods.template import pod_template
from components.schedulers.slurm.render import render_job
from components.spec.observe import TrackerSpec
from components.spec.storage import OnDestroy
from components.spec.training import TrainingSpec
from tests.contract.scheduler_cases import job, pool
from workloads.plan.training import plan_training

WANDB = {"kind": "wandb", "project": "p", "entity": "team", "url": "https://api.wandb.ai", "tokenSecret": "wandb"}
MLFLOW = {"kind": "mlflow", "project": "p"}
VOLUME = VolumePlan(path="/fsx", on_destroy=OnDestroy.KEEP, claim="file-system", mount_path="/fsx")


def spec(**fields: Any) -> TrainingSpec:
    changes = {"engine": "command", "command": ("python3", "train.py"), "image": "a/b:1", **fields}
    return TrainingSpec.model_validate({"trackers": (), **changes}, strict=False)


def refusal(asked: TrainingSpec, *, pods: bool = True) -> str:
    with pytest.raises(SpecError) as caught:
        plan_training(asked, [pool()], VOLUME, pods=pods)
    return str(caught.value)


def test_a_command_finds_its_trackers_in_the_environment_and_no_token() -> None:
    planned, _ = plan_training(spec(trackers=[WANDB, MLFLOW]), [pool()], VOLUME, pods=True)
    folder = planned.run_folder
    expected = {
        "WANDB_BASE_URL": "https://api.wandb.ai",
        "WANDB_PROJECT": "p",
        "WANDB_ENTITY": "team",
        "WANDB_DIR": f"{folder}/trackers/wandb",
        "MLFLOW_TRACKING_URI": f"file://{folder}/trackers/mlflow",
        "MLFLOW_EXPERIMENT_NAME": "p",
        "MLFLOW_ALLOW_FILE_STORE": "true",
    }
    assert expected.items() <= planned.env.items()
    assert planned.secrets == {"WANDB_API_KEY": "wandb"}
    pod = pod_template(planned, pool(), name="n", command=["agent"])
    (key,) = [one for one in pod["spec"]["containers"][0]["env"] if one["name"] == "WANDB_API_KEY"]
    assert key["valueFrom"] == {"secretKeyRef": {"name": "wandb", "key": "token", "optional": True}}


def test_without_a_server_nothing_is_sent() -> None:
    offline = {"kind": "wandb", "project": "p"}
    planned, _ = plan_training(spec(trackers=[offline]), [pool()], VOLUME, pods=True)
    assert planned.env["WANDB_MODE"] == "offline"
    assert not planned.secrets


def test_a_machine_of_ones_own_has_no_secrets() -> None:
    own = TrainingSpec(trackers=(TrackerSpec.model_validate(WANDB, strict=False),))
    assert "set WANDB_API_KEY where `pulumi up` runs" in refusal(own, pods=False)


def test_a_batch_job_of_slurm_gets_no_token() -> None:
    with pytest.raises(UnsupportedError, match="tokenSecret gives a pod WANDB_API_KEY, and a job of Slurm is none"):
        render_job(replace(job(), secrets={"WANDB_API_KEY": "wandb"}), pool(), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tracker", "expected"),
    [
        ({"kind": "aim", "project": "p"}, "aim is not offered"),
        (MLFLOW | {"entity": "team"}, "entity: is W&B's word"),
        (MLFLOW | {"tokenSecret": "mlflow"}, "tokenSecret: opens a server, and url names none"),
        (MLFLOW | {"url": "https://me:word@host"}, "holds a name or password"),
        (MLFLOW | {"url": "host:5000"}, "should match pattern"),
        (WANDB | {"tokenSecret": "hf_abcdefgh"}, "is a token, which no stack file may hold"),
    ],
)
def test_a_tracker_that_cannot_be_is_refused(tracker: dict[str, str], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        spec(trackers=[tracker])


def test_two_of_a_kind_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="mlflow is there twice"):
        spec(trackers=[MLFLOW, MLFLOW])


def test_a_trace_is_of_steps_ranks_and_memory_that_there_are() -> None:
    with pytest.raises(ValueError, match="the last step traced is 301, and steps is 300"):
        TrainingSpec.model_validate({"profile": {"at_step": 299}}, strict=False)
    asked = {"profile": {"at_step": 9, "ranks": [0, 99], "memory": True}, "image": "a/b:1"}
    told = refusal(TrainingSpec.model_validate(asked, strict=False), pods=False)
    assert "99 is no rank of this run" in told
