"""Mistakes of a user about machines and their capacity."""

from typing import Any

from tests.unit.providers.aws.whole_stacks import BLOCK, GONE, PLANE, POOL, SLURM, TRAIN, Case, block

GB200: dict[str, Any] = {
    "cluster.region": "us-east-1",
    f"{TRAIN}.machineType": "p6e-gb200.36xlarge",
    f"{TRAIN}.capacity": {"capacityBlock": BLOCK | {"zone": "us-east-1-dfw-2a"}},
}

MACHINES: list[Case] = [
    ("misspelt type", {f"{TRAIN}.machineType": "p5.48xlarg"}, f"{POOL}.machineType", ["did you mean 'p5.48xlarge'"]),
    ("a type of nobody", {f"{TRAIN}.machineType": "tpu-v5p"}, f"{POOL}.machineType", ["'tpu-v5p'", "available: "]),
    (
        "type not offered in the region",
        {"cluster.region": "eu-west-3"},
        f"{POOL}.machineType",
        ["'p5.48xlarge' is not offered in eu-west-3", "it is in", "us-east-2"],
    ),
    (
        "misspelt region",
        {"cluster.region": "us-eastt-2"},
        "cluster.region",
        ["'us-eastt-2'", "did you mean 'us-east-2'"],
    ),
    ("no region", {"cluster.region": GONE}, "cluster.region", ["required on AWS"]),
    (
        "gang on machines without EFA",
        {f"{TRAIN}.machineType": "g6e.4xlarge"},
        f"{POOL}.fabric",
        ["'g6e.4xlarge' has no EFA", "4 nodes", "{none: <reason>}", "g6e.8xlarge"],
    ),
    (
        "no fabric, and no reason",
        {f"{TRAIN}.fabric": "none"},
        f"{POOL}.fabric",
        ["'none' is not a reason", "`none:` under it"],
    ),
    (
        "Kubernetes too old for the machine",
        GB200 | {"cluster.kubernetesVersion": "1.32"},
        "cluster.kubernetesVersion",
        ["'1.32'", "p6e-gb200.36xlarge", "1.33 or newer"],
    ),
    (
        "NVLink domain without DRA",
        GB200 | {"cluster.kubernetesVersion": GONE, "aws": SLURM},
        f"{POOL}.machineType",
        ["'p6e-gb200.36xlarge'", "DRA driver", "aws.controlPlane.kind to eks"],
    ),
    (
        "one image for two processors",
        {
            "cluster.kubernetesVersion": GONE,
            "cluster.nodePools.1": {"name": "light", "machineType": "m7g.xlarge"},
            "aws": SLURM,
        },
        f"{PLANE}.amiId",
        ["light is arm64", "train is x86_64", "its own stack"],
    ),
    (
        "UltraServers on demand",
        GB200 | {f"{TRAIN}.capacity": "onDemand"},
        f"{POOL}.capacity",
        ["'onDemand'", "p6e-gb200.36xlarge", "capacityBlock only"],
    ),
    ("more nodes than a cluster", {f"{TRAIN}.count": 6000}, f"{POOL}.count", ["6000", "5000", "several stacks"]),
    ("fewer than none", {f"{TRAIN}.count": -1}, f"{POOL}.count", ["-1", "0 or more"]),
    (
        "counts out of order",
        {f"{TRAIN}.maxCount": 2},
        f"{POOL}.count",
        ["4 is more than", "maxCount (2)"],
    ),
    ("a count in words", {f"{TRAIN}.count": "four"}, f"{POOL}.count", ["'four'", "a whole number"]),
    ("a disk below the image", {f"{TRAIN}.rootDiskGib": 8}, f"{POOL}.rootDiskGib", ["8", "20 or more"]),
    ("a name with capitals", {f"{TRAIN}.name": "Train"}, "cluster.nodePools.Train.name", ["'Train'", "lower-case"]),
    (
        "a name twice",
        {"cluster.nodePools.1.name": "train"},
        "cluster.nodePools",
        ["'train'", "more than one pool"],
    ),
    ("the system's name", {f"{TRAIN}.name": "system"}, "cluster.nodePools.system.name", ["'system'", "another name"]),
    (
        "a label of Kubernetes' own",
        {f"{TRAIN}.labels": {"kubernetes.io/arch": "arm64"}},
        f"{POOL}.labels",
        ["'kubernetes.io/arch'", "a domain of your own"],
    ),
    (
        "a label that is no value",
        {f"{TRAIN}.labels": {"owner": "a b"}},
        f"{POOL}.labels.owner",
        ["'a b' is not a value", "63 at most"],
    ),
    (
        "an effect of nobody",
        {f"{TRAIN}.taints": [{"key": "gpu", "effect": "NoScheduling"}]},
        f"{POOL}.taints.0.effect",
        ["'NoScheduling'", "did you mean 'NoSchedule'"],
    ),
]

