"""Facts of AWS: the types of its resources, and where their fields hold what the rules ask about."""

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from policies.facts import (
    CloudReader,
    Ingress,
    Inputs,
    InterfaceFacts,
    Launch,
    MachineFacts,
    Pool,
    ReservationFacts,
    Stored,
    Versioned,
)
from policies.rule import StackResource
from policies.values import UNKNOWN, at, entries, is_true

MACHINE_ROWS: Final = ("providers", "aws/machine_types.toml")
"""The pack's one dependency on penstock: a package, and a data file whose rows are facts of AWS with their sources.
They are read here anew and no code of the provider is imported, so that a rule is a second opinion on the plan."""

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
AUTO_SCALING_GROUP = "aws:autoscaling/group:Group"
SUBNET = "aws:ec2/subnet:Subnet"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
CLUSTER = "aws:eks/cluster:Cluster"

BLOCK_MARKET, BLOCK_GROUP = "capacity-block", "CAPACITY_BLOCK"
FABRIC_INTERFACES = ("efa", "efa-only")

_SUBNETS = {NODE_GROUP: "subnetIds", AUTO_SCALING_GROUP: "vpcZoneIdentifiers"}
_NODES = {NODE_GROUP: ("scalingConfig", "desiredSize"), AUTO_SCALING_GROUP: ("desiredCapacity",)}


@cache
def machines() -> Mapping[str, MachineFacts]:
    """Machine types by name."""
    package, file = MACHINE_ROWS
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    assert folders, f"the package {package} is not installed beside the policy pack"
    rows = tomllib.loads((Path(folders[0]) / file).read_text())
    return {name: _machine(row) for name, row in rows.items()}


def _machine(row: Mapping[str, Any]) -> MachineFacts:
    able = [card["efa"] for card in row["cards"] for _ in range(card["count"])]
    cards = row.get("efa_cards") or (index for index, efa in enumerate(able) if efa)
    price = row.get("usd_per_hour")
    return MachineFacts(
        accelerators="accelerator" in row,
        fabric_cards=tuple(cards) if row.get("max_efa") else (),
        usd_per_hour=None if price is None else Decimal(str(price)),
    )


def launch(kind: str, inputs: Inputs) -> Launch | None:
    """Machines of a launch template, or of a node group that names its machine types itself."""
    if kind == NODE_GROUP and entries(inputs, "instanceTypes"):
        capacity = at(inputs, "capacityType")
        return Launch(
            machine_type=_dearest(list(entries(inputs, "instanceTypes"))),
            expires=_tag(inputs, "penstock:expires"),
            market=capacity,
            is_prepaid=capacity if capacity is UNKNOWN else capacity == BLOCK_GROUP,
        )
    if kind != LAUNCH_TEMPLATE:
        return None
    market = at(inputs, "instanceMarketOptions", "marketType")
    return Launch(
        machine_type=at(inputs, "instanceType"),
        expires=_tag(inputs, "penstock:expires"),
        market=market or "on-demand",
        is_prepaid=market if market is UNKNOWN else market == BLOCK_MARKET,
        interfaces=tuple(map(_interface, entries(inputs, "networkInterfaces"))),
        placement_group=at(inputs, "placement", "groupName"),
        reservation=_reservation(at(inputs, "capacityReservationSpecification")),
    )


def _dearest(names: Sequence[Any]) -> Any:
    """Of several machine types that a pool may get, the one that costs most as far as prices are known."""
    known = {name: machines()[name].usd_per_hour for name in names if name in machines()}
    return max(known, key=lambda name: known[name] or 0, default=names[0])


def _tag(inputs: Inputs, key: str) -> Any:
    own, all_of_them = at(inputs, "tags", key), at(inputs, "tagsAll", key)
    return UNKNOWN if UNKNOWN in (own, all_of_them) else own or all_of_them


def _interface(given: Any) -> InterfaceFacts:
    return InterfaceFacts(
        card=int(at(given, "networkCardIndex") or 0),
        device=int(at(given, "deviceIndex") or 0),
        fabric=at(given, "interfaceType") in FABRIC_INTERFACES,
        addressed=at(given, "interfaceType") != "efa-only",
        guarded=bool(at(given, "securityGroups")),
    )


def _reservation(specification: Any) -> ReservationFacts | None:
    if specification is None:
        return None
    target = at(specification, "capacityReservationTarget")
    named = at(target, "capacityReservationId") or at(target, "capacityReservationResourceGroupArn")
    preference = at(specification, "capacityReservationPreference")
    untargeted = outside = ""
    if named and isinstance(preference, str) and preference != "capacity-reservations-only":
        outside = preference
    elif not named and not preference:
        untargeted = "its capacity reservation specification has no target"
    elif not named and target is not None:
        untargeted = "the target of its capacity reservation is empty"
    return ReservationFacts(id=named, untargeted=untargeted, outside=outside)


