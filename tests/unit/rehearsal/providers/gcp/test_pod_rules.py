"""Field rules of pods that mount a bucket, and of Slurm's containers: one that breaks none, and what breaks each."""

from typing import Any

import pytest

from tests.unit.rehearsal.providers.gcp.test_field_rules import TRAIN, job, release, stack, thing, told

NOTES = {
    "gke-gcsfuse/volumes": "true", "gke-gcsfuse/memory-limit": "0", "gke-gcsfuse/memory-request": "1Gi",
    "gke-gcsfuse/ephemeral-storage-limit": "0",
}  # fmt: skip
DRIVER = {"addonsConfig": {"gcsFuseCsiDriverConfig": {"enabled": True}}}
STORE = {
    "token": "storage/bucket:Bucket", "name": "data", "softDeletePolicy": {"retentionDurationSeconds": 0},
    "outputs": {"name": "data"},
}  # fmt: skip
MEMBER = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/namespace/"
BATCH = "#!/bin/bash\n#SBATCH --partition=train\n#SBATCH --gres=gpu:4\nsrun --container-image=a/b:1 "


def mounted(*, notes: dict[str, str] | None = None, memory: str = "172Gi", **spec: Any) -> dict[str, Any]:
    """A job of a whole node that mounts the bucket."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    body = job(limits={"nvidia.com/gpu": "4", "memory": memory}, nodeSelector=TRAIN, volumes=volumes, **spec)
    body["spec"]["template"]["metadata"]["annotations"] |= NOTES if notes is None else notes
    return body


def volume(*options: str, space: str = "jobs") -> dict[str, Any]:
    return thing(
        "PersistentVolume", metadata={"name": "data"},
        spec={
            "claimRef": {"namespace": space, "name": "data"}, "mountOptions": list(options),
            "csi": {"driver": "gcsfuse.csi.storage.gke.io", "volumeHandle": "data"},
        },
    )  # fmt: skip


def right(space: str = "jobs", role: str = "objectUser") -> dict[str, Any]:
    return {
        "token": "storage/bucketIAMMember:BucketIAMMember", "bucket": "data", "role": f"roles/storage.{role}",
        "member": f"{MEMBER}{space}",
    }  # fmt: skip


def whole(**changed: Any) -> Any:
    own = {
        "cluster": DRIVER, "data": STORE, "volume": volume("implicit-dirs"), "right": right(), "job": mounted(),
    }  # fmt: skip
    return stack(**{**own, **changed})


def test_a_pod_that_mounts_a_bucket_as_it_should_breaks_no_rule() -> None:
    assert [one for one in told(whole()) if one.startswith("gcp")] == []
    cached = whole(
        volume=volume("implicit-dirs", "file-cache:max-size-mb:1000"),
        train={"nodeConfig.ephemeralStorageLocalSsdConfig": {"localSsdCount": 4}},
    )
    assert [one for one in told(cached) if one.startswith("gcp")] == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cluster": {}}, "cluster has no driver for it: it never starts"),
        ({"job": mounted(notes={})}, "without the annotation gke-gcsfuse/volumes"),
        ({"job": mounted(notes={"gke-gcsfuse/volumes": "true"})}, "has little memory"),
        ({"job": mounted(notes={"gke-gcsfuse/volumes": "true"})}, "has little ephemeral-storage"),
        ({"job": mounted(notes={**NOTES, "gke-gcsfuse/memory-limit": "256Mi"})}, "has little memory"),
        ({"job": mounted(hostNetwork=True)}, "is the node to it, not the pod's account"),
        ({"right": right("others")}, "may not read data: no role of the bucket names pods of jobs"),
        ({"right": right(role="objectViewer")}, "may not read data"),
        ({"job": mounted(memory="173.5Gi")}, "1 of them ask 174.5 GiB of g2-standard-48 with what mounts their bucket"),
        ({"volume": volume()}, "the mount has no implicit-dirs"),
        ({"volume": volume("file-cache:max-size-mb:9")}, "keeps what it reads on the boot disk of train"),
    ],
)
def test_a_pod_that_would_not_start_or_be_ended_is_found(changed: dict[str, Any], message: str) -> None:
    found = told(whole(**changed))
    assert any(message in one for one in found), found


def test_pods_of_slurm_are_looked_at_though_their_container_stands_apart() -> None:
    parts = {"template": {"spec": {"volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "data"}}]}}}
    body = thing("NodeSet", spec={"slurmd": {"resources": {"limits": {"memory": "1Gi"}}}, **parts})
    assert any("NodeSet x: mounts a bucket without the annotation" in one for one in told(whole(job=body)))


def test_a_batch_job_in_a_container_wants_the_nodes_driver() -> None:
    script = thing("ConfigMap", data={"job.sh": f"{BATCH}--container-mounts=/fsx:/fsx python a.py"})
    assert any("its container has no /usr/local/nvidia" in one for one in told(stack(script=script)))
    mounts = "/usr/local/nvidia:/usr/local/nvidia"
    right_one = thing("ConfigMap", data={"job.sh": f"{BATCH}--container-mounts={mounts} python a.py"})
    assert [one for one in told(stack(script=right_one, slurm=release("slurm"))) if one.startswith("gcp")] == []
