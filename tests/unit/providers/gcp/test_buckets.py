"""A bucket that pods see as files: by every scheduler and in servers, judged by the field's own rules."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.plan.cluster import Mount, PodBinding
from components.pods.bind import bind, check_share, group_share, probe_share, replica_share
from providers.gcp.plan import GcpPlan
from providers.gcp.storage.bucket import CLAIM
from rehearsal.field.deployed import Deployment
from rehearsal.providers.gcp.pod_rules import RULES
from tests.deployed import stack_deployed
from tests.unit.providers.aws.whole_stacks import GONE, changed, planned, write
from tests.unit.providers.gcp.whole_stacks import SERVE, STACK, TRAIN

RUN: dict[str, Any] = {
    "pool": "train", "nodes": 4, "batch": {"sequences": 32}, "image": "ghcr.io/us/train:1",
    "data": {"text": {"files": "/objects/data/*.txt"}},
}  # fmt: skip
MOUNTED: dict[str, Any] = {
    "storage.objectStore.mountPath": "/objects",
    "training": RUN,
    "inference": {"pool": "serve", "model": {"path": "/objects/models/m"}},
}
SLURM: dict[str, Any] = {"kind": "slurm", "queues": [{"name": "default", "nodes": {"train": 4}}]}
QUIET: dict[str, Any] = {
    TRAIN: {
        "name": "train", "machineType": "g2-standard-24", "count": 4, "zone": "us-central1-b",
        "fabric": {"none": "the model is small"},
    },
    "storage.fileSystem": GONE,
    "storage.sharedFileSystem": {"onDestroy": "delete"},
}  # fmt: skip
"""As the stack, with machines without a fabric of their own."""


def deployed(folder: Path, **changes: Any) -> Deployment:
    return stack_deployed(write(changed({**MOUNTED, **changes}, STACK), folder, "gcp-test"), "gcp-test")


def told(made: Deployment) -> list[str]:
    return [f"{one.subject}: {one.message}" for rule in RULES for one in rule(made)]


def templates(value: Any) -> Iterator[Mapping[str, Any]]:
    """Parts of manifests whose pods mount the bucket."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from templates(part)
    elif isinstance(value, Mapping):
        if any(one.get("persistentVolumeClaim", {}).get("claimName") == CLAIM for one in _volumes(value)):
            yield value
            return
        for part in value.values():
            yield from templates(part)


def _volumes(part: Mapping[str, Any]) -> list[Any]:
    spec = part.get("spec")
    return list(spec.get("volumes", ())) if isinstance(spec, Mapping) else []


@pytest.mark.parametrize("kind", ["kueue", "trainer", "volcano", "kai", "kuberay", "slurm"])
def test_every_pod_that_mounts_the_bucket_has_what_mounts_it(kind: str, tmp_path: Path) -> None:
    asked = changed({**MOUNTED, "scheduler": SLURM if kind == "slurm" else {"kind": kind}}, STACK)
    plan = planned(asked, tmp_path, "gcp-test")
    assert plan.inside is not None
    jobs, servers = list(templates([plan.job, plan.inside.scheduler.opening])), list(templates(plan.service))
    assert (len(jobs) >= 1, len(servers)) == (True, 1)
    for one in (*jobs, *servers):
        assert one["metadata"]["annotations"]["gke-gcsfuse/volumes"] == "true"


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({**QUIET, "scheduler": SLURM}, False),
        ({f"{SERVE}.machineType": "g2-standard-4"}, False),
        ({f"{SERVE}.machineType": "a2-ultragpu-1g"}, True),
    ],
    ids=["slurm", "small", "local disks"],
)
def test_a_stack_that_mounts_its_bucket_breaks_no_rule(changes: dict[str, Any], kept: bool, tmp_path: Path) -> None:
    """Objects that were read are kept where every node has local disks."""
    made = deployed(tmp_path, **changes)
    assert told(made) == []
    (options,) = {
        tuple(body["spec"]["mountOptions"]) for body in made.objects
        if body["kind"] == "PersistentVolume" and "gcsfuse" in str(body)
    }  # fmt: skip
    assert options[0] == "implicit-dirs"
    assert any(one.startswith("file-cache:max-size-mb:") for one in options) is kept


def test_a_node_is_shared_with_what_mounts_the_bucket(tmp_path: Path) -> None:
    """One for each server that the node may have."""
    for machine, count in (("g2-standard-8", 1), ("g2-standard-48", 4)):
        plain, mounted = (
            planned(changed({f"{SERVE}.machineType": machine, **more}, STACK), tmp_path, "gcp-test").cluster
            for more in ({}, {"storage.objectStore.mountPath": "/objects"})
        )
        one, other = plain.node_pools[1].room, mounted.node_pools[1].room
        assert (one.memory_gib - other.memory_gib, one.cores - other.cores) == pytest.approx((count, count / 2))


def test_a_bucket_that_is_mounted_nowhere_changes_no_pod(tmp_path: Path) -> None:
    cluster = planned(STACK, tmp_path, "gcp-test").cluster
    assert isinstance(cluster, GcpPlan)
    assert all("gcsfuse" not in str(pool.binding) for pool in cluster.node_pools)


def test_a_mount_brings_its_annotations_to_those_pods_alone_that_have_it() -> None:
    binding = PodBinding(mounts=(Mount(volume="bucket", path="/objects", annotations={"mounts": "true"}),))
    pod = {"spec": {"containers": [{"name": "main"}]}}
    assert bind(pod, binding, container="main")["metadata"]["annotations"] == {"mounts": "true"}
    assert replica_share(binding, {}, "bucket").annotations == {"mounts": "true"}
    assert group_share(binding, "bucket").annotations == {"mounts": "true"}
    for share in (replica_share(binding, {}, "file-system"), check_share(binding), probe_share(binding)):
        assert "metadata" not in bind(pod, share, container="main")
    two = replace(binding, annotations={"own": "1"})
    assert bind(pod, two, container="main")["metadata"]["annotations"] == {"own": "1", "mounts": "true"}
