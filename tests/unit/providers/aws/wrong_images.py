"""Mistakes of a user about images and where they lie, each with the change that its message asks for."""

from typing import Any

from tests.unit.providers.aws.whole_stacks import BATCH, GONE, PLANE, TRAIN
from tests.unit.providers.aws.wrong_accounts import SECOND, Followed

OWN = {"registryMirror": "stack.registry"}
NO_NAT = {"cluster.network": {"nat": "none"}}
RUN: dict[str, Any] = {"pool": "train", "nodes": 4, "steps": 10, "batch": {"sequences": 64, "microSequences": 1}}
NO_KUBERNETES = {"cluster.kubernetesVersion": GONE, SECOND: GONE}

IMAGES: list[Followed] = [
    (
        "no NAT, and add-ons from public registries",
        NO_NAT,
        "platform.registryMirror",
        [
            "nodes reach no registry but ECR",
            "set it to stack.registry, to which `penstock images push",
            "or nat to single",
        ],
        {"platform": OWN},
    ),
    (
        "no NAT, and a public image of a job",
        NO_NAT | {"platform": OWN, "training": RUN | {"image": "ghcr.io/team/train:1.0"}},
        "training.image",
        ["'ghcr.io/team/train:1.0' is out of reach", "write stack.registry/train:1.0"],
        {"training.image": "stack.registry/train:1.0"},
    ),
    (
        "no NAT, and a public image of Batch's jobs",
        NO_NAT | NO_KUBERNETES | {"aws": BATCH},
        "aws.controlPlane.image",
        ["'train:1' is out of reach", "or leave it out for penstock's own"],
        {f"{PLANE}.image": GONE},
    ),
    (
        "the repository of penstock's own images",
        {"aws.registry.repositories": ["penstock", "pretrain"]},
        "aws.registry.repositories",
        ["'penstock' is made by `penstock images push` before the first `up`", "take it out of the list"],
        {"aws.registry.repositories": ["pretrain"]},
    ),
    (
        "a repository that the first `up` would make after it needs it",
        {"training": RUN | {"image": "stack.registry/pretrain:1.0"}},
        "aws.registry.repositories",
        ["'pretrain' is made by `penstock images push`", "which needs an image of it"],
        {"aws.registry.repositories": GONE},
    ),
    (
        "a digest that is none",
        {"images": {"digests": {"0.1.0-efa": "sha256:12ab"}}},
        "images.digests.0.1.0-efa",
        ["'sha256:12ab' is not a digest: sha256: and 64 digits and letters from a to f"],
        {"images": {"digests": {"0.1.0-efa": f"sha256:{'12ab' * 16}"}}},
    ),
    (
        "an add-on whose images nobody copies",
        {"platform": OWN | {"domain": "ml.example", "addons": {"external-dns": True}}},
        "platform.addons.external-dns",
        ["its images are not known, so `penstock images push` copies none", "name a mirror of your own"],
        {"platform.registryMirror": "mirror.example/hub"},
    ),
    (
        "Batch on Trainium without an image",
        NO_KUBERNETES
        | {
            TRAIN: {"name": "train", "machineType": "trn1.32xlarge", "count": 2},
            "aws": {"controlPlane": {"kind": "batch", "command": ["train"], "amiId": "ami-0123456789abcdef0"}},
        },
        "aws.controlPlane.image",
        ["penstock's own image does not run on trn1.32xlarge; name one that does"],
        {f"{PLANE}.image": "public.ecr.aws/neuron/train:1.0"},
    ),
    (
        "Slurm on Kubernetes without an image",
        {"scheduler": {"kind": "slurm"}, "training": RUN},
        "training.image",
        ["left out, so that it is penstock's own", "enroot, which has no login", "name one that is pulled without"],
        {"training.image": "registry.example/penstock:1.0"},
    ),
]