CAPACITY: list[Case] = [
    (
        "two kinds of capacity",
        {f"{TRAIN}.capacity": {"capacityBlock": BLOCK, "spot": {}}},
        f"{POOL}.capacity",
        ["exactly one of onDemand, spot, reservation and capacityBlock"],
    ),
    ("a kind of nobody", {f"{TRAIN}.capacity": "reserved"}, f"{POOL}.capacity", ["'reserved'", "onDemand or spot"]),
    (
        "instance types with a block",
        block(instanceTypes=["p5.48xlarge"]),
        f"{POOL}.capacity.capacityBlock.instanceTypes",
        ["unknown key"],
    ),
    ("a block's group", block() | {f"{TRAIN}.placement": "create"}, f"{POOL}.placement", ["'create'", "leave it out"]),
    (
        "a block in an existing group",
        block() | {f"{TRAIN}.placement": {"existing": "mine"}},
        f"{POOL}.placement",
        ["'existing'", "leave it out"],
    ),
    (
        "a block elsewhere than the pool",
        block() | {f"{TRAIN}.zone": "us-east-2a"},
        f"{POOL}.zone",
        ["'us-east-2a'", "us-east-2b", "remove zone"],
    ),
    (
        "a block in another region",
        block(zone="us-west-2a"),
        f"{POOL}.capacity.capacityBlock.zone",
        ["'us-west-2a' is not a zone of us-east-2", "us-east-2b"],
    ),
    (
        "a block that is over",
        block(startsAt="2026-10-19T11:30:00Z", endsAt="2026-10-26T11:30:00Z"),
        f"{POOL}.capacity.capacityBlock.endsAt",
        ["2026-10-26T11:30Z", "remove the pool"],
    ),
    (
        "a block that ends at midnight",
        block(startsAt="2027-01-04T00:00:00Z", endsAt="2027-01-18T00:00:00Z"),
        f"{POOL}.capacity.capacityBlock.endsAt",
        ["2027-01-18T00:00Z", "11:30 UTC"],
    ),
    (
        "a block of sixteen days",
        block(startsAt="2027-01-02T11:30:00Z"),
        f"{POOL}.capacity.capacityBlock.startsAt",
        ["16 days", "1 to 14 days"],
    ),
    (
        "a block that ends before it starts",
        block(startsAt="2027-01-19T11:30:00Z"),
        f"{POOL}.capacity.capacityBlock.endsAt",
        ["2027-01-18", "is not after startsAt (2027-01-19"],
    ),
    (
        "a time without a zone",
        block(startsAt="2027-01-04T11:30:00"),
        f"{POOL}.capacity.capacityBlock.startsAt",
        ["2027-01-04T11:30:00", "with its zone"],
    ),
    (
        "a block after the cluster",
        block() | {"cluster.expiresAt": "2026-12-24T00:00:00Z"},
        f"{POOL}.capacity.capacityBlock.startsAt",
        ["2027-01-04T11:30Z", "2026-12-24T00:00Z", "cluster.expiresAt"],
    ),
    ("a block too large", block() | {f"{TRAIN}.count": 65}, f"{POOL}.count", ["65 machines", "at most 64"]),
    ("a block that grows", block() | {f"{TRAIN}.maxCount": 8}, f"{POOL}.maxCount", ["8:", "remove it"]),
    ("a block's id", block(id="cb-1"), f"{POOL}.capacity.capacityBlock.id", ["'cb-1'", "cr-0a1b2c3d4e5f60718"]),
    (
        "a block of machines that have none",
        block() | {f"{TRAIN}.machineType": "trn1n.32xlarge"},
        f"{POOL}.capacity",
        ["'capacityBlock'", "trn1n.32xlarge"],
    ),
    (
        "a reservation in another zone",
        {
            f"{TRAIN}.capacity": {"reservation": {"id": "cr-0a1b2c3d4e5f60718", "zone": "us-east-2a"}},
            f"{TRAIN}.zone": "us-east-2b",
        },
        f"{POOL}.zone",
        ["'us-east-2b'", "us-east-2a", "cr-0a1b2c3d4e5f60718"],
    ),
    (
        "a group of reservations in another region",
        {
            f"{TRAIN}.capacity": {
                "reservation": {
                    "id": "arn:aws:resource-groups:us-west-2:123456789012:group/gang",
                    "zone": "us-east-2a",
                }
            },
        },
        f"{POOL}.capacity.reservation.id",
        ["group/gang", "is in us-west-2", "the stack in us-east-2"],
    ),
    (
        "a reservation of no zone",
        {f"{TRAIN}.capacity": {"reservation": {"id": "cr-0a1b2c3d4e5f60718"}}},
        f"{POOL}.capacity.reservation.zone",
        ["is missing", "one zone"],
    ),
    (
        "a group beside the reservation's",
        {
            f"{TRAIN}.capacity": {"reservation": {"id": "cr-0a1b2c3d4e5f60718", "zone": "us-east-2a"}},
            f"{TRAIN}.placement": "create",
        },
        f"{POOL}.placement",
        ["'create'", "no group", "fromReservation"],
    ),
    (
        "placed by a reservation that is not there",
        {f"{TRAIN}.placement": "fromReservation"},
        f"{POOL}.placement",
        ["'fromReservation'", "no reservation", "create"],
    ),
    (
        "a fallback's name taken",
        {
            "cluster.nodePools.1.capacity": {"spot": {"fallback": "onDemand"}},
            f"{TRAIN}.name": "serve-on-demand",
        },
        "cluster.nodePools.serve.name",
        ["'serve-on-demand'", "rename that one"],
    ),
]
