"""Mistakes of a user about a network that is there already, each with the change that its message asks for."""

from typing import Any

from tests.unit.providers.aws.whole_stacks import GONE, LUSTRE, SLURM, TRAIN
from tests.unit.providers.aws.wrong_accounts import BARE, SECOND, Followed

THERE: dict[str, Any] = {
    "vpc": "vpc-0a1b2c3d4e5f60718",
    "subnets": {"nodes": {"use2-az1": "subnet-0a1b2c3d4e5f60711", "use2-az2": "subnet-0a1b2c3d4e5f60712"}},
}
"""A network that others made."""
NETWORK, NODES = "cluster.network", "cluster.network.existing.subnets.nodes"


def there(**more: Any) -> dict[str, Any]:
    """The stack in that network, with these subnets beside."""
    return {NETWORK: {"existing": THERE | {"subnets": THERE["subnets"] | more}}}


def nodes_in(zones: dict[str, str]) -> dict[str, Any]:
    """The stack in that network, with these subnets of nodes."""
    return {NETWORK: {"existing": THERE | {"subnets": {"nodes": zones}}}}


NETWORKS: list[Followed] = [
    (
        "one zone by id, another by name",
        {f"{TRAIN}.zone": "use2-az1", f"{SECOND}.zone": "us-east-2b"},
        "cluster.nodePools.serve.zone",
        ["'us-east-2b' is a name", "'use2-az1' (cluster.nodePools.train.zone) an id", "describe-availability-zones"],
        {f"{SECOND}.zone": "use2-az2"},
    ),
    (
        "a zone by id that has no Trainium",
        {
            TRAIN: {"name": "train", "machineType": "trn1.32xlarge", "count": 2, "zone": "use2-az1"},
            LUSTRE: GONE,
            SECOND: GONE,
        },
        "cluster.nodePools.train.zone",
        ["'use2-az1' does not offer trn1.32xlarge; it is in use2-az3"],
        {f"{TRAIN}.zone": "use2-az3"},
    ),
    (
        "a range for a network that is there",
        {NETWORK: {"existing": THERE, "cidr": "10.0.0.0/16", "nat": "perZone"}},
        "cluster.network.existing",
        ["cidr, nat belongs to a network that the stack makes", "remove cidr, nat"],
        {NETWORK: {"existing": THERE}},
    ),
    (
        "endpoints made in the network of others",
        {**there(), "aws.interfaceEndpoints": True},
        "aws.interfaceEndpoints",
        ["changes for all of a VPC how AWS's names resolve", "remove this key"],
        {"aws.interfaceEndpoints": GONE},
    ),
    (
        "subnets of one zone under a Kubernetes",
        nodes_in({"use2-az1": "subnet-0a1b2c3d4e5f60711"}),
        NODES,
        ["use2-az1 alone, and the cluster's own nodes stand in two zones; add a subnet in another zone"],
        {NODES: THERE["subnets"]["nodes"]},
    ),
    (
        "a pool where the network has no subnet",
        {**there(), f"{TRAIN}.zone": "use2-az3"},
        NODES,
        ["no subnet in use2-az3, the zone of pool train; add one there, or give the pool another zone"],
        {f"{TRAIN}.zone": "use2-az2"},
    ),
    (
        "one subnet in two zones",
        nodes_in({"use2-az1": "subnet-0a1b2c3d", "use2-az2": "subnet-0a1b2c3d"}),
        NODES,
        ["subnet-0a1b2c3d is given for use2-az1 and again for use2-az2; a subnet lies in one zone"],
        {NODES: THERE["subnets"]["nodes"]},
    ),
    (
        "a subnet in a zone of another region",
        nodes_in(THERE["subnets"]["nodes"] | {"use1-az1": "subnet-0a1b2c3d"}),
        f"{NODES}.use1-az1",
        ["'use1-az1' is not a zone of us-east-2; available: use2-az1, use2-az2, use2-az3"],
        {f"{NODES}.use1-az1": GONE},
    ),
    (
        "no subnet for Lustre beside its nodes",
        {**there(storage={"use2-az2": "subnet-0a1b2c3d4e5f60713"}), f"{TRAIN}.zone": "use2-az1"},
        "cluster.network.existing.subnets.storage",
        ["none in use2-az1, where storage.fileSystem stands beside its nodes; add one there"],
        {"cluster.network.existing.subnets.storage.use2-az1": "subnet-0a1b2c3d4e5f60714"},
    ),
    (
        "a group for a control plane that Slurm has not",
        {
            **BARE,
            "aws": SLURM,
            NETWORK: {"existing": THERE | {"securityGroups": {"controlPlane": "sg-0a1b2c3d4e5f60718"}}},
        },
        "cluster.network.existing.securityGroups.controlPlane",
        ["sg-0a1b2c3d4e5f60718, but only EKS's control plane takes a group; remove it"],
        {"cluster.network.existing.securityGroups": GONE},
    ),
    (
        "a control plane in a zone that takes none",
        {
            "cluster.region": "us-east-1",
            NETWORK: {
                "existing": {
                    "vpc": THERE["vpc"],
                    "subnets": {
                        "nodes": {"use1-az6": "subnet-0a1b2c3d", "use1-az3": "subnet-0a1b2c3e"},
                    },
                }
            },
        },
        NODES,
        ["use1-az6, use1-az3: an EKS control plane stands in two zones", "here are use1-az6; add a subnet"],
        {f"{NODES}.use1-az1": "subnet-0a1b2c40"},
    ),
]  # fmt: skip
