"""Slurm in pods: slurmd's pods stand between a batch job and its node, with its volume, memory, devices and image."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, at, every
from rehearsal.field.pods import quantity

OPERATOR = "SlinkyProject/slurm-operator 1.2, internal/builder/workerbuilder and controllerbuilder"
SBATCH = "sbatch(1), --mem and --gres; slurm.conf(5), GresTypes"
SWITCHES = "sbatch(1), --switches: when a tree topology is used; slurm.conf(5), TopologyPlugin: flat by default"
ENROOT = "NVIDIA/enroot, doc/cmd/import.md: docker://[USER@][REGISTRY#]IMAGE[:TAG]"
PYXIS = "slurm-operator, docs/usage/pyxis.md: plugstack.conf has to include the plugin"
SHM = "Kubernetes: a container's /dev/shm is 64 MiB unless a volume is mounted there; NCCL and data loaders need more"

_PARTITION = re.compile(r"^#SBATCH --partition=(\S+)$", re.MULTILINE)
_NODES = re.compile(r"^#SBATCH --nodes=(\d+)$", re.MULTILINE)
_MEMORY = re.compile(r"^#SBATCH --mem=(\d+)([KMGT]?)$", re.MULTILINE)
_FOLDER = re.compile(r"^#SBATCH --chdir=(\S+)$", re.MULTILINE)
_IMAGE = re.compile(r"--container-image=(\S+)")
_UNITS = {"K": 2**10, "": 2**20, "M": 2**20, "G": 2**30, "T": 2**40}


def slurm(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each set of slurmd pods, and for each batch script, that would not run."""
    sets = {str(at(body, "metadata.name")): body for body in deployment.objects if body.get("kind") == "NodeSet"}
    values = next((chart.values for chart in deployment.charts if chart.chart == "slurm"), {})
    for name, body in sets.items():
        for message, source in (*_pod(deployment, body), *_devices(body, values)):
            yield Finding(rule="slurm", subject=f"NodeSet {name}", message=message, source=source)
    for body in deployment.objects:
        for script in (body.get("data") or {}).values() if body.get("kind") == "ConfigMap" else ():
            if isinstance(script, str) and "#SBATCH" in script:
                for message, source in _script(script, sets, values):
                    yield Finding(rule="slurm", subject="batch script", message=message, source=source)


def _pod(deployment: Deployment, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    space = at(body, "metadata.namespace")
    claims = {
        (at(one, "metadata.namespace"), at(one, "metadata.name"))
        for one in deployment.objects
        if one.get("kind") == "PersistentVolumeClaim"
    }
    for claim in every(body, "spec.template.spec.volumes.persistentVolumeClaim.claimName"):
        if claims and (space, claim) not in claims:
            yield f"mounts the claim {claim}, which is not in its namespace {space}: its pods stay pending", OPERATOR
    if "/dev/shm" not in every(body, "spec.slurmd.volumeMounts.mountPath"):  # noqa: S108  # a mount's name
        yield "has no memory volume at /dev/shm", SHM
    waits = any(":NodeSet " in need for gate in deployment.of("penstock:kubernetes:Gate") for need in gate.needs)
    if waits and (at(body, "spec.replicas") or 0) > 0:
        yield "takes every device before the gate has checked them: the check waits for ever", OPERATOR


def _devices(body: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "Gres=" not in str(at(body, "spec.extraConf")):
        if "nvidia.com/gpu" in (at(body, "spec.slurmd.resources.limits") or {}):
            yield "has accelerators that Slurm is not told of: no job gets them", SBATCH
        return
    known = at(values, "controller.extraConfMap.GresTypes") or ""
    if "gpu" not in str(known):
        yield "names gpu in Gres, which is in no GresTypes: jobs with --gres=gpu are refused", SBATCH
    if "gres.conf" not in (at(values, "configFiles") or {}):
        yield "has no gres.conf: slurmd finds none of its accelerators, and Slurm drains the node", SBATCH


def _script(script: str, sets: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    partition, folder = (found[1] if (found := one.search(script)) else "" for one in (_PARTITION, _FOLDER))
    nodes = sets.get(partition)
    if nodes is None:
        yield f"asks for the partition {partition or '(none)'}, which no NodeSet makes", OPERATOR
        return
    there = int(at(nodes, "spec.replicas") or 0)
    if (found := _NODES.search(script)) and int(found[1]) > there:
        yield f"asks for {found[1]} nodes of {there} that the NodeSet makes: it waits for ever", OPERATOR
    limit = at(nodes, "spec.slurmd.resources.limits.memory")
    if (found := _MEMORY.search(script)) and limit:
        wanted = int(found[1]) * _UNITS[found[2]]
        if wanted > quantity(limit):
            message = f"asks for {wanted // 2**20} MiB of a node whose slurmd has {int(quantity(limit)) // 2**20}"
            yield f"{message}: it never starts", SBATCH
    mounted = [str(path) for path in every(nodes, "spec.slurmd.volumeMounts.mountPath")]
    if folder not in ("", "/") and not any(folder == path or folder.startswith(f"{path}/") for path in mounted):
        yield f"works in {folder}, which slurmd's pods do not mount: what it writes is lost with the pod", OPERATOR
    if "#SBATCH --switches=" in script and "topology" not in " ".join(at(values, "configFiles") or {}):
        yield "asks for so many switches, and Slurm has no topology: the option counts for nothing", SWITCHES
    if image := _IMAGE.search(script):
        first, slash, _rest = image[1].strip("'").partition("/")
        if slash and "#" not in first and ("." in first or ":" in first):
            yield f"names the registry {first} without a #: enroot looks for the image on Docker Hub", ENROOT
        plugins = (at(values, "configFiles") or {}).get("plugstack.conf", "")
        if "pyxis" not in plugins:
            yield "runs in a container image, and no plugstack.conf includes pyxis: srun refuses the option", PYXIS
