"""Field rules of jobs on slices of TPUs and on machines that come for jobs: stacks that break none, and a change that
breaks each."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rehearsal.providers.gcp.job_rules import RULES
from tests.deployed import stack_deployed
from tests.unit.providers.aws.whole_stacks import changed, write
from tests.unit.providers.gcp.whole_stacks import STACK, TRAIN
from tests.unit.rehearsal.providers.gcp.test_field_rules import (
    NO_IPV6,
    SLICE,
    TPU_TOLERATION,
    put,
    release,
    stack,
    thing,
    told,
)

ROOT = Path(__file__).parents[5]
REQUESTED: dict[str, Any] = {
    f"{TRAIN}.capacity": "onDemand", f"{TRAIN}.zone": "us-central1-b", f"{TRAIN}.count": 0, f"{TRAIN}.maxCount": 4,
    "gcp.pools": {"train": {"flexStart": {"queued": True}}},
}  # fmt: skip
RUN: dict[str, Any] = {
    "training": {"engine": "command", "pool": "train", "nodes": 4, "image": "ghcr.io/a/b:1", "command": ["python3"]}
}
EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology"
LET_GO = "kueue.x-k8s.io/safe-to-forcefully-delete"
STAYS = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
GATES: dict[str, Any] = {"controllerManager": {"featureGates": [{"name": "FailureRecoveryPolicy", "enabled": True}]}}
TOPOLOGY = {"cloud.google.com/gke-tpu-topology": "2x4"}
QUEUED = {"key": "cloud.google.com/gke-queued", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
GPU = {"key": "nvidia.com/gpu", "operator": "Exists"}


def job_set(limits: dict[str, Any], tolerations: list[dict[str, Any]], selector: dict[str, str]) -> dict[str, Any]:
    env = ("MEGASCALE_COORDINATOR_ADDRESS", "MEGASCALE_NUM_SLICES", "MEGASCALE_SLICE_ID")
    main = {
        "name": "main", "image": "python:3.12", "env": [{"name": name, "value": "x"} for name in env],
        "resources": {"limits": limits, "requests": limits},
    }  # fmt: skip
    pod = {"containers": [main], "tolerations": tolerations, "nodeSelector": selector}
    gang = {
        "parallelism": 2, "completions": 2, "completionMode": "Indexed", "podReplacementPolicy": "Failed",
        "template": {"metadata": {"annotations": {LET_GO: "true", **STAYS}}, "spec": pod},
    }  # fmt: skip
    metadata = {
        "name": "run", "namespace": "jobs", "labels": {"kueue.x-k8s.io/queue-name": "default"},
        "annotations": {EXCLUSIVE: "cloud.google.com/gke-nodepool"},
    }  # fmt: skip
    return thing(
        "JobSet", apiVersion="jobset.x-k8s.io/v1alpha2", metadata=metadata,
        spec={
            "network": {"enableDNSHostnames": True},
            "replicatedJobs": [{"name": "node", "replicas": 2, "template": {"spec": gang}}],
        },
    )  # fmt: skip


def plain(chips: int) -> dict[str, Any]:
    """A container without an environment."""
    asked = {"google.com/tpu": chips}
    return {"name": "main", "image": "python:3.12", "resources": {"limits": asked, "requests": asked}}


def on_slices(**changed: Any) -> list[str]:
    """Findings of two slices of two hosts and a job on both, with members of the job changed by their path."""
    flexible = {**SLICE, "management": {"autoRepair": False}}
    job = job_set({"google.com/tpu": 4}, [TPU_TOLERATION], TOPOLOGY)
    gates = changed.pop("gates", GATES)
    for path, value in changed.items():
        change(job, path, value)
    return told(
        stack(
            cluster=NO_IPV6,
            slice=flexible,
            other={**flexible, "name": "other"},
            kueue=release("kueue", **gates),
            run=job,
        )
    )


def change(job: dict[str, Any], path: str, value: Any) -> None:
    (part,) = job["spec"]["replicatedJobs"]
    spec = part["template"]["spec"]
    roots = {"job": spec, "part": part, "pod": spec["template"]["spec"], "notes": spec["template"], "set": job}
    root, _, rest = path.partition("__")
    put(roots[root], rest.split("__"), value)


def test_a_job_of_two_slices_breaks_no_rule() -> None:
    assert on_slices() == []
    assert on_slices(set__metadata__name="a" * 54) == []  # as long as the names of its pods may be


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"job__completionMode": "NonIndexed"}, "get no TPU_WORKER_HOSTNAMES: they are not of an indexed Job"),
        ({"set__spec__network": {"enableDNSHostnames": False}}, "get no TPU_WORKER_HOSTNAMES"),
        ({"job__parallelism": 4}, "4 pods in a job, and a slice has 2 hosts"),
        ({"pod__containers": [plain(4)]}, "its 2 slices never meet"),
        ({"pod__containers": [plain(1)]}, "asks 1 chips of nodes that have 4"),
        ({"set__metadata__annotations": {}}, "pods of it may stand on two slices"),
        ({"set__metadata__name": "a" * 55}, "has 64 characters of 63"),
        ({"notes__metadata__annotations": STAYS}, "waits for ever when a node dies"),
        ({"gates": {}}, "waits for ever when a node dies"),
    ],
)  # fmt: skip
def test_a_job_on_slices_that_breaks_a_rule_is_found(changed: dict[str, Any], message: str) -> None:
    found = on_slices(**changed)
    assert any(message in one for one in found), found


FLAVOR: dict[str, Any] = thing(
    "ResourceFlavor", metadata={"name": "queued"},
    spec={"nodeLabels": {"cloud.google.com/gke-nodepool": "train"}, "tolerations": [QUEUED]},
)  # fmt: skip
QUEUE: dict[str, Any] = thing(
    "ClusterQueue", metadata={"name": "default"},
    spec={
        "resourceGroups": [{"coveredResources": ["nvidia.com/gpu"], "flavors": [{"name": "queued"}]}],
        "admissionChecksStrategy": {"admissionChecks": [{"name": "dws", "onFlavors": ["queued"]}]},
    },
)  # fmt: skip
CHECK: dict[str, Any] = thing(
    "AdmissionCheck", metadata={"name": "dws"},
    spec={"controllerName": "kueue.x-k8s.io/provisioning-request", "parameters": {"name": "dws"}},
)  # fmt: skip
CONFIG: dict[str, Any] = thing(
    "ProvisioningRequestConfig", metadata={"name": "dws"},
    spec={
        "provisioningClassName": "queued-provisioning.gke.io", "parameters": {"maxRunDurationSeconds": "86400"},
        "podSetMergePolicy": "IdenticalWorkloadSchedulingRequirements",
    },
)  # fmt: skip


def on_queued(**changed: dict[str, Any] | None) -> list[str]:
    """Findings of a pool that is queued for and a job on it, with one object in place of another, or left out."""
    job = job_set({"nvidia.com/gpu": 4}, [GPU, QUEUED], {"cloud.google.com/gke-nodepool": "train"})
    change(job, "part__replicas", 1)
    pool: dict[str, Any] = {
        "queuedProvisioning": {"enabled": True}, "nodeCount": None, "management": {"autoRepair": False},
        "autoscaling": {"minNodeCount": 0, "maxNodeCount": 2, "locationPolicy": "ANY"},
        "nodeConfig.reservationAffinity": {"consumeReservationType": "NO_RESERVATION"},
    }  # fmt: skip
    objects: dict[str, Any] = {
        "flavor": FLAVOR, "queue": QUEUE, "check": CHECK, "config": CONFIG, "run": job,
        "kueue": release("kueue", **GATES), **changed,
    }  # fmt: skip
    return told(stack(train=pool, **{name: one for name, one in objects.items() if one is not None}))


def with_spec(thing_: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**thing_, "spec": {**thing_["spec"], **spec}}


def test_a_job_that_is_queued_for_breaks_no_rule() -> None:
    assert on_queued() == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"flavor": None}, "no ResourceFlavor leads to it"),
        ({"flavor": with_spec(FLAVOR, tolerations=[GPU])}, "does not tolerate cloud.google.com/gke-queued"),
        ({"queue": with_spec(QUEUE, admissionChecksStrategy={})}, "without a ProvisioningRequest"),
        ({"check": with_spec(CHECK, controllerName="kueue.x-k8s.io/multikueue")}, "without a ProvisioningRequest"),
        ({"config": with_spec(CONFIG, provisioningClassName="check-capacity.autoscaling.x-k8s.io")},
         "asks for no request of the class queued-provisioning.gke.io"),
        ({"config": with_spec(CONFIG, parameters={})}, "nobody says for how long it has its machines"),
        ({"config": with_spec(CONFIG, parameters={"maxRunDurationSeconds": "700000"})}, "seven days at most"),
    ],
)  # fmt: skip
def test_a_queue_that_brings_no_nodes_is_found(changed: dict[str, Any], message: str) -> None:
    found = on_queued(**changed)
    assert any(message in one for one in found), found


def test_jobs_that_no_request_is_made_for_are_found() -> None:
    job = job_set({"nvidia.com/gpu": 4}, [GPU, QUEUED], {"cloud.google.com/gke-nodepool": "train"})
    assert any("asks for 4 nodes, and train grows to 2" in one for one in on_queued(run=job))
    change(job, "set__metadata__labels", {})
    assert any("is in no queue" in one for one in on_queued(run=job))
    job["spec"]["replicatedJobs"] *= 2
    assert any(
        "several sets of pods" in one for one in on_queued(run=job, config=with_spec(CONFIG, podSetMergePolicy=None))
    )


@pytest.mark.parametrize("name", ["gcp-tpu", "queued"])
def test_jobs_of_the_present_program_break_no_rule(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"Pulumi.{name}.yaml"
    if name == "queued":
        write(changed({**REQUESTED, **RUN}, STACK), tmp_path, name)
    else:
        file.write_text((ROOT / "stacks" / file.name).read_text())
    deployment = stack_deployed(file, name)
    assert any(body.get("kind") == "JobSet" for body in deployment.objects)
    assert [str(one) for rule in RULES for one in rule(deployment)] == []
    pools = [one for one in deployment.objects if one.get("kind") != "AdmissionCheck"]
    without = [one for rule in RULES for one in rule(replace(deployment, objects=tuple(pools)))]
    assert bool(without) is (name == "queued"), "the rules see the stack's own objects"
