"""FSx, EFS, S3 and ECR in the simulated account: the requests, who judged them, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.rules import Treatment
from rehearsal.providers.aws.rules import RULES

REGION = "us-east-2"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
LINK = "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation"
SUBNET = "aws:ec2/subnet:Subnet"
EFS = "aws:efs/fileSystem:FileSystem"
TARGET = "aws:efs/mountTarget:MountTarget"
BUCKET = "aws:s3/bucket:Bucket"
DIRECTORY = "aws:s3/directoryBucket:DirectoryBucket"
REPOSITORY = "aws:ecr/repository:Repository"
DIRECTORY_NAME = "penstock-123456789012--use2-az2--x-s3"


@pytest.fixture(scope="module")
def account() -> Iterator[SimulatedCloud]:
    """One for all tests: moto and the service models take seconds to load."""
    made = SimulatedCloud(RULES)
    yield made
    made.close()


@pytest.fixture(scope="module")
def subnet(account: SimulatedCloud) -> str:
    vpc = make(account, "aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    inputs = {"vpcId": vpc, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-east-2b"}
    return make(account, SUBNET, **inputs)


@pytest.fixture
def cloud(account: SimulatedCloud) -> Iterator[SimulatedCloud]:
    """The account with its counts at nothing; what a test leaves goes."""
    account.requests.counts.clear()
    yield account
    for thing in reversed(account.account.objects()):
        if thing.token not in ("aws:ec2/vpc:Vpc", SUBNET):
            account.delete(thing.token, thing.id, "test")


def make(cloud: SimulatedCloud, token: str, **inputs: Any) -> str:
    return cloud.create(token, "test", inputs, region=REGION).id


def requested(cloud: SimulatedCloud, treatment: Treatment) -> set[str]:
    return {operation for _, operation, judge in cloud.requests.counts if judge is treatment}


def lustre(subnet: str, **changes: Any) -> dict[str, Any]:
    return {
        "deploymentType": "PERSISTENT_2",
        "storageType": "SSD",
        "storageCapacity": 48_000,
        "perUnitStorageThroughput": 500,
        "efaEnabled": True,
        "metadataConfiguration": {"mode": "USER_PROVISIONED", "iops": 12_000},
        "fileSystemTypeVersion": "2.15",
        "dataCompressionType": "LZ4",
        "subnetIds": subnet,
        "skipFinalBackup": False,
        "finalBackupTags": {"Name": "final"},
        "tags": {"Name": "fsx"},
        **changes,
    }


def test_a_file_system_is_executed_by_moto_and_filled_in(cloud: SimulatedCloud, subnet: str) -> None:
    before_min = cloud.clock.now_min
    system = cloud.create(LUSTRE, "fsx", lustre(subnet), region=REGION)
    assert cloud.clock.now_min - before_min >= 10
    assert system.outputs["dnsName"] == f"{system.id}.fsx.us-east-2.amazonaws.com"
    assert system.outputs["mountName"]
    assert system.outputs["networkInterfaceIds"]
    assert system.outputs["vpcId"].startswith("vpc-")
    assert "CreateFileSystem" in requested(cloud, Treatment.EXECUTED)
    cloud.delete(LUSTRE, system.id, "fsx")
    assert not [thing for thing in cloud.account.objects() if thing.token == LUSTRE]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"deploymentType": "PERSISTENT_3"}, "PERSISTENT_3"),
        ({"storageType": "SDD"}, "SDD"),
        ({"metadataConfiguration": {"mode": "AUTOMATED"}}, "AUTOMATED"),
        ({"dataCompressionType": "ZSTD"}, "ZSTD"),
        ({"throughputCapacity": 3_000}, "ThroughputCapacity"),
        ({"storageSpeed": "fast"}, "StorageSpeed"),
        ({"backupId": "backup-0123456789abcdef0"}, "backupId"),
        ({"subnetIds": "subnet-00000000000000000"}, "subnet-00000000000000000"),
    ],
)
def test_refuses_a_file_system(cloud: SimulatedCloud, subnet: str, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(CloudApiError, match=named):
        make(cloud, LUSTRE, **lustre(subnet, **changes))


def test_a_file_systems_subnet_cannot_go_before_it(cloud: SimulatedCloud, subnet: str) -> None:
    system = make(cloud, LUSTRE, **lustre(subnet))
    with pytest.raises(CloudApiError, match=system):
        cloud.delete(SUBNET, subnet, "test")


def test_a_file_system_has_an_interface_for_each_server_in_its_subnet(cloud: SimulatedCloud, subnet: str) -> None:
    (interface,) = cloud.create(LUSTRE, "fsx", lustre(subnet), region=REGION).side_effects
    assert interface.what == "network interface"
    assert interface.blocks_deletion_of == [f"{SUBNET}|{subnet}"]
    assert interface.count == 21


def test_a_tiering_file_system_has_its_cache_in_the_apis_words(cloud: SimulatedCloud, subnet: str) -> None:
    cache = {"sizingMode": "USER_PROVISIONED", "size": 64}
    asked = lustre(
        subnet, storageType="INTELLIGENT_TIERING", throughputCapacity=4_000, dataReadCacheConfiguration=cache
    )
    for name in ("storageCapacity", "perUnitStorageThroughput"):
        del asked[name]
    cloud.foresee(LUSTRE, asked, region=REGION)
    with pytest.raises(CloudApiError, match="SizeGiB"):
        cloud.foresee(LUSTRE, asked | {"dataReadCacheConfiguration": cache | {"size": "large"}}, region=REGION)


def test_a_larger_file_system_is_an_update_and_another_subnet_is_not(cloud: SimulatedCloud, subnet: str) -> None:
    before = lustre(subnet)
    system = make(cloud, LUSTRE, **before)
    after = before | {"storageCapacity": 57_600}
    assert cloud.difference(LUSTRE, system, before, after).replacing == ()
    cloud.update(LUSTRE, system, "fsx", before, after, region=REGION)
    assert "UpdateFileSystem" in requested(cloud, Treatment.KEPT)
    moved = before | {"subnetIds": "subnet-00000000000000000"}
    assert cloud.difference(LUSTRE, system, before, moved).replacing == ("subnetIds",)


def test_a_link_is_judged_by_the_model_and_goes_before_its_file_system(cloud: SimulatedCloud, subnet: str) -> None:
    system = make(cloud, LUSTRE, **lustre(subnet))
    inputs = {
        "fileSystemId": system,
        "fileSystemPath": "/data",
        "dataRepositoryPath": "s3://example-training-data/tokens/",
        "batchImportMetaDataOnCreate": True,
        "deleteDataInFilesystem": False,
        "s3": {"autoImportPolicy": {"events": ["NEW", "CHANGED"]}},
    }
    link = make(cloud, LINK, **inputs)
    assert link.startswith("dra-")
    with pytest.raises(CloudApiError):
        cloud.delete(LUSTRE, system, "fsx")
    cloud.delete(LINK, link, "link")
    cloud.delete(LUSTRE, system, "fsx")
    assert {"CreateDataRepositoryAssociation", "DeleteDataRepositoryAssociation"} <= requested(cloud, Treatment.KEPT)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"s3": {"autoImportPolicy": {"events": ["MODIFIED"]}}}, "MODIFIED"),
        ({"dataRepositoryPath": "/"}, "DataRepositoryPath|pattern|length"),
        ({"fileSystemId": "fs-00000000000000000"}, "fs-00000000000000000"),
    ],
)
def test_refuses_a_link(cloud: SimulatedCloud, subnet: str, change: dict[str, Any], named: str) -> None:
    system = make(cloud, LUSTRE, **lustre(subnet))
    inputs = {"fileSystemId": system, "fileSystemPath": "/data", "dataRepositoryPath": "s3://example-bucket/"}
    with pytest.raises(CloudApiError, match=named):
        make(cloud, LINK, **{**inputs, **change})


def test_a_mount_target_holds_its_subnet(cloud: SimulatedCloud, subnet: str) -> None:
    system = make(cloud, EFS, encrypted=True, throughputMode="elastic", tags={"Name": "shared"})
    target = cloud.create(TARGET, "t", {"fileSystemId": system, "subnetId": subnet}, region=REGION)
    assert target.outputs["networkInterfaceId"].startswith("eni-")
    assert target.outputs["availabilityZoneName"] == "us-east-2b"
    with pytest.raises(CloudApiError):
        cloud.delete(SUBNET, subnet, "test")
    cloud.delete(TARGET, target.id, "t")
    cloud.delete(EFS, system, "shared")
    assert {"CreateFileSystem", "CreateMountTarget", "DeleteMountTarget"} <= requested(cloud, Treatment.EXECUTED)


def test_refuses_an_unknown_throughput_mode(cloud: SimulatedCloud) -> None:
    with pytest.raises(CloudApiError, match="boundless"):
        make(cloud, EFS, throughputMode="boundless")


def test_a_file_system_policy_is_put_and_taken_back(cloud: SimulatedCloud) -> None:
    system = make(cloud, EFS, encrypted=True)
    token = "aws:efs/fileSystemPolicy:FileSystemPolicy"  # noqa: S105 (a resource type)
    policy = make(cloud, token, fileSystemId=system, policy='{"Version": "2012-10-17", "Statement": []}')
    cloud.delete(token, policy, "policy")
    assert {"PutFileSystemPolicy", "DeleteFileSystemPolicy"} <= requested(cloud, Treatment.KEPT)


def bucket_settings(bucket: str) -> dict[str, dict[str, Any]]:
    default = {"sseAlgorithm": "aws:kms"}
    return {
        "BucketVersioning": {"bucket": bucket, "versioningConfiguration": {"status": "Enabled"}},
        "BucketServerSideEncryptionConfiguration": {
            "bucket": bucket,
            "rules": [{"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}],
        },
        "BucketPublicAccessBlock": {"bucket": bucket, "blockPublicAcls": True, "restrictPublicBuckets": True},
        "BucketLifecycleConfiguration": {
            "bucket": bucket,
            "rules": [
                {
                    "id": "penstock",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                }
            ],
        },
        "BucketPolicy": {"bucket": bucket, "policy": '{"Version": "2012-10-17", "Statement": []}'},
    }


def token_of(name: str) -> str:
    return f"aws:s3/{name[0].lower()}{name[1:]}:{name}"


def test_every_setting_of_a_bucket_is_executed_by_moto(cloud: SimulatedCloud) -> None:
    bucket = cloud.create(BUCKET, "b", {"bucket": "penstock-test", "tags": {"Name": "b"}}, region=REGION)
    assert bucket.outputs["arn"] == "arn:aws:s3:::penstock-test"
    for name, inputs in bucket_settings(bucket.id).items():
        cloud.create(token_of(name), "b", inputs, region=REGION)
    for name in bucket_settings(bucket.id):
        cloud.delete(token_of(name), bucket.id, "b")
    cloud.delete(BUCKET, bucket.id, "b")
    assert not cloud.account.find(BUCKET, bucket.id)
    assert not requested(cloud, Treatment.KEPT)
    assert {"PutBucketVersioning", "PutBucketEncryption", "PutPublicAccessBlock"} <= requested(
        cloud, Treatment.EXECUTED
    )


def test_moto_holds_what_the_settings_say(cloud: SimulatedCloud) -> None:
    bucket = make(cloud, BUCKET, bucket="penstock-test")
    for name, inputs in bucket_settings(bucket).items():
        cloud.create(token_of(name), "b", inputs, region=REGION)
    execute = cloud.oracle.execute
    assert execute("s3", "GetBucketVersioning", REGION, {"Bucket": bucket})["Status"] == "Enabled"
    (rule,) = execute("s3", "GetBucketLifecycleConfiguration", REGION, {"Bucket": bucket})["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    public = execute("s3", "GetPublicAccessBlock", REGION, {"Bucket": bucket})["PublicAccessBlockConfiguration"]
    assert public["BlockPublicAcls"] is True


def test_a_bucket_with_objects_goes_only_with_them(cloud: SimulatedCloud) -> None:
    for name, force in (("penstock-kept", False), ("penstock-forced", True)):
        make(cloud, BUCKET, bucket=name, forceDestroy=force)
        cloud.oracle.execute("s3", "PutObject", REGION, {"Bucket": name, "Key": "checkpoint"})
    with pytest.raises(CloudApiError, match="BucketNotEmpty"):
        cloud.delete(BUCKET, "penstock-kept", "b")
    cloud.delete(BUCKET, "penstock-forced", "b")
    cloud.oracle.execute("s3", "DeleteObject", REGION, {"Bucket": "penstock-kept", "Key": "checkpoint"})


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("BucketVersioning", {"versioningConfiguration": {"status": "On"}}, "On"),
        ("BucketPublicAccessBlock", {"blockEverything": True}, "BlockEverything"),
        ("BucketLifecycleConfiguration", {"rules": [{"id": "x", "status": "Maybe"}]}, "Maybe"),
    ],
)
def test_refuses_a_setting(cloud: SimulatedCloud, name: str, change: dict[str, Any], named: str) -> None:
    bucket = make(cloud, BUCKET, bucket="penstock-test")
    with pytest.raises(CloudApiError, match=named):
        make(cloud, token_of(name), **{**bucket_settings(bucket)[name], **change})


def test_refuses_a_setting_of_a_bucket_that_is_not_there(cloud: SimulatedCloud) -> None:
    with pytest.raises(CloudApiError, match="NoSuchBucket"):
        make(cloud, token_of("BucketVersioning"), **bucket_settings("penstock-none")["BucketVersioning"])


def test_refuses_what_a_bucket_once_had_inline(cloud: SimulatedCloud) -> None:
    with pytest.raises(CloudApiError, match="versioning"):
        make(cloud, BUCKET, bucket="penstock-test", versioning={"enabled": True})


def test_a_directory_bucket_and_its_encryption_are_judged_by_the_model(cloud: SimulatedCloud) -> None:
    inputs = {"bucket": DIRECTORY_NAME, "location": {"name": "use2-az2", "type": "AvailabilityZone"}}
    made = cloud.create(DIRECTORY, "x", inputs, region=REGION)
    encryption = bucket_settings(made.id)["BucketServerSideEncryptionConfiguration"]
    cloud.create(token_of("BucketServerSideEncryptionConfiguration"), "x", encryption, region=REGION)
    assert requested(cloud, Treatment.KEPT) == {"CreateBucket", "PutBucketEncryption"}
    with pytest.raises(CloudApiError, match="LocalSubnet"):
        make(cloud, DIRECTORY, **{**inputs, "location": {"name": "use2-az2", "type": "LocalSubnet"}})


def test_a_repository_with_its_lifecycle_and_a_mirror(cloud: SimulatedCloud) -> None:
    inputs = {
        "name": "aws-test/pretrain",
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [{"encryptionType": "KMS"}],
        "forceDelete": True,
        "tags": {"Name": "aws-test/pretrain"},
    }
    repository = cloud.create(REPOSITORY, "r", inputs, region=REGION)
    assert repository.outputs["repositoryUrl"] == "123456789012.dkr.ecr.us-east-2.amazonaws.com/aws-test/pretrain"
    policy = {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 20},
                "action": {"type": "expire"},
            }
        ]
    }
    make(cloud, "aws:ecr/lifecyclePolicy:LifecyclePolicy", repository=repository.id, policy=json.dumps(policy))
    mirror = {"ecrRepositoryPrefix": "aws-test/quay", "upstreamRegistryUrl": "quay.io"}
    make(cloud, "aws:ecr/pullThroughCacheRule:PullThroughCacheRule", **mirror)
    assert requested(cloud, Treatment.KEPT) == {"CreatePullThroughCacheRule"}
    (held,) = cloud.oracle.execute("ecr", "DescribeRepositories", REGION, {})["repositories"]
    assert held["imageTagMutability"] == "IMMUTABLE"
    assert held["encryptionConfiguration"]["encryptionType"] == "KMS"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"imageTagMutability": "FIXED"}, "FIXED"),
        ({"name": "Upper/Case"}, "repositoryName"),
        ({"encryptionConfigurations": [{"encryptionType": "ROT13"}]}, "ROT13"),
    ],
)
def test_refuses_a_repository(cloud: SimulatedCloud, change: dict[str, Any], named: str) -> None:
    with pytest.raises(CloudApiError, match=named):
        make(cloud, REPOSITORY, **{"name": "aws-test/pretrain", **change})


def test_refuses_a_mirror_whose_prefix_is_too_long(cloud: SimulatedCloud) -> None:
    prefix = "a-stack-with-a-long-name/kubernetes"
    with pytest.raises(CloudApiError, match="30"):
        make(
            cloud, "aws:ecr/pullThroughCacheRule:PullThroughCacheRule", ecrRepositoryPrefix=prefix,
            upstreamRegistryUrl="registry.k8s.io",
        )  # fmt: skip


def test_a_preview_judges_and_executes_nothing(cloud: SimulatedCloud, subnet: str) -> None:
    foreseen = cloud.foresee(LUSTRE, lustre(subnet), region=REGION)
    cloud.foresee(BUCKET, {"bucket": "penstock-test"}, region=REGION)
    cloud.foresee(EFS, {"encrypted": True}, region=REGION)
    cloud.foresee(REPOSITORY, {"name": "aws-test/pretrain"}, region=REGION)
    assert foreseen["storageCapacity"] == 48_000
    assert {judge for _, _, judge in cloud.requests.counts} == {Treatment.PREVIEWED}
    assert not cloud.account.find(BUCKET, "penstock-test")
    with pytest.raises(CloudApiError, match="PERSISTENT_3"):
        cloud.foresee(LUSTRE, lustre(subnet, deploymentType="PERSISTENT_3"), region=REGION)
