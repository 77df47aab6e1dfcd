"""Slurm in pods: what stands between a batch script and a node."""

from typing import Any

import pytest

from rehearsal.field.deployed import Deployment
from rehearsal.field.slurm import slurm
from tests.unit.rehearsal.field.field_cases import built, chart, deployment

SCRIPT = """#!/bin/bash
#SBATCH --partition=a100
#SBATCH --mem=400G
#SBATCH --chdir=/scratch
srun --container-image=nvcr.io#nvidia/pytorch:25.01 true
"""
FILES = {"gres.conf": "AutoDetect=nvidia", "plugstack.conf": "include /usr/share/pyxis/*"}


def nodes(**changes: Any) -> dict[str, Any]:
    slurmd: dict[str, Any] = {
        "resources": {"limits": {"memory": "500Gi", "nvidia.com/gpu": "4"}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}, {"name": "m", "mountPath": "/dev/shm"}],  # noqa: S108
    }
    spec = {
        "replicas": 3,
        "extraConf": changes.pop("conf", "Gres=gpu:4"),
        "slurmd": {**slurmd, **changes},
        "template": {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "scratch"}}]}},
    }
    return {"kind": "NodeSet", "metadata": {"name": "a100", "namespace": "hpc"}, "spec": spec}


def claim(space: str = "hpc") -> dict[str, Any]:
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": "scratch", "namespace": space}, "spec": {}}


def cluster(
    body: dict[str, Any] | None = None, script: str = SCRIPT, space: str = "hpc", types: str = "gpu", needs: str = "x",
    files: dict[str, str] = FILES,
) -> Deployment:  # fmt: skip
    submitted = {"kind": "ConfigMap", "metadata": {"name": "run"}, "data": {"run.sbatch": script}}
    values = chart("slurm", controller={"extraConfMap": {"GresTypes": types}}, configFiles=files)
    gate = built("penstock:kubernetes:Gate", "gate", needs=frozenset({needs}))
    objects = (body or nodes(), claim(space), submitted)
    return deployment(objects=objects, charts=(values,), resources=(gate,))


def test_a_script_that_its_nodes_can_run_is_fine() -> None:
    assert list(slurm(cluster())) == []
    assert list(slurm(cluster(script=SCRIPT.replace("--mem=400G", "--nodes=3")))) == []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (cluster(space="default"), "the claim scratch, which is not in its namespace hpc"),
        (cluster(nodes(volumeMounts=[{"mountPath": "/scratch"}])), "no memory volume at /dev/shm"),
        (cluster(nodes(volumeMounts=[{"mountPath": "/dev/shm"}])), "works in /scratch, which slurmd's pods do not"),  # noqa: S108
        (cluster(script=SCRIPT.replace("400G", "512001M")), "asks for 512001 MiB of a node whose slurmd has 512000"),
        (cluster(script=SCRIPT.replace("--mem=400G", "--nodes=4")), "asks for 4 nodes of 3 that the NodeSet makes"),
        (cluster(script=SCRIPT.replace("a100", "h100")), "the partition h100, which no NodeSet makes"),
        (cluster(script=SCRIPT.replace("#nvidia", "/nvidia")), "the registry nvcr.io without a #"),
        (cluster(files={"gres.conf": "x"}), "no plugstack.conf includes pyxis"),
        (cluster(files={"plugstack.conf": "include pyxis"}), "has no gres.conf"),
        (cluster(types=""), "in no GresTypes"),
        (cluster(script=SCRIPT.replace("--mem=400G", "--switches=1@12:00:00")), "Slurm has no topology"),
        (cluster(nodes(conf="")), "accelerators that Slurm is not told of"),
        (cluster(needs="kubernetes:slinky.slurm.net/v1beta1:NodeSet in-nodeset-a100"), "before the gate"),
    ],
)
def test_each_fault_is_found(broken: Deployment, words: str) -> None:
    (found,) = slurm(broken)
    assert words in found.message
    assert found.source