def pool(kind: str, inputs: Inputs) -> Pool | None:
    """A managed node group, or an Auto Scaling group; only the former has labels and a capacity type."""
    if kind not in _NODES:
        return None
    capacity = at(inputs, "capacityType") if kind == NODE_GROUP else None
    problem = ""
    if at(inputs, "launchTemplate") is None:
        problem = "a node group on a capacity block without a launch template cannot name the block"
    elif at(inputs, "instanceTypes"):
        problem = "a node group on a capacity block names instance types, which only its launch template may"
    return Pool(
        nodes=_tag(inputs, "penstock:nodes") or at(inputs, *_NODES[kind]),
        labels=at(inputs, "labels"),
        capacity=capacity or "ON_DEMAND",
        is_prepaid=capacity if capacity is UNKNOWN else capacity == BLOCK_GROUP,
        agrees=kind == NODE_GROUP,
        names_no_reservation=problem,
    )


def launches(group: StackResource) -> Iterable[StackResource]:
    """Launch templates of a group, and the group where it names machine types itself."""
    own = [group] if entries(group.outputs, "instanceTypes") else []
    return [*group.of("launchTemplate", LAUNCH_TEMPLATE), *own]


def zones(group: StackResource) -> Iterable[Any]:
    """Zones of a group's subnets: by name, or by id where a preview knows no more of them."""
    for subnet in group.of(_SUBNETS[group.kind], SUBNET):
        name, zone_id = at(subnet.outputs, "availabilityZone"), at(subnet.outputs, "availabilityZoneId")
        yield name if isinstance(name, str) else zone_id


def fabric_groups(template: StackResource) -> Iterable[StackResource]:
    """Security groups that a launch template's interfaces are in, as far as the stack makes them."""
    return template.of("networkInterfaces", SECURITY_GROUP)


def self_reaching(resources: Sequence[StackResource]) -> tuple[set[str], set[str]]:
    """Groups with a rule for every protocol that names the group itself. EFA heeds no rule that names a range."""
    found: dict[str, set[str]] = {INGRESS_RULE: set(), EGRESS_RULE: set()}
    for rule in resources:
        if rule.kind in found and at(rule.outputs, "ipProtocol") in ("-1", UNKNOWN):
            owners = {group.urn for group in rule.of("securityGroupId", SECURITY_GROUP)}
            found[rule.kind] |= owners & {group.urn for group in rule.of("referencedSecurityGroupId", SECURITY_GROUP)}
    return found[INGRESS_RULE], found[EGRESS_RULE]


def stored(kind: str, inputs: Inputs) -> Iterator[Stored]:
    """Data that a resource of AWS keeps."""
    if read := _STORED.get(kind):
        yield from read(inputs)


def _disks(inputs: Inputs) -> Iterator[Stored]:
    for mapping in entries(inputs, "blockDeviceMappings"):
        if (disk := at(mapping, "ebs")) is not None:
            yield Stored(data=f"the disk {at(mapping, 'deviceName')}", encrypted=is_true(at(disk, "encrypted")))


def _lustre(inputs: Inputs) -> Iterator[Stored]:
    """A scratch file system takes no key: AWS encrypts it with its own (FSx for Lustre User Guide)."""
    scratch = str(at(inputs, "deploymentType")).startswith("SCRATCH")
    yield Stored(data="the file system", own_key=scratch or bool(at(inputs, "kmsKeyId")))


def _elastic(inputs: Inputs) -> Iterator[Stored]:
    yield Stored(
        data="the file system", encrypted=is_true(at(inputs, "encrypted")), own_key=bool(at(inputs, "kmsKeyId"))
    )


def _bucket(inputs: Inputs) -> Iterator[Stored]:
    for rule in entries(inputs, "rules"):
        given = at(rule, "applyServerSideEncryptionByDefault")
        algorithm = at(given, "sseAlgorithm")
        own = str(algorithm).startswith("aws:kms") and bool(at(given, "kmsMasterKeyId"))
        yield Stored(data="the bucket", own_key=algorithm is UNKNOWN or own)


def _secrets(inputs: Inputs) -> Iterator[Stored]:
    given = at(inputs, "encryptionConfig")
    own = "secrets" in entries(given, "resources") and bool(at(given, "provider", "keyArn"))
    yield Stored(data="the store of the cluster's secrets", own_key=given is UNKNOWN or own)


