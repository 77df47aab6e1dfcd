"""An account's own answers, before anything is created. AWS's side: botocore's stubs, which hold to its model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from providers import aws
from providers.aws.control_plane.eks.reach import HOST_MACHINES
from providers.aws.control_plane.eks.types import EksPlan
from providers.aws.plan import AwsPlan
from providers.aws.preflight import credentials_at_hand, look
from providers.aws.regions import regions
from providers.aws.settings import AwsAccountSpec
from providers.aws.types import SpotCapacity
from stacks.config import read_file
from stacks.plan import plan_stack
from tests.clock import NOW

BLOCK = "cr-0a1b2c3d4e5f60718"
COUNTED = {"describe_instances": "Reservations", "describe_vpcs": "Vpcs", "describe_addresses": "Addresses"}
"""Things that are counted in the account: nothing is there."""


class Account:
    """Stubbed clients of one account that allows what it is told, and `has` obstacles."""

    def __init__(self, allowed: float, **has: Any) -> None:
        make: Any = boto3.Session("simulated", "simulated", region_name="us-east-2").client
        self.clients = {
            name: make(name) for name in ("sts", "eks", "fsx", "service-quotas", "ec2", "logs", "kms", "s3", "iam")
        }
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        self.allowed, self.has = allowed, has
        for stub in self.stubs.values():
            stub.activate()

    def answers(self, plan: AwsPlan, reservation: dict[str, Any] | str) -> None:
        self.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012"})
        self.stubs["eks"].add_client_error("describe_cluster", "ResourceNotFoundException")
        self.stubs["fsx"].add_response("describe_file_systems", {"FileSystems": []})
        self.rest(plan, reservation)

    def rest(self, plan: AwsPlan, reservation: dict[str, Any] | str | None = None) -> None:
        """Answers about quotas and reservations; the latter is as it should be where none is given."""
        reservation = reservation or block()
        self.zones(plan)
        for operation, empty in COUNTED.items():
            self.stubs["ec2"].add_response(operation, {empty: []})
        for _ in plan.quotas:
            self.stubs["service-quotas"].add_response("get_service_quota", {"Quota": {"Value": self.allowed}})
        if isinstance(reservation, str):
            self.stubs["ec2"].add_client_error("describe_capacity_reservations", reservation)
        else:
            self.stubs["ec2"].add_response("describe_capacity_reservations", {"CapacityReservations": [reservation]})
        self.obstacles(plan, **self.has)

    def obstacles(
        self,
        plan: AwsPlan,
        *,
        groups: Sequence[str] = (),
        builds: Mapping[str, Sequence[str]] = MappingProxyType({}),
        disk_key: str = "alias/aws/ebs",
        bucket: dict[str, Any] | str | None = None,
    ) -> None:
        """Answers about what stands in the way of an `up`; nothing does where nothing is given."""
        control = plan.control_plane
        assert isinstance(control, EksPlan)
        self.stubs["logs"].add_response("describe_log_groups", {"logGroups": [{"logGroupName": one} for one in groups]})
        for one in (*control.first_add_ons, *control.add_ons):
            versions = [{"addonVersion": version} for version in builds.get(one.name, (one.version,))]
            self.stubs["eks"].add_response(
                "describe_addon_versions",
                {"addons": [{"addonName": one.name, "addonVersions": versions}]},
                {"addonName": one.name, "kubernetesVersion": control.version},
            )
        self.stubs["ec2"].add_response("get_ebs_default_kms_key_id", {"KmsKeyId": disk_key})
        if isinstance(bucket, str):
            region = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}}
            self.stubs["s3"].add_client_error(
                "head_bucket", bucket, http_status_code=int(bucket), response_meta=region["ResponseMetadata"]
            )
        else:
            self.stubs["s3"].add_response("head_bucket", bucket or {"BucketRegion": plan.region})

    def zones(self, plan: AwsPlan, *, without: str = "") -> None:
        """The account names zones as most do, and each offers every machine type but one."""
        region, types = (
            regions()[plan.region],
            {pool.machine.name for pool in plan.node_pools} | {"m7i.xlarge", *HOST_MACHINES},
        )
        named = [{"ZoneName": name, "ZoneId": zone_id} for name, zone_id in region.zone_ids.items()]
        offers = [
            {"InstanceType": name, "LocationType": "availability-zone-id", "Location": zone_id}
            for name in sorted(types - {without})
            for zone_id in region.ids
        ]
        self.stubs["ec2"].add_response("describe_availability_zones", {"AvailabilityZones": named})
        self.stubs["ec2"].add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": offers})

    def look(self, plan: AwsPlan) -> list[str]:
        return [str(problem) for problem in look(plan, self.clients.__getitem__)]


@pytest.fixture(scope="module")
def plan() -> AwsPlan:
    return aws.plan(read_file("aws-prod"), "aws-prod", NOW)


def block(**changes: Any) -> dict[str, Any]:
    return {
        "CapacityReservationId": BLOCK,
        "State": "scheduled",
        "InstanceType": "p5.48xlarge",
        "AvailabilityZone": "us-east-2b",
        "TotalInstanceCount": 32,
        "EndDate": datetime.fromisoformat("2027-11-15T11:30:00+00:00"),
    } | changes


def test_an_account_that_allows_it_has_no_problem(plan: AwsPlan) -> None:
    account = Account(allowed=1_000_000)
    account.answers(plan, block())
    assert account.look(plan) == []
    account.stubs["ec2"].assert_no_pending_responses()


def test_each_quota_that_is_too_small_comes_with_the_command_that_asks_for_more(plan: AwsPlan) -> None:
    account = Account(allowed=96)
    account.answers(plan, block())
    found = account.look(plan)
    short = [need for need in plan.quotas if need.needed > 96]
    assert len(found) == len(short) > 1
    (gpu,) = [problem for problem in found if "L-DB2E81BA" in problem]
    assert "allows 96 vCPU of 'Running On-Demand G and VT instances' in us-east-2, the plan needs 384" in gpu
    assert "--service-code ec2 --quota-code L-DB2E81BA --desired-value 384" in gpu


@pytest.mark.parametrize("there", [True, False])
def test_spot_machines_of_karpenters_need_a_role_that_the_account_may_lack(plan: AwsPlan, there: bool) -> None:
    spot = [replace(pool, grown_by="karpenter") for pool in plan.node_pools if isinstance(pool.capacity, SpotCapacity)]
    asking = replace(
        plan, node_pools=(*(pool for pool in plan.node_pools if pool.name not in {one.name for one in spot}), *spot)
    )
    account, name = Account(allowed=1_000_000), "AWSServiceRoleForEC2Spot"
    account.answers(asking, block())
    if there:
        role = {"Path": "/", "RoleName": name, "RoleId": "A" * 16, "Arn": f"arn:aws:iam::123456789012:role/{name}"}
        account.stubs["iam"].add_response("get_role", {"Role": role | {"CreateDate": NOW}}, {"RoleName": name})
    else:
        account.stubs["iam"].add_client_error("get_role", "NoSuchEntity")
    found = account.look(asking)
    assert bool(found) is not there
    assert there or "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com" in found[0]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (block(State="expired"), "is expired; name one that is active or scheduled"),
        (block(InstanceType="p5en.48xlarge"), "holds p5en.48xlarge, the pool asks for p5.48xlarge"),
        (block(AvailabilityZone="us-east-2a"), "is in us-east-2a, the pool in us-east-2b"),
        (block(TotalInstanceCount=16), "holds 16 machines, asked by train for 32"),
        (block(EndDate=datetime.fromisoformat("2027-11-14T11:30:00+00:00")), "ends at 2027-11-14T11:30:00Z, not"),
        ("InvalidCapacityReservationId.NotFound", "is not a reservation of this account in this region"),
    ],
)
def test_a_reservation_that_is_not_what_the_stack_says(plan: AwsPlan, found: Any, words: str) -> None:
    account = Account(allowed=1_000_000)
    account.answers(plan, found)
    (problem,) = account.look(plan)
    assert problem.startswith("cluster.nodePools.train.capacity: ")
    assert words in problem


@pytest.mark.parametrize(
    ("service", "operation", "code", "path", "remedy"),
    [
        ("eks", "describe_cluster", "AccessDeniedException", "cluster.kubernetesVersion", "allow eks:DescribeCluster"),
        ("eks", "describe_cluster", "ThrottlingException", "cluster.kubernetesVersion", "run again when AWS answers"),
        ("fsx", "describe_file_systems", "AccessDeniedException", "storage.fileSystem", "fsx:DescribeFileSystems"),
        ("ec2", "describe_subnets", "UnauthorizedOperation", "storage.fileSystem", "allow ec2:DescribeSubnets to them"),
    ],
)
def test_a_right_that_is_missing_is_not_taken_for_nothing_there(
    plan: AwsPlan, service: str, operation: str, code: str, path: str, remedy: str
) -> None:
    account = Account(allowed=1_000_000)
    account.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012"})
    fine = {
        ("eks", "describe_cluster"): None,
        ("fsx", "describe_file_systems"): {"FileSystems": [lustre()]},
        ("ec2", "describe_subnets"): {"Subnets": [{"AvailabilityZone": "us-east-2b"}]},
    }
    for (name, asked), answer in fine.items():
        if (name, asked) == (service, operation):
            account.stubs[name].add_client_error(asked, code)
        elif answer is None:
            account.stubs[name].add_client_error(asked, "ResourceNotFoundException")
        else:
            account.stubs[name].add_response(asked, answer)
    (problem,) = look(plan, account.clients.__getitem__)
    assert (problem.path, problem.stops) == (path, True)
    assert code in problem.message
    assert remedy in problem.message


def test_what_up_can_do_without_is_told_once_and_stops_nothing(plan: AwsPlan) -> None:
    account = Account(allowed=0)
    account.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012"})
    account.stubs["eks"].add_client_error("describe_cluster", "ResourceNotFoundException")
    account.stubs["fsx"].add_response("describe_file_systems", {"FileSystems": []})
    for operation in ("describe_availability_zones", *COUNTED):
        account.stubs["ec2"].add_client_error(operation, "UnauthorizedOperation")
    account.stubs["service-quotas"].add_client_error("get_service_quota", "NoSuchResourceException")
    account.stubs["service-quotas"].add_client_error("get_aws_default_service_quota", "AccessDeniedException")
    account.stubs["ec2"].add_client_error("describe_capacity_reservations", "UnauthorizedOperation")
    account.stubs["logs"].add_client_error("describe_log_groups", "AccessDeniedException")
    account.stubs["eks"].add_client_error("describe_addon_versions", "AccessDeniedException")
    account.stubs["ec2"].add_client_error("get_ebs_default_kms_key_id", "UnauthorizedOperation")
    account.stubs["s3"].add_client_error("head_bucket", "400", http_status_code=400)
    *counts, quota, reservation, logs, builds, disks, bucket = look(plan, account.clients.__getitem__)
    assert not any(one.stops for one in (*counts, logs, builds, disks, bucket))
    assert "allow logs:DescribeLogGroups to them" in logs.message
    assert "allow eks:DescribeAddonVersions to them" in builds.message
    assert "allow ec2:GetEbsDefaultKmsKeyId to them" in disks.message
    assert bucket.path == "storage.fileSystem.links.0.uri"
    assert all(
        f"ec2:Describe{what}" in one.message
        for one, what in zip(counts, ("AvailabilityZones", "Instances", "Vpcs", "Addresses"), strict=True)
    )
    assert (quota.path, quota.stops) == ("cluster.nodePools", False)
    assert "allow servicequotas:GetAWSDefaultServiceQuota to them" in quota.message
    assert (reservation.path, reservation.stops) == ("cluster.nodePools.train.capacity", False)
    assert "allow ec2:DescribeCapacityReservations to them" in reservation.message


def test_credentials_that_do_not_work_are_told_first(plan: AwsPlan) -> None:
    account = Account(allowed=0)
    account.stubs["sts"].add_client_error("get_caller_identity", "ExpiredToken")
    (problem,) = account.look(plan)
    assert problem.startswith("cluster.cloud: the credentials found do not work: An error occurred (ExpiredToken)")


@pytest.mark.parametrize(
    ("there", "words"),
    [("1.31", "one minor version at a time: ask '1.32', run `up`"), ("1.40", "no version back: ask 1.40")],
)
def test_a_version_that_eks_does_not_take_is_told(plan: AwsPlan, there: str, words: str) -> None:
    account = Account(allowed=100_000)
    account.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012"})
    account.stubs["eks"].add_response("describe_cluster", {"cluster": {"name": "aws-prod", "version": there}})
    account.stubs["fsx"].add_response("describe_file_systems", {"FileSystems": []})
    (problem,) = account.look(plan)
    assert problem.startswith(f"cluster.kubernetesVersion: the cluster is at {there}")
    assert words in problem


def lustre(**changes: Any) -> dict[str, Any]:
    """A file system of the stack, which is what the stack asks but for the changes."""
    own = {"DeploymentType": "PERSISTENT_2", "EfaEnabled": True, "MetadataConfiguration": {"Mode": "AUTOMATIC"}}
    return {
        "FileSystemId": "fs-0123456789abcdef0", "FileSystemType": "LUSTRE", "StorageType": "SSD",
        "StorageCapacity": 1200, "SubnetIds": ["subnet-0a1b2c3d"], "LustreConfiguration": own | changes.pop("own", {}),
        "Tags": [{"Key": "penstock:stack", "Value": "aws-prod"}],
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "zone", "words"),
    [
        ({"StorageCapacity": 999_600}, "us-east-2b", ["capacityTib: the file system that is there holds 999,600 GiB"]),
        ({"own": {"DeploymentType": "SCRATCH_2"}}, "us-east-2b", ["scratch: true", "SCRATCH_2, and PERSISTENT_2"]),
        ({"StorageType": "INTELLIGENT_TIERING"}, "us-east-2b", ["tiering", "this one's data goes"]),
        ({"own": {"EfaEnabled": False}}, "us-east-2b", ["fabric: false", "is TCP, and EFA is asked"]),
        ({}, "us-east-2c", ["zone: the file system that is there is us-east-2c, and us-east-2b is asked"]),
    ],
)
def test_a_file_system_that_would_be_made_anew_is_told(
    plan: AwsPlan, changes: dict[str, Any], zone: str, words: list[str]
) -> None:
    account = deployed(lustre(**changes), zone)
    (problem,) = account.look(plan)
    assert problem.startswith("storage.fileSystem.")
    assert all(word in problem for word in words), problem


@pytest.mark.parametrize(
    "changes", [{}, {"StorageCapacity": 1200}, {"Tags": [{"Key": "penstock:stack", "Value": "another"}]}]
)
def test_a_file_system_that_may_grow_is_no_problem(plan: AwsPlan, changes: dict[str, Any]) -> None:
    account = deployed(lustre(**changes), "us-east-2b" if "Tags" not in changes else "")
    account.rest(plan)
    assert account.look(plan) == []


def deployed(found: dict[str, Any], zone: str) -> Account:
    account = Account(allowed=1_000_000)
    account.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012"})
    account.stubs["eks"].add_client_error("describe_cluster", "ResourceNotFoundException")
    account.stubs["fsx"].add_response("describe_file_systems", {"FileSystems": [found]})
    if zone:
        account.stubs["ec2"].add_response("describe_subnets", {"Subnets": [{"AvailabilityZone": zone}]})
    return account


@pytest.mark.parametrize(
    ("guard", "path"),
    [({"allowedAccountIds": ("210987654321",)}, "allowed"), ({"forbiddenAccountIds": ("123456789012",)}, "forbidden")],
)
def test_another_account_is_told_and_asked_nothing_else(plan: AwsPlan, guard: dict[str, Any], path: str) -> None:
    account = Account(allowed=0)
    account.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012"})
    (problem,) = account.look(replace(plan, account=AwsAccountSpec(**guard)))
    assert problem.startswith(f"aws:{path}AccountIds: the credentials are of 123456789012")


def test_the_account_that_is_allowed_is_looked_at(plan: AwsPlan) -> None:
    account = Account(allowed=100_000)
    account.answers(plan, block())
    assert (
        account.look(replace(plan, account=AwsAccountSpec.model_validate({"allowedAccountIds": ("123456789012",)})))
        == []
    )


def test_a_profile_that_is_not_there_is_told(bare: Path) -> None:
    spec = read_file("aws-dev")
    asked = spec.model_copy(update={"account": AwsAccountSpec(profile="nobodys")})
    (problem,) = aws.preflight(plan_stack(asked, "aws-dev", NOW))
    assert (problem.path, "nobodys" in problem.message) == ("aws:profile", True)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without any AWS credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def test_without_credentials_nothing_is_asked(bare: Path) -> None:
    assert not credentials_at_hand()


def test_a_key_or_a_file_is_a_credential(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "AWS_CONFIG_FILE").touch()
    assert credentials_at_hand()
    (bare / "AWS_CONFIG_FILE").unlink()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    assert credentials_at_hand()


def test_another_endpoint_than_awss_is_not_asked(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert not credentials_at_hand()
