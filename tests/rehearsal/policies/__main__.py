"""Three small programs, by the setting `program`: one keeps every rule; two break each rule once, in a resource that is
called after it: those of single resources, and those of several together, which the engine asks when the others hold.
"""

from typing import Any

import pulumi
import pulumi_aws as aws

EXPIRES, BUDGET = "penstock:expires", "penstock:budget-usd-per-hour"
ZONES = ("us-east-2a", "us-east-2b")


OWN = pulumi.ResourceOptions(
    provider=aws.Provider(
        "aws",
        region="us-east-2",
        skip_credentials_validation=True,
        skip_requesting_account_id=True,
        default_tags=aws.ProviderDefaultTagsArgs(tags={EXPIRES: "2099-12-31T00:00:00Z", BUDGET: "6"}),
    )
)


class Network:
    """Two zones, and a group that talks to itself in the directions given."""

    def __init__(self, *directions: str) -> None:
        self.vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", opts=OWN)
        self.subnets = [
            aws.ec2.Subnet(
                f"net-{zone}", vpc_id=self.vpc.id, cidr_block=f"10.0.{number}.0/24", availability_zone=zone, opts=OWN
            )
            for number, zone in enumerate(ZONES)
        ]
        self.group = aws.ec2.SecurityGroup("fabric", vpc_id=self.vpc.id, description="fabric", opts=OWN)
        kinds: dict[str, Any] = {"in": aws.vpc.SecurityGroupIngressRule, "out": aws.vpc.SecurityGroupEgressRule}
        for direction in directions:
            kinds[direction](
                f"fabric-{direction}",
                security_group_id=self.group.id,
                referenced_security_group_id=self.group.id,
                ip_protocol="-1",
                opts=OWN,
            )


def cluster(network: Network, key: aws.kms.Key) -> aws.eks.Cluster:
    """In order: private, with a key and a version."""
    return aws.eks.Cluster(
        "cluster",
        name="cluster",
        version="1.35",
        role_arn=role("control-plane", "eks.amazonaws.com").arn,
        vpc_config=aws.eks.ClusterVpcConfigArgs(
            subnet_ids=[subnet.id for subnet in network.subnets], endpoint_public_access=False
        ),
        encryption_config=aws.eks.ClusterEncryptionConfigArgs(
            provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
        ),
        opts=OWN,
    )


def role(name: str, service: str) -> aws.iam.Role:
    """A role that the service may take."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [trust]})
    return aws.iam.Role(name, assume_role_policy=policy, opts=OWN)


def interfaces(group: aws.ec2.SecurityGroup, fabric_cards: int) -> list[aws.ec2.LaunchTemplateNetworkInterfaceArgs]:
    """The primary interface, and one for the fabric on each of the first cards."""
    places = [(0, 0, "interface"), *((card, 0 if card else 1, "efa-only") for card in range(fabric_cards))]
    return [
        aws.ec2.LaunchTemplateNetworkInterfaceArgs(
            network_card_index=card, device_index=device, interface_type=kind, security_groups=[group.id]
        )
        for card, device, kind in places
    ]


def template(name: str, **arguments: Any) -> aws.ec2.LaunchTemplate:
    """A machine with an encrypted disk."""
    disk = aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(volume_size=100, volume_type="gp3", encrypted="true")
    root = aws.ec2.LaunchTemplateBlockDeviceMappingArgs(device_name="/dev/xvda", ebs=disk)
    return aws.ec2.LaunchTemplate(
        name, **({"instance_type": "g6e.8xlarge", "block_device_mappings": [root]} | arguments), opts=OWN
    )


def block(reservation: str | None) -> dict[str, Any]:
    """A template's arguments for a capacity block, named or not."""
    target = aws.ec2.LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs(
        capacity_reservation_id=reservation
    )
    return {
        "instance_market_options": aws.ec2.LaunchTemplateInstanceMarketOptionsArgs(market_type="capacity-block"),
        "capacity_reservation_specification": aws.ec2.LaunchTemplateCapacityReservationSpecificationArgs(
            capacity_reservation_target=target
        ),
    }