def _registry(inputs: Inputs) -> Iterator[Stored]:
    given = at(inputs, "encryptionConfigurations")
    kinds = [at(each, "encryptionType") for each in entries(given)]
    own = any(kind is UNKNOWN or str(kind).startswith("KMS") for kind in kinds)
    yield Stored(data="the repository of images", own_key=given is UNKNOWN or own)


_STORED: Mapping[str, Callable[[Inputs], Iterator[Stored]]] = {
    LAUNCH_TEMPLATE: _disks,
    "aws:ebs/volume:Volume": lambda inputs: iter(
        [Stored(data="the volume", encrypted=is_true(at(inputs, "encrypted")))]
    ),
    "aws:fsx/lustreFileSystem:LustreFileSystem": _lustre,
    "aws:efs/fileSystem:FileSystem": _elastic,
    "aws:cloudwatch/logGroup:LogGroup": lambda inputs: iter(
        [Stored(data="the log group", own_key=bool(at(inputs, "kmsKeyId")))]
    ),
    "aws:amp/workspace:Workspace": lambda inputs: iter(
        [Stored(data="the workspace", own_key=bool(at(inputs, "kmsKeyArn")))]
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket,
    CLUSTER: _secrets,
    "aws:ecr/repository:Repository": _registry,
}


def ingress(kind: str, inputs: Inputs) -> Iterator[Ingress]:
    """Ranges that a security group or the API server's public endpoint lets in."""
    if kind == INGRESS_RULE:
        yield from _ranges(inputs, "cidrIpv4", "cidrIpv6")
    elif kind == "aws:ec2/securityGroupRule:SecurityGroupRule" and at(inputs, "type") == "ingress":
        yield from _ranges(inputs, "cidrBlocks", "ipv6CidrBlocks")
    elif kind in (SECURITY_GROUP, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"):
        for rule in entries(inputs, "ingress"):
            yield from _ranges(rule, "cidrBlocks", "ipv6CidrBlocks")
    elif kind == CLUSTER:
        yield from _api_server(at(inputs, "vpcConfig"))


def _ranges(holder: Any, *names: str) -> Iterator[Ingress]:
    for name in names:
        given = at(holder, name)
        yield Ingress(path=name, ranges=given if isinstance(given, list) else [given])


def _api_server(access: Any) -> Iterator[Ingress]:
    """EKS has a public endpoint unless told otherwise, and opens it to everybody where no range is given."""
    public, given = at(access, "endpointPublicAccess"), at(access, "publicAccessCidrs")
    if (public is None or is_true(public)) and given is not UNKNOWN:
        yield Ingress(path="publicAccessCidrs", ranges=given or (), open_when_empty="the API server's public endpoint")


def versions(kind: str, inputs: Inputs) -> Iterator[Versioned]:
    """Versions of Kubernetes, of an add-on, of Slurm."""
    if kind == CLUSTER:
        yield Versioned(software="Kubernetes", version=at(inputs, "version"))
    elif kind == "aws:eks/addon:Addon":
        version = at(inputs, "addonVersion")
        exact = version is UNKNOWN or "eksbuild" in str(version)
        yield Versioned(software=f"the add-on {at(inputs, 'addonName')}", version=version, is_exact=exact)
    elif kind == "aws:cloudcontrol/resource:Resource" and at(inputs, "typeName") == "AWS::PCS::Cluster":
        state = _document(at(inputs, "desiredState"))
        if state is not None:
            yield Versioned(software="Slurm", version=at(state, "Scheduler", "Version"))


def images(kind: str, inputs: Inputs) -> Iterator[Any]:
    """Images of a model's containers, and of a job: Batch takes its containers as a document in a text."""
    if kind == "aws:sagemaker/model:Model":
        yield from (at(each, "image") for each in (at(inputs, "primaryContainer"), *entries(inputs, "containers")))
    elif kind == "aws:batch/jobDefinition:JobDefinition":
        yield from (_document(at(inputs, name)) for name in ("containerProperties", "nodeProperties"))


def _document(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None


FACTS: Final = CloudReader(
    name="aws",
    fabric="EFA",
    fabric_device="vpc.amazonaws.com/efa",
    accelerator_devices=("nvidia.com/gpu", "aws.amazon.com/neuron"),
    internal_services={"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"},
    machines=machines,
    launch=launch,
    pool=pool,
    budget=lambda inputs: at(inputs, "tags", "penstock:budget-usd-per-hour"),
    launches=launches,
    zones=zones,
    fabric_groups=fabric_groups,
    self_reaching=self_reaching,
    stored=stored,
    ingress=ingress,
    versions=versions,
    images=images,
)
