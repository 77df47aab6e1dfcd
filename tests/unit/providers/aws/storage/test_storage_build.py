"""Storage's resources, as the engine is asked for them."""

import json
from typing import Any

import pulumi
import pytest

from providers.aws.network.handle import NetworkHandle
from providers.aws.network.plan import plan_network
from providers.aws.storage.build import Storage
from providers.aws.storage.plan import plan_storage
from providers.aws.storage.types import StoragePlan
from providers.aws.types import AwsNodePoolPlan
from tests.unit.providers.aws.in_the_field import found_in
from tests.unit.providers.aws.mocks import Graph, Registration, register
from tests.unit.providers.aws.stacks import pool, stack

EFA = {"capacityTib": 48, "throughputMbpsPerTib": 500, "metadataIops": 12000}
ALL = {
    "fileSystem": {**EFA, "links": [{"path": "/data", "uri": "s3://example-training-data/tokens/"}]},
    "objectStore": {},
    "sharedFileSystem": {},
}
AWS = {"registry": {"repositories": ["pretrain"]}, "expressStore": {"zoneId": "use2-az2"}}
OUTPUTS = {
    "Key": {"arn": "arn:aws:kms:us-east-2:123456789012:key/0"},
    "LustreFileSystem": {"dnsName": "fs-1.fsx.us-east-2.amazonaws.com", "mountName": "abcdefgh"},
}
PAIRS = {("st-lustre-id", "st-lustre-id")} | {
    pair for client in ("sg-fabric", "sg-cluster") for pair in (("st-lustre-id", client), (client, "st-lustre-id"))
}


def planned(*pools: AwsNodePoolPlan, **keys: Any) -> StoragePlan:
    spec, settings = stack(**keys)
    nodes = pools or (pool(),)
    return plan_storage(spec, settings, nodes, plan_network(spec, settings, nodes), "aws-test")


def built(plan: StoragePlan, *, preview: bool = False) -> Graph:
    def program() -> Any:
        subnets = {f"nodes-us-east-2{zone}": pulumi.Output.from_input(f"subnet-{zone}") for zone in "abc"}
        network = NetworkHandle(
            vpc_id=pulumi.Output.from_input("vpc-1"), subnet_ids=subnets, gang_security_group_id=None
        )
        clients = {"fabric": "sg-fabric", "cluster": "sg-cluster"}
        handle = Storage("st", plan=plan, network=network, clients=clients).handle
        lustre = handle.file_system
        return {"mount": lustre.mount_name, "dns": lustre.dns_name} if lustre else {}

    return register(program, preview=preview, outputs=OUTPUTS)


@pytest.mark.parametrize("preview", [False, True])
def test_a_preview_asks_for_the_same_resources(preview: bool) -> None:
    graph = built(planned(storage=ALL, aws=AWS), preview=preview)
    expected = {
        "LustreFileSystem", "DataRepositoryAssociation", "FileSystem", "FileSystemPolicy", "MountTarget", "Bucket",
        "BucketPolicy", "DirectoryBucket", "Repository", "LifecyclePolicy", "PullThroughCacheRule", "Key",
    }  # fmt: skip
    assert {found.token.rpartition(":")[2] for found in graph.registrations} >= expected
    assert len(graph.registrations) == len(built(planned(storage=ALL, aws=AWS)).registrations)


def test_a_job_learns_how_to_mount_it() -> None:
    assert built(planned(storage=ALL)).result == {"mount": "abcdefgh", "dns": "fs-1.fsx.us-east-2.amazonaws.com"}


def test_every_resource_is_a_child_with_the_components_name() -> None:
    for found in built(planned(storage=ALL, aws=AWS)).registrations:
        assert found.name.startswith("st")
        assert found.parent or found.token == "penstock:aws:Storage"  # noqa: S105 (a type token)


