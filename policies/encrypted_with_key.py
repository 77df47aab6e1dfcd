"""What is kept is encrypted, with a key that the stack has a say over where AWS lets it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from policies.machines import LAUNCH_TEMPLATE
from policies.rule import Rule
from policies.values import UNKNOWN, at, entries, is_true


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Where a resource that keeps data does so in the clear, or under a key of AWS's."""
    if look := _KEEPERS.get(kind):
        yield from look(inputs)


def _disks(inputs: Mapping[str, Any]) -> Iterator[str]:
    for mapping in entries(inputs, "blockDeviceMappings"):
        disk = at(mapping, "ebs")
        if disk is not None and not is_true(at(disk, "encrypted")):
            yield f"the disk {at(mapping, 'deviceName')} is not encrypted"


def _volume(inputs: Mapping[str, Any]) -> Iterator[str]:
    if not is_true(at(inputs, "encrypted")):
        yield "the volume is not encrypted"


def _lustre(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Scratch file systems take no key: AWS encrypts them with its own (FSx for Lustre User Guide)."""
    if not str(at(inputs, "deploymentType")).startswith("SCRATCH") and not at(inputs, "kmsKeyId"):
        yield "the file system has no key of its own"


def _elastic(inputs: Mapping[str, Any]) -> Iterator[str]:
    if not is_true(at(inputs, "encrypted")):
        yield "the file system is not encrypted"
    elif not at(inputs, "kmsKeyId"):
        yield "the file system has no key of its own"


def _logs(inputs: Mapping[str, Any]) -> Iterator[str]:
    if not at(inputs, "kmsKeyId"):
        yield "the log group has no key of its own"


def _bucket(inputs: Mapping[str, Any]) -> Iterator[str]:
    for rule in entries(inputs, "rules"):
        how = at(rule, "applyServerSideEncryptionByDefault")
        algorithm = at(how, "sseAlgorithm")
        if algorithm is not UNKNOWN and (not str(algorithm).startswith("aws:kms") or not at(how, "kmsMasterKeyId")):
            yield "the bucket's objects have no key of its own"


def _cluster(inputs: Mapping[str, Any]) -> Iterator[str]:
    encryption = at(inputs, "encryptionConfig")
    if encryption is UNKNOWN:
        return
    if "secrets" not in entries(encryption, "resources") or not at(encryption, "provider", "keyArn"):
        yield "the cluster's secrets have no key of their own"


def _registry(inputs: Mapping[str, Any]) -> Iterator[str]:
    kinds = [at(each, "encryptionType") for each in entries(inputs, "encryptionConfigurations")]
    if at(inputs, "encryptionConfigurations") is not UNKNOWN and not any(
        kind is UNKNOWN or str(kind).startswith("KMS") for kind in kinds
    ):
        yield "the repository's images have no key of its own"


_KEEPERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    LAUNCH_TEMPLATE: _disks,
    "aws:ebs/volume:Volume": _volume,
    "aws:fsx/lustreFileSystem:LustreFileSystem": _lustre,
    "aws:efs/fileSystem:FileSystem": _elastic,
    "aws:cloudwatch/logGroup:LogGroup": _logs,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket,
    "aws:eks/cluster:Cluster": _cluster,
    "aws:ecr/repository:Repository": _registry,
}

RULE = Rule(
    name="encrypted-with-key",
    reason="a key of your own can be taken away from whoever gets hold of the data, and tells who used it",
    remedy="set encryption, and a key that this stack makes or names",
    level="mandatory",
    check=check,
)