def node_group(
    name: str, owner: aws.eks.Cluster, machines: aws.ec2.LaunchTemplate, subnets: list[aws.ec2.Subnet], nodes: int = 1
) -> None:
    """A managed group of these machines, on demand, labelled with its name."""
    aws.eks.NodeGroup(
        name,
        labels={"pool": name},
        cluster_name=owner.name,
        node_role_arn=role(f"{name}-nodes", "ec2.amazonaws.com").arn,
        subnet_ids=[subnet.id for subnet in subnets],
        capacity_type="ON_DEMAND",
        launch_template=aws.eks.NodeGroupLaunchTemplateArgs(id=machines.id, version=machines.latest_version.apply(str)),
        scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=0, max_size=64, desired_size=nodes),
        opts=OWN,
    )


def gang(name: str, pool: str, **devices: str) -> None:
    """A gang of two nodes of that pool, with a GPU each and these devices."""
    limits = {"nvidia.com/gpu": "1", **devices}
    image = "registry.example/train@sha256:" + 64 * "0"
    container = {"name": "train", "image": image, "resources": {"limits": limits}}
    pod = {"containers": [container], "nodeSelector": {"pool": pool}, "restartPolicy": "Never"}
    job = {"parallelism": 2, "completions": 2, "template": {"spec": pod}}
    spec = {"replicatedJobs": [{"name": "node", "template": {"spec": job}}]}
    body = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": name}, "spec": spec}
    pulumi.CustomResource("kubernetes:jobset.x-k8s.io/v1alpha2:JobSet", name, body)


def add_on(name: str, owner: aws.eks.Cluster, version: str | None) -> None:
    """An add-on, with a version or without."""
    aws.eks.Addon(name, cluster_name=owner.name, addon_name="coredns", addon_version=version, opts=OWN)


def kept() -> None:
    """Nothing to object to."""
    network, key = Network("in", "out"), aws.kms.Key("key", enable_key_rotation=True, opts=OWN)
    owner = cluster(network, key)
    add_on("dns", owner, "v1.13.2-eksbuild.21")
    aws.cloudwatch.LogGroup("logs", kms_key_id=key.arn, opts=OWN)
    aws.vpc.SecurityGroupIngressRule(
        "https", security_group_id=network.group.id, cidr_ipv4="10.0.0.0/16", ip_protocol="tcp", from_port=443,
        to_port=443, opts=OWN,
    )  # fmt: skip
    node_group("train", owner, template("train", network_interfaces=interfaces(network.group, 1)), network.subnets[:1])
    gang("fast", "train", **{"vpc.amazonaws.com/efa": "1"})
    template("reserved", **block("cr-0a1b2c3d4e5f60718"))


def apart() -> None:
    """Each rule of a single resource, broken by the resource of its name."""
    network, key = Network("in", "out"), aws.kms.Key("key", enable_key_rotation=True, opts=OWN)
    aws.cloudwatch.LogGroup("encrypted-with-key", retention_in_days=30, opts=OWN)
    template("expiry-set", tags={EXPIRES: "2020-12-31T00:00:00Z"})
    template("fabric-interfaces", instance_type="p5.48xlarge", network_interfaces=interfaces(network.group, 2))
    aws.vpc.SecurityGroupIngressRule(
        "no-open-ingress", security_group_id=network.group.id, cidr_ipv4="0.0.0.0/0", ip_protocol="tcp", from_port=443,
        to_port=443, opts=OWN,
    )  # fmt: skip
    together = aws.ec2.PlacementGroup("group", strategy="cluster", opts=OWN)
    place = aws.ec2.LaunchTemplatePlacementArgs(group_name=together.name)
    template("placement-consistent", placement=place, **block("cr-0a1b2c3d4e5f60718"))
    template("reservation-targeted", **block(None))
    add_on("versions-pinned", cluster(network, key), None)


def together() -> None:
    """Each rule of several resources, broken by the resource of its name and what belongs to it."""
    network, key = Network("in"), aws.kms.Key("key", enable_key_rotation=True, opts=OWN)
    owner = cluster(network, key)
    fabric = template("fabric-security", network_interfaces=interfaces(network.group, 1))
    node_group("fabric-in-one-zone", owner, fabric, network.subnets)
    node_group("capacity-agrees", owner, template("block", **block("cr-0a1b2c3d4e5f60718")), network.subnets)
    gang("gang-fabric", "fabric-in-one-zone")
    node_group("budget-per-hour", owner, template("cheap"), network.subnets, nodes=4)


{"kept": kept, "apart": apart, "together": together}[pulumi.Config().require("program")]()