def test_the_file_system_is_what_the_plan_says() -> None:
    system = built(planned(storage=ALL)).one("LustreFileSystem")
    asked = {
        "deploymentType": "PERSISTENT_2",
        "storageType": "SSD",
        "storageCapacity": 48_000,
        "perUnitStorageThroughput": 500,
        "efaEnabled": True,
        "metadataConfiguration": {"mode": "USER_PROVISIONED", "iops": 12_000},
        "subnetIds": "subnet-b",
        "securityGroupIds": ["st-lustre-id"],
        "kmsKeyId": "arn:aws:kms:us-east-2:123456789012:key/0",
        "skipFinalBackup": False,
    }
    assert asked.items() <= system.inputs.items()


def test_a_scratch_file_system_has_none_of_what_fsx_refuses_of_it() -> None:
    system = built(planned(storage={"fileSystem": {"capacityTib": 2.4, "scratch": True}})).one("LustreFileSystem")
    assert system.inputs["deploymentType"] == "SCRATCH_2"
    assert system.inputs["skipFinalBackup"] is True
    for name in ("perUnitStorageThroughput", "metadataConfiguration", "kmsKeyId", "efaEnabled", "finalBackupTags"):
        assert name not in system.inputs


def test_tiering_has_a_throughput_and_a_cache_instead_of_a_capacity() -> None:
    system = built(planned(storage={"fileSystem": {"tiering": {"throughputMbps": 4000}}})).one("LustreFileSystem")
    assert system.inputs["storageType"] == "INTELLIGENT_TIERING"
    assert system.inputs["throughputCapacity"] == 4000
    assert system.inputs["dataReadCacheConfiguration"] == {"sizingMode": "PROPORTIONAL_TO_THROUGHPUT_CAPACITY"}
    assert "storageCapacity" not in system.inputs


def rules(graph: Graph, kind: str) -> list[Registration]:
    return [rule for rule in graph.of(kind) if rule.name.startswith("st-lustre")]


@pytest.mark.parametrize("kind", ["SecurityGroupIngressRule", "SecurityGroupEgressRule"])
def test_over_efa_all_goes_both_ways_by_the_groups_ids(kind: str) -> None:
    found = rules(built(planned(storage=ALL)), kind)
    assert {(rule.inputs["securityGroupId"], rule.inputs["referencedSecurityGroupId"]) for rule in found} == PAIRS
    assert {rule.inputs["ipProtocol"] for rule in found} == {"-1"}


@pytest.mark.parametrize("kind", ["SecurityGroupIngressRule", "SecurityGroupEgressRule"])
def test_over_tcp_only_lustres_ports_are_open(kind: str) -> None:
    found = rules(built(planned(storage={"fileSystem": {"capacityTib": 1.2}})), kind)
    ports = {(rule.inputs["fromPort"], rule.inputs["toPort"]) for rule in found}
    assert ports == {(988, 988), (1018, 1023)}
    assert {(rule.inputs["securityGroupId"], rule.inputs["referencedSecurityGroupId"]) for rule in found} == PAIRS
    assert len(found) == 2 * len(PAIRS)


def test_the_file_system_waits_for_its_rules() -> None:
    """FSx refuses a file system with EFA whose group does not let itself through."""
    graph = built(planned(storage=ALL))
    names = {rule.name for kind in ("Ingress", "Egress") for rule in rules(graph, f"SecurityGroup{kind}Rule")}
    assert names <= set(graph.one("LustreFileSystem").depends_on)


def test_a_links_data_stays_for_the_final_backup() -> None:
    graph = built(planned(storage=ALL))
    link = graph.one("DataRepositoryAssociation")
    assert link.inputs["deleteDataInFilesystem"] is False
    assert link.inputs["s3"] == {"autoImportPolicy": {"events": ["NEW", "CHANGED", "DELETED"]}}
    assert "st-lustre" in link.depends_on


