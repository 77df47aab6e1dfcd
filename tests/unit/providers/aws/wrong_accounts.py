"""Mistakes of a user about what AWS has where and when, each with the change that its message asks for."""

from typing import Any

from tests.unit.providers.aws.whole_stacks import BATCH, BLOCK, GONE, LUSTRE, PLANE, SLURM, TRAIN

Followed = tuple[str, dict[str, Any], str, list[str], dict[str, Any]]
"""Description, changes of STACK, path, words of the message, and the changes that follow it."""

ID = BLOCK["id"]
BARE: dict[str, Any] = {"cluster.kubernetesVersion": GONE}
SECOND = "cluster.nodePools.1"
GOV, CHINA = "arn:aws-us-gov", "arn:aws-cn"
ROLE, BALANCER = "iam::123456789012:role/ops", "elasticloadbalancing:us-east-2:123456789012:loadbalancer/net/a/1"
MODEL = "bedrock:us-east-2::foundation-model/amazon.nova-lite-v1:0:300k"
HYPER_POD = {"pools": ["train"], "lifecycleScripts": "s3://scripts/on/"}


def small(region: str, machine_type: str, **file_system: Any) -> dict[str, Any]:
    """One pool of small machines in the region, with this file system."""
    return {
        "cluster.region": region, TRAIN: {"name": "train", "machineType": machine_type}, SECOND: GONE,
        LUSTRE: {"capacityTib": 2.4, **file_system},
    }  # fmt: skip


