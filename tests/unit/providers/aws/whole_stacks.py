"""Whole stack files on AWS, changed at one place or several, and read as a user's are."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.errors import Problem, SpecError
from components.plan.stack import StackPlan
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW

GONE = object()
"""As the value of a change: the key is left out."""

BLOCK: dict[str, Any] = {
    "id": "cr-0a1b2c3d4e5f60718", "zone": "us-east-2b", "startsAt": "2027-01-04T11:30:00Z",
    "endsAt": "2027-01-18T11:30:00Z",
}  # fmt: skip

STACK: dict[str, Any] = {
    "cluster": {
        "cloud": "aws",
        "region": "us-east-2",
        "kubernetesVersion": "1.34",
        "expiresAt": "2027-06-01T00:00:00Z",
        "budgetUsdPerHour": 500,
        "nodePools": [
            {"name": "train", "machineType": "p5.48xlarge", "count": 4},
            {"name": "serve", "machineType": "g6.xlarge", "capacity": "spot"},
        ],
    },
    "storage": {
        "fileSystem": {"capacityTib": 9.6, "throughputMbpsPerTib": 500, "metadataIops": 6000},
        "objectStore": {"onDestroy": "delete"},
    },
    "aws": {
        "controlPlane": {"reach": {"ssmHost": {}}},
        "registry": {"repositories": ["pretrain"]},
        "tags": {"team": "research"},
    },
}
"""No mistake in it."""

SLURM: dict[str, Any] = {
    "controlPlane": {"kind": "pcs", "amiId": "ami-0123456789abcdef0"},
}
BATCH: dict[str, Any] = {
    "controlPlane": {"kind": "batch", "image": "train:1", "command": ["train"]},
}


TRAIN = "cluster.nodePools.0"
"""In changes; in paths of problems, pools go by their names."""
POOL = "cluster.nodePools.train"
LUSTRE = "storage.fileSystem"
PLANE = "aws.controlPlane"


def changed(changes: Mapping[str, Any], base: Mapping[str, Any] = STACK) -> dict[str, Any]:
    """A copy with a value at each place: `cluster.nodePools.0.count`, or one past the end of a list."""
    stack = copy.deepcopy(dict(base))
    for place, value in changes.items():
        *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
        inside: Any = stack
        for step in way:
            inside = inside.setdefault(step, {}) if isinstance(inside, dict) else inside[step]
        if value is GONE:
            del inside[last]
        elif isinstance(inside, list) and last == len(inside):
            inside.append(copy.deepcopy(value))
        else:
            inside[last] = copy.deepcopy(value)
    return stack


def write(stack: Mapping[str, Any], folder: Path, name: str) -> Path:
    """The stack file of that name."""
    file = folder / f"Pulumi.{name}.yaml"
    config = {f"penstock:{key}": value for key, value in stack.items()}
    file.write_text(yaml.safe_dump({"config": config}, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return file


def planned(stack: Mapping[str, Any], folder: Path, name: str = "aws-test") -> StackPlan:
    """All the way from the file to the plan."""
    return plan_stack(read_path(write(stack, folder, name)), name, NOW)


def mistakes(stack: Mapping[str, Any], folder: Path, name: str = "aws-test") -> list[Problem]:
    """Messages for the user; none where it can be planned."""
    try:
        planned(stack, folder, name)
    except SpecError as error:
        return list(error.problems)
    return []