def test_the_shared_file_system_is_encrypted_elastic_and_over_tls_only() -> None:
    graph = built(planned(storage=ALL))
    system = graph.one("aws:efs/fileSystem:FileSystem").inputs
    assert {"encrypted": True, "throughputMode": "elastic"}.items() <= system.items()
    deny = [each for each in json.loads(graph.one("FileSystemPolicy").inputs["policy"])["Statement"]
            if each["Effect"] == "Deny"]  # fmt: skip
    assert deny[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {target.inputs["subnetId"] for target in graph.of("MountTarget")} == {"subnet-a", "subnet-b"}
    nfs = [rule.inputs for rule in graph.of("SecurityGroupIngressRule") if rule.name.startswith("st-shared")]
    assert {(rule["referencedSecurityGroupId"], rule["fromPort"]) for rule in nfs} == {
        ("sg-fabric", 2049), ("sg-cluster", 2049),
    }  # fmt: skip


def test_the_bucket_is_versioned_encrypted_private_and_cleaned() -> None:
    graph = built(planned(storage=ALL))
    assert graph.one("BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = graph.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"].endswith("key/0")
    assert rule["bucketKeyEnabled"] is True
    private = graph.one("BucketPublicAccessBlock").inputs
    assert all(private[name] for name in
               ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"))  # fmt: skip
    (cleaned,) = graph.one("BucketLifecycleConfiguration").inputs["rules"]
    assert cleaned["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    assert cleaned["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert "expiration" not in cleaned
    (deny,) = json.loads(graph.one("BucketPolicy").inputs["policy"])["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_an_express_bucket_bears_account_and_zone_in_its_name() -> None:
    graph = built(planned(aws=AWS))
    assert graph.one("DirectoryBucket").inputs["bucket"] == "aws-test-123456789012--use2-az2--x-s3"


OUTLIVING = {
    "FileSystem", "FileSystemPolicy", "Bucket", "BucketVersioning", "BucketServerSideEncryptionConfiguration",
    "BucketPublicAccessBlock", "BucketLifecycleConfiguration", "BucketPolicy", "DirectoryBucket", "Key",
}  # fmt: skip


def retained(graph: Graph) -> set[str]:
    return {found.token.rpartition(":")[2] for found in graph.registrations if found.retain_on_delete}


def test_what_is_kept_stays_with_its_key_and_its_protection() -> None:
    graph = built(planned(storage=ALL, aws=AWS))
    assert retained(graph) == OUTLIVING
    assert all(
        found.retain_on_delete
        for found in graph.registrations
        if found.token.rpartition(":")[2] in OUTLIVING and found.token.startswith("aws:")
    )
    assert not graph.one("aws:s3/bucket:Bucket").inputs.get("forceDestroy")


def test_nothing_in_the_network_is_kept() -> None:
    graph = built(planned(storage=ALL, aws=AWS))
    for kind in ("LustreFileSystem", "MountTarget", "SecurityGroup"):
        assert not any(found.retain_on_delete for found in graph.of(kind)), kind


def test_what_is_not_kept_goes_with_all_that_it_holds() -> None:
    storage = {
        "fileSystem": {**EFA, "onDestroy": "delete"},
        "objectStore": {"onDestroy": "delete"},
        "sharedFileSystem": {"onDestroy": "delete"},
    }
    graph = built(planned(storage=storage, aws=AWS))
    assert retained(graph) == set()
    assert graph.one("aws:s3/bucket:Bucket").inputs["forceDestroy"] is True
    assert graph.one("LustreFileSystem").inputs["skipFinalBackup"] is True


def test_a_final_backup_alone_keeps_the_key() -> None:
    assert retained(built(planned(storage={"fileSystem": EFA}))) == {"Key"}


def test_images_are_immutable_scanned_encrypted_and_few() -> None:
    graph = built(planned(aws=AWS))
    repository = graph.one("Repository").inputs
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"][0]["encryptionType"] == "KMS"
    kept = json.loads(graph.one("LifecyclePolicy").inputs["policy"])["rules"]
    assert kept[1]["selection"]["countNumber"] == 20
    mirrors = {found.inputs["upstreamRegistryUrl"] for found in graph.of("PullThroughCacheRule")}
    assert mirrors == {"public.ecr.aws", "registry.k8s.io", "quay.io"}


def test_nothing_stored_makes_no_key() -> None:
    assert [found.token for found in built(planned()).registrations] == ["penstock:aws:Storage"]


def test_a_last_backup_and_a_link_are_waited_for_longer_than_the_provider_does() -> None:
    graph = built(planned(storage=ALL, aws=AWS))
    assert graph.one("LustreFileSystem").inputs["skipFinalBackup"] is False
    assert found_in(graph, "patience", "places") == []