def sharing(first: dict[str, Any], second: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Two pools of p5, each with its capacity."""
    pools = (
        {"name": "a", "machineType": "p5.48xlarge", "count": 2},
        {"name": "b", "machineType": "p5.48xlarge", "count": 2},
    )
    return {TRAIN: pools[0] | {"capacity": first}, SECOND: pools[1] | {"capacity": second} | more, LUSTRE: GONE}


def held(**more: Any) -> dict[str, Any]:
    return {"reservation": {"id": ID, "zone": "us-east-2b", **more}}


def block(**more: Any) -> dict[str, Any]:
    return {"capacityBlock": BLOCK | more}


PLACES: list[Followed] = [
    (
        "lasting Lustre in Paris, where there is scratch alone",
        small("eu-west-3", "g6.xlarge", throughputMbpsPerTib=250),
        LUSTRE,
        ["PERSISTENT_2) in eu-west-3", "set scratch: true without throughputMbpsPerTib"],
        {f"{LUSTRE}.scratch": True, f"{LUSTRE}.throughputMbpsPerTib": GONE},
    ),
    (
        "lasting Lustre in São Paulo with a backup that scratch has not",
        small("sa-east-1", "g6.xlarge", metadataIops=1500, onDestroy="keep"),
        LUSTRE,
        ["set scratch: true without metadataIops, onDestroy: keep, or take a region that has them", "us-east-2"],
        {f"{LUSTRE}.scratch": True, f"{LUSTRE}.metadataIops": GONE, f"{LUSTRE}.onDestroy": GONE},
    ),
    (
        "the fastest Lustre in Tel Aviv",
        small("il-central-1", "m7i.2xlarge", throughputMbpsPerTib=1000),
        f"{LUSTRE}.throughputMbpsPerTib",
        ["1000, but FSx has 125 and 250 alone in il-central-1; take one of these"],
        {f"{LUSTRE}.throughputMbpsPerTib": 125},
    ),
    (
        "tiered Lustre in Tel Aviv",
        {**small("il-central-1", "m7i.2xlarge"), LUSTRE: {"tiering": {"throughputMbps": 4000}}},
        f"{LUSTRE}.tiering",
        ["FSx tiers no file systems in il-central-1; give capacityTib in its stead"],
        {LUSTRE: {"capacityTib": 2.4}},
    ),
    (
        "scratch Lustre in Malaysia",
        small("ap-southeast-5", "g6.xlarge", scratch=True),
        f"{LUSTRE}.scratch",
        ["no scratch file systems in ap-southeast-5; leave scratch out"],
        {f"{LUSTRE}.scratch": GONE},
    ),
    (
        "Lustre over EFA in Tel Aviv, which has none",
        small("il-central-1", "m7i.2xlarge", fabric=True),
        f"{LUSTRE}.fabric",
        ["true, but FSx has no EFA in il-central-1; leave it out"],
        {f"{LUSTRE}.fabric": GONE},
    ),
]

RESERVATIONS: list[Followed] = [
    (
        "one reservation in two zones",
        sharing(held(), held(zone="us-east-2c")),
        "cluster.nodePools.b.capacity.reservation.id",
        [f"{ID!r} is one reservation, and a says zone us-east-2b where b says us-east-2c; say the same in both"],
        {f"{SECOND}.capacity.reservation.zone": "us-east-2b"},
    ),
    (
        "one block of two lengths",
        sharing(block(), block(endsAt="2027-01-17T11:30:00Z")),
        "cluster.nodePools.b.capacity.capacityBlock.id",
        ["a says endsAt 2027-01-18T11:30Z where b says 2027-01-17T11:30Z"],
        {f"{SECOND}.capacity.capacityBlock.endsAt": BLOCK["endsAt"]},
    ),
    (
        "a block and a reservation of one id",
        sharing(block(), held()),
        "cluster.nodePools.b.capacity.reservation.id",
        ["a says capacityBlock, b reservation"],
        {f"{SECOND}.capacity": block()},
    ),
    (
        "one reservation of two machines",
        sharing(held(), held(), machineType="p5e.48xlarge"),
        "cluster.nodePools.b.capacity.reservation.id",
        ["a says machineType p5.48xlarge, b p5e.48xlarge"],
        {f"{SECOND}.machineType": "p5.48xlarge"},
    ),
    (
        "one block for more than a block has",
        {**sharing(block(), block(), count=63), "cluster.budgetUsdPerHour": GONE},
        "cluster.nodePools.b.capacity.capacityBlock.id",
        ["asked for 65 machines", "at most 64: lower a count"],
        {f"{SECOND}.count": 62},
    ),
]

PARTITIONS: list[Followed] = [
    (
        "an administrator of GovCloud",
        {f"{PLANE}.admins": [f"{GOV}:{ROLE}"]},
        f"{PLANE}.admins.0",
        ["is of AWS GovCloud (US)", "reach nothing in us-east-2", "(arn:aws:...)"],
        {f"{PLANE}.admins": [f"arn:aws:{ROLE}"]},
    ),
    (
        "a load balancer of China",
        {"aws.globalAccelerators": [{"name": "front", "loadBalancerArn": f"{CHINA}:{BALANCER}"}]},
        "aws.globalAccelerators.front.loadBalancerArn",
        ["is of AWS China"],
        {"aws.globalAccelerators.0.loadBalancerArn": f"arn:aws:{BALANCER}"},
    ),
    (
        "a model of GovCloud",
        {
            "aws.customModels": [
                {"name": "tuned", "baseModel": f"{GOV}:{MODEL}", "trainingData": "s3://data/x", "output": "s3://data/y"}
            ]
        },
        "aws.customModels.tuned.baseModel",
        ["is of AWS GovCloud (US)"],
        {"aws.customModels.0.baseModel": f"arn:aws:{MODEL}"},
    ),
    (
        "Batch's image in a registry of China",
        {
            **BARE,
            SECOND: GONE,
            "aws": {
                "controlPlane": BATCH["controlPlane"]
                | {"image": "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/t:1"}
            },
        },
        f"{PLANE}.image",
        ["is of AWS China"],
        {f"{PLANE}.image": "123456789012.dkr.ecr.us-east-2.amazonaws.com/t:1"},
    ),
    (
        "a region of the sovereign cloud",
        {"cluster.region": "eusc-de-east-1"},
        "cluster.region",
        ["is of AWS European Sovereign Cloud", "which penstock does not plan", "us-east-2"],
        {"cluster.region": "us-east-2"},
    ),
]

CONTROL_PLANES: list[Followed] = [
    (
        "Kubernetes whose extended support is over",
        {"cluster.kubernetesVersion": "1.30"},
        "cluster.kubernetesVersion",
        ["EKS no longer creates clusters of this version; available: 1.32"],
        {"cluster.kubernetesVersion": "1.32"},
    ),
    (
        "a pool by the login node's name",
        {**BARE, "aws": SLURM, f"{SECOND}.name": "login"},
        "cluster.nodePools.login.name",
        ["'login' is reserved for the node that jobs are submitted from; choose another name"],
        {f"{SECOND}.name": "serve"},
    ),
    (
        "Slurm in a zone without a machine to log in to",
        {
            **BARE,
            "aws": SLURM,
            "cluster.region": "us-east-1",
            SECOND: GONE,
            LUSTRE: GONE,
            TRAIN: {"name": "train", "machineType": "p5.48xlarge", "zone": "use1-az3"},
        },
        "cluster.network.zones",
        ["use1-az3: the login node runs on m7i.xlarge or c7i.2xlarge", "add a zone of us-east-1 that does"],
        {"cluster.network": {"zones": ["use1-az6", "use1-az3"]}},
    ),
    (
        "a controller that the login node makes too small",
        {**BARE, "aws": {"controlPlane": SLURM["controlPlane"] | {"size": "SMALL"}}, f"{TRAIN}.maxCount": 31},
        f"{PLANE}.size",
        ["32 nodes beside the login node", "SMALL manages 32; choose MEDIUM (512)"],
        {f"{PLANE}.size": "MEDIUM"},
    ),
    (
        "a root device that is none",
        {**BARE, "aws": {"controlPlane": SLURM["controlPlane"] | {"rootDevice": "sda1"}}},
        f"{PLANE}.rootDevice",
        ["'sda1'", "a root device: /dev/sda1 or /dev/xvda"],
        {f"{PLANE}.rootDevice": "/dev/sda1"},
    ),
    (
        "HyperPod before its chart",
        {"aws.hyperPod": HYPER_POD},
        "aws.hyperPod.chartInstalled",
        ["run `up` without aws.hyperPod, its pools", "--set trainingOperators.enabled=false`, and set it to true"],
        {"aws.hyperPod.chartInstalled": True},
    ),
    (
        "HyperPod on a version that it does not join, left to the default",
        {**BARE, "aws.hyperPod": HYPER_POD | {"chartInstalled": True}},
        "cluster.kubernetesVersion",
        ["is not a version that HyperPod supports; set '1.34'"],
        {"cluster.kubernetesVersion": "1.34"},
    ),
]

FIRST: list[Followed] = [
    (
        "a network on Docker's own",
        {"cluster.network": {"cidr": "172.17.0.0/16"}},
        "cluster.network.cidr",
        ["belongs to Docker's own bridge on the nodes; take another, such as 10.0.0.0/16"],
        {"cluster.network.cidr": "10.0.0.0/16"},
    ),
    (
        "a network on the addresses of Services",
        {"cluster.network": {"cidr": "172.20.0.0/16"}},
        "cluster.network.cidr",
        ["belongs to the cluster's Services; take another"],
        {"cluster.network.cidr": "10.0.0.0/16"},
    ),
    (
        "a network for everything that is private",
        {"cluster.network": {"cidr": "192.168.0.0/12"}},
        "cluster.network.cidr",
        ["'192.168.0.0/12' is not a network"],
        {"cluster.network.cidr": "192.168.0.0/16"},
    ),
    (
        "data in a bucket with an underscore, as of before 2018",
        {f"{LUSTRE}.links": [{"path": "/data", "uri": "s3://my_tokens/all/"}]},
        f"{LUSTRE}.links.0.uri",
        ["names no bucket: 'my_tokens' has other characters"],
        {f"{LUSTRE}.links.0.uri": "s3://my-tokens/all/"},
    ),
    (
        "one administrator twice",
        {f"{PLANE}.admins": [f"arn:aws:{ROLE}", f"arn:aws:{ROLE}"]},
        f"{PLANE}.admins",
        ["stands there more than once; name it once"],
        {f"{PLANE}.admins": [f"arn:aws:{ROLE}"]},
    ),
    (
        "an administrator as `aws sts get-caller-identity` names him",
        {f"{PLANE}.admins": ["arn:aws:sts::123456789012:assumed-role/ops/ann"]},
        f"{PLANE}.admins.0",
        ["such as arn:aws:iam::123456789012:role/ops; of a session, that of its role"],
        {f"{PLANE}.admins": [f"arn:aws:{ROLE}"]},
    ),
    (
        "the account's root as administrator",
        {f"{PLANE}.admins": ["arn:aws:iam::123456789012:root"]},
        f"{PLANE}.admins.0",
        ["is not the ARN of a role or user, such as arn:aws:iam::123456789012:role/ops"],
        {f"{PLANE}.admins": [f"arn:aws:{ROLE}"]},
    ),
    (
        "a block by the id of its offering",
        {f"{TRAIN}.capacity": block(id="cbo-0a1b2c3d4e5f60718")},
        "cluster.nodePools.train.capacity.capacityBlock.id",
        ["'cbo-0a1b2c3d4e5f60718' is an offering, not yet bought", "purchase-capacity-block"],
        {f"{TRAIN}.capacity": block()},
    ),
    (
        "a block by its ARN",
        {f"{TRAIN}.capacity": block(id=f"arn:aws:ec2:us-east-2:123456789012:capacity-reservation/{ID}")},
        "cluster.nodePools.train.capacity.capacityBlock.id",
        ["is not a reservation's id such as cr-0a1b2c3d4e5f60718"],
        {f"{TRAIN}.capacity": block()},
    ),
    (
        "a block of another region's zone",
        {f"{TRAIN}.capacity": block(zone="us-east-1b")},
        "cluster.nodePools.train.capacity.capacityBlock.zone",
        ["'us-east-1b' is not a zone of us-east-2"],
        {f"{TRAIN}.capacity": block()},
    ),
    (
        "a store of one zone by the zone's letter",
        {"aws.expressStore": {"zoneId": "us-east-2a"}},
        "aws.expressStore.zoneId",
        ["'us-east-2a' is not a zone id such as use2-az1"],
        {"aws.expressStore.zoneId": "use2-az1"},
    ),
    (
        "a repository by its address",
        {"aws.registry": {"repositories": ["123456789012.dkr.ecr.us-east-2.amazonaws.com/pretrain"]}},
        "aws.registry.repositories.0",
        ["is not a name: lower-case letters, digits and dashes"],
        {"aws.registry.repositories": ["pretrain"]},
    ),
    (
        "spot machines in HyperPod",
        {"aws.hyperPod": HYPER_POD | {"pools": ["serve"], "chartInstalled": True}},
        "cluster.nodePools.serve.capacity",
        ["spot: HyperPod's machines are on demand or of a training plan; set onDemand"],
        {f"{SECOND}.capacity": "onDemand"},
    ),
]
