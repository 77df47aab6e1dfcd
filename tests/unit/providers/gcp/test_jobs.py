"""Jobs on slices of TPUs and on machines that are queued for: what reaches the cluster, and that it starts."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.plan.kubernetes import Manifest
from components.plan.stack import StackPlan
from components.pods import command_agent
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.definitions import judge
from tests.unit.providers.aws.whole_stacks import changed, write
from tests.unit.providers.gcp.whole_stacks import SLICES, STACK, TRAIN

ROOT = Path(__file__).parents[4]
COMMAND: dict[str, Any] = {
    "training": {"engine": "command", "pool": "train", "nodes": 8, "image": "ghcr.io/a/jax:1", "command": ["python3"]}
}
QUEUED: dict[str, Any] = {
    f"{TRAIN}.capacity": "onDemand", f"{TRAIN}.zone": "us-central1-b", f"{TRAIN}.count": 0, f"{TRAIN}.maxCount": 4,
    "gcp.pools": {"train": {"flexStart": {"maxRunHours": 24, "queued": True}}},
}  # fmt: skip


def planned(changes: dict[str, Any], folder: Path) -> StackPlan:
    return plan_stack(read_path(write(changed(changes, STACK), folder, "gcp-test")), "gcp-test", NOW)


def of_kind(objects: tuple[Manifest, ...], kind: str) -> list[dict[str, Any]]:
    return [dict(one) for one in objects if one["kind"] == kind]


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["containers"]
    return {row["name"]: row.get("value", row.get("valueFrom")) for row in container["env"]}


def test_a_run_on_two_slices_is_a_job_for_each_and_they_find_each_other(tmp_path: Path) -> None:
    (job_set,) = of_kind(planned({**SLICES, **COMMAND}, tmp_path).job, "JobSet")
    judge(job_set)
    notes = job_set["metadata"]["annotations"]
    assert notes == {"alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"}
    (part,) = job_set["spec"]["replicatedJobs"]
    gang = part["template"]["spec"]
    assert (part["replicas"], gang["parallelism"], gang["completions"], gang["completionMode"]) == (2, 4, 4, "Indexed")
    pod = gang["template"]["spec"]
    assert pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"] == "4x4"
    assert {"key": "google.com/tpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"} in pod[
        "tolerations"
    ]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["google.com/tpu"] == "4"
    assert "IPC_LOCK" in container["securityContext"]["capabilities"]["add"]
    found = environment(pod)
    assert found["MEGASCALE_NUM_SLICES"] == "2"
    assert found["MEGASCALE_SLICE_ID"] == "$(SLICE_INDEX)"
    assert found["SLICE_INDEX"] == {"fieldRef": {"fieldPath": "metadata.annotations['jobset.sigs.k8s.io/job-index']"}}
    name = job_set["metadata"]["name"]
    assert found["MEGASCALE_COORDINATOR_ADDRESS"] == f"{name}-node-0-0.{name}"
    names = [row["name"] for row in container["env"]]
    assert names.index("SLICE_INDEX") < names.index("MEGASCALE_SLICE_ID")  # what is expanded has to stand before


def test_a_run_on_one_slice_leaves_everything_to_gkes_webhook(tmp_path: Path) -> None:
    (job_set,) = of_kind(planned({**SLICES, **COMMAND, "training.nodes": 4}, tmp_path).job, "JobSet")
    (part,) = job_set["spec"]["replicatedJobs"]
    assert part["replicas"] == 1
    found = environment(part["template"]["spec"]["template"]["spec"])
    assert not [key for key in found if key.startswith(("MEGASCALE", "SLICE", "TPU_"))]


def test_pods_of_nodes_that_nobody_repairs_may_be_called_failed(tmp_path: Path) -> None:
    """Of others the node comes back, or goes."""
    flexible = {**SLICES, f"{TRAIN}.count": 0, f"{TRAIN}.maxCount": 8, "gcp.pools.train.flexStart": {}}
    for changes, let_go in ((SLICES, False), (flexible, True)):
        plan = planned({**changes, **COMMAND}, tmp_path)
        (job_set,) = of_kind(plan.job, "JobSet")
        template = job_set["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]
        assert ("kueue.x-k8s.io/safe-to-forcefully-delete" in template["metadata"]["annotations"]) is let_go
        assert plan.inside is not None
        (kueue,) = [addon for addon in plan.inside.platform.addons if addon.name == "kueue"]
        assert kueue.release is not None
        gates = kueue.release.values["controllerManager"].get("featureGates", [])
        assert ({"name": "FailureRecoveryPolicy", "enabled": True} in gates) is let_go


def test_a_queue_gets_whole_slices(tmp_path: Path) -> None:
    """Three queues share two slices: one of them has none of its own, and borrows."""
    queues = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    plan = planned({**SLICES, "scheduler": {"queues": queues}}, tmp_path)
    assert plan.inside is not None
    assert sorted(queue.nodes["train"] for queue in plan.inside.scheduler.queues) == [0, 4, 4]


def test_machines_that_are_queued_for_come_by_a_request_of_kueues(tmp_path: Path) -> None:
    plan = planned({**QUEUED, **COMMAND, "training.nodes": 4}, tmp_path)
    assert plan.inside is not None
    objects = plan.inside.scheduler.objects
    for one in objects:
        judge(one)
    (config,) = of_kind(objects, "ProvisioningRequestConfig")
    assert config["spec"]["provisioningClassName"] == "queued-provisioning.gke.io"
    assert config["spec"]["parameters"] == {"maxRunDurationSeconds": "86400"}
    assert config["spec"]["managedResources"] == ["nvidia.com/gpu"]
    assert config["spec"]["retryStrategy"]["backoffLimitCount"] > 3  # a shortage is no reason to give a job up
    (check,) = of_kind(objects, "AdmissionCheck")
    assert check["spec"]["controllerName"] == "kueue.x-k8s.io/provisioning-request"
    assert check["spec"]["parameters"]["name"] == config["metadata"]["name"]
    flavors = {one["metadata"]["name"]: one for one in of_kind(objects, "ResourceFlavor")}
    (queue,) = of_kind(objects, "ClusterQueue")
    (rule,) = queue["spec"]["admissionChecksStrategy"]["admissionChecks"]
    assert rule == {"name": check["metadata"]["name"], "onFlavors": ["penstock-train"]}  # not that of the other pool
    taint = {"key": "cloud.google.com/gke-queued", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
    assert taint in flavors["penstock-train"]["spec"]["tolerations"]
    assert "topologyName" not in flavors["penstock-train"]["spec"]
    kinds = [one["kind"] for one in objects]
    assert kinds.index("AdmissionCheck") < kinds.index("ClusterQueue")
    (kueue,) = [addon for addon in plan.inside.platform.addons if addon.name == "kueue"]
    assert {"admissionchecks.kueue.x-k8s.io", "provisioningrequestconfigs.kueue.x-k8s.io"} <= set(kueue.crds)


def test_a_stack_without_queued_machines_waits_for_no_kind_of_theirs(tmp_path: Path) -> None:
    plan = planned(SLICES, tmp_path)
    assert plan.inside is not None
    assert not of_kind(plan.inside.scheduler.objects, "AdmissionCheck")
    (queue,) = of_kind(plan.inside.scheduler.objects, "ClusterQueue")
    assert "admissionChecksStrategy" not in queue["spec"]


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed: pip install jax==0.10.2 to run it")
def test_the_shipped_script_trains_over_two_slices_and_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    """As the stack file has it, started twice by the agent on each of two nodes, with a slice for each."""
    given = yaml.safe_load((ROOT / "stacks" / "Pulumi.gcp-tpu.yaml").read_text())
    _python, _flag, script, *_sizes = given["config"]["penstock:training"]["command"]
    assert "step 4 loss" in _trained(script, "4", tmp_path)
    again = _trained(script, "8", tmp_path)
    assert "step 4 loss" not in again
    assert "step 8 loss" in again
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "finished"


def _trained(script: str, steps: str, folder: Path) -> str:
    job = folder / f"job-{steps}.json"
    command = [sys.executable, "-c", script, steps, "1", "32", "2", "32", "2", "4"]
    body = {"command": command, "nodes": 2, "ranksPerNode": 1, "sliceNodes": 1, "runFolder": str(folder), "stopS": 30}
    job.write_text(json.dumps(body))
    flags = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=2", "NODE_RANK": "0"}
    agents = [
        subprocess.Popen(
            [sys.executable, command_agent.__file__, str(job), "--rendezvous", "127.0.0.1:29400"],
            env={**os.environ, **flags, "SLICE_INDEX": str(slice_)}, stdout=subprocess.PIPE, text=True,
        )
        for slice_ in range(2)
    ]  # fmt: skip
    told = "".join(one.communicate(timeout=120)[0] for one in agents)
    assert [one.returncode for one in agents] == [0, 0]
    return told
