"""Text is prepared by a pod of its own, beside no accelerator where the stack has such a pool."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.catalog import Accelerator, MachineType
from components.fabric import Collective, Fabric
from components.plan.cluster import NodePoolPlan, PodBinding, VolumePlan
from components.plan.work import JobPlan
from components.pods.prepare import preparation
from components.spec.storage import OnDestroy
from components.spec.training import TrainingSpec
from workloads.plan.training import plan_training
from workloads.pretrain.config import read_job

VOLUME = VolumePlan(path="/fsx", on_destroy=OnDestroy.KEEP, claim="fsx", mount_path="/fsx")
CHIP = Accelerator(name="h100", vendor="nvidia", reported="H100", memory_gib=80, bf16_tflops=989)
TEXT = {"text": {"files": "/fsx/texts", "format": "jsonl"}}


def pool(name: str, cores: int, chips: int = 0) -> NodePoolPlan:
    machine = MachineType(
        name=f"box-{cores}", cores=cores, memory_gib=256, accelerator=CHIP if chips else None, accelerator_count=chips,
        fabric=Fabric.HOST,
    )  # fmt: skip
    return NodePoolPlan(
        name=name, machine=machine, node_count=2, min_count=2, max_count=2, fabric=Fabric.HOST,
        collective=Collective.NCCL if chips else Collective.GLOO,
        binding=PodBinding(devices={"nvidia.com/gpu": chips} if chips else {}, node_selector={"pool": name}),
    )  # fmt: skip


def planned(pools: list[NodePoolPlan], data: dict[str, Any], **training: object) -> JobPlan:
    asked = {"pool": "train", "image": "r.example/own:1", "data": data, **training}
    spec = TrainingSpec.model_validate(asked, strict=False)
    return plan_training(spec, pools, VOLUME, pods=True)[0]


def job_of(job: JobPlan) -> dict[str, Any]:
    file, body = preparation(job)
    assert body["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] == file["metadata"]["name"]
    return dict(body)


TRAIN = pool("train", 96, chips=8)


def test_the_largest_pool_without_accelerators_prepares() -> None:
    body = job_of(planned([TRAIN, pool("small", 8), pool("large", 64)], TEXT))
    spec = body["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"pool": "large"}
    assert spec["containers"][0]["command"][:3] == ["python", "-m", "workloads.prepare"]
    assert body["apiVersion"] == "batch/v1"


def test_a_pool_that_has_nodes_prepares_for_one_that_has_none_yet() -> None:
    """A block that has not begun: `up` would wait for its first day."""
    body = job_of(planned([replace(TRAIN, desired_now=0), pool("serve", 48, chips=4)], TEXT))
    assert body["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "serve"}


def test_else_a_node_of_the_run_prepares_and_holds_none_of_its_accelerators() -> None:
    spec = job_of(planned([TRAIN], TEXT))["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"pool": "train"}
    assert set(spec["containers"][0]["resources"]["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize(
    ("data", "prepares"),
    [
        ({}, True),
        ({"tokens": "/fsx/prepared/x"}, False),
        ({"mixture": [{"tokens": "/fsx/a", "weight": 1}, {"tokens": "/fsx/b", "weight": 1}]}, False),
        ({"mixture": [{"tokens": "/fsx/a", "weight": 1}, {**TEXT, "weight": 1}]}, True),
    ],
)
def test_tokens_that_are_there_need_no_preparation(data: dict[str, Any], prepares: bool) -> None:
    assert bool(preparation(planned([TRAIN], data))) is prepares


def test_a_change_that_does_not_concern_the_text_makes_no_other_preparation() -> None:
    first, longer = (planned([TRAIN], TEXT, steps=steps) for steps in (100, 200))
    assert preparation(first) == preparation(longer)
    assert preparation(first) != preparation(planned([TRAIN], {**TEXT, "validationShare": 0.1}))


def test_its_file_is_a_job_that_asks_for_the_same_text(tmp_path: Path) -> None:
    job = planned([TRAIN], TEXT)
    path = tmp_path / "job.json"
    path.write_text(preparation(job)[0]["data"]["job.json"])
    read = read_job(path)
    assert read.run_folder == job.run_folder
    assert read.data_folder == job.config["dataFolder"] == "/fsx/prepared"
    told = json.loads(path.read_text())["training"]
    assert {key: told[key] for key in ("data", "model", "batch")} == {
        key: job.config["training"][key] for key in ("data", "model", "batch")
    }


def test_a_job_on_no_cluster_has_none() -> None:
    spec = TrainingSpec.model_validate({"data": TEXT}, strict=False)
    alone = replace(pool("here", 4), node_count=1)
    assert plan_training(spec, [alone], VOLUME)[0].preparation is None
