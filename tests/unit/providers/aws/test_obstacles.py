"""Obstacles in an account in the way of an `up`: each is told with what helps, and is none once that was done."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from providers import aws
from providers.aws.control_plane.eks.builds import nearest
from providers.aws.plan import AwsPlan
from stacks.config import read_file
from tests.clock import NOW
from tests.unit.providers.aws.test_preflight import Account, block

GROUP = "/aws/eks/aws-prod/cluster"
KEY = "arn:aws:kms:us-east-2:123456789012:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"
ROLE = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
USE = {"Effect": "Allow", "Principal": {"AWS": [ROLE]}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}
GRANT = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:CreateGrant"}
ALL = ["Decrypt", "Encrypt", "GenerateDataKeyWithoutPlaintext", "CreateGrant"]


def key(
    statements: list[dict[str, Any]], operations: list[str] | None = None, *, managed_by: str = "CUSTOMER"
) -> Callable[[Account], None]:
    """Answers about the default key: its policy, and a grant to Auto Scaling's role with these operations."""

    def answer(account: Account) -> None:
        kms = account.stubs["kms"]
        meta = {"KeyId": KEY.rpartition("/")[2], "Arn": KEY, "KeyManager": managed_by}
        kms.add_response("describe_key", {"KeyMetadata": meta}, {"KeyId": KEY})
        kms.add_response("get_key_policy", {"Policy": json.dumps({"Statement": statements})})
        grants = [{"GranteePrincipal": ROLE, "Operations": operations}] if operations else []
        kms.add_response("list_grants", {"Grants": grants})

    return answer


def nothing(_account: Account) -> None:
    pass


Case = tuple[str, dict[str, Any], Callable[[Account], None], str, list[str], dict[str, Any], Callable[[Account], None]]
"""Description, what the account has, path and words of the problem, and what it has once the words were followed."""
CASES: list[Case] = [
    (
        "a log group that EKS made anew after a destroy", {"groups": [GROUP]}, nothing, "cluster",
        [f"log group {GROUP} is there", f"aws logs delete-log-group --region us-east-2 --log-group-name {GROUP}`"],
        {"groups": [f"{GROUP}-of-another"]}, nothing,
    ),
    (
        "a customer's key of disks that only the account may use", {"disk_key": KEY}, key([ROOT]),
        "cluster.nodePools", [f"encrypted by default with {KEY}", f"--grantee-principal {ROLE} --operations Decrypt"],
        {"disk_key": KEY}, key([ROOT], ALL),
    ),
    (
        "a key that is to be used and not granted on", {"disk_key": KEY}, key([ROOT, USE]),
        "cluster.nodePools", ["Auto Scaling may not use"], {"disk_key": KEY}, key([ROOT, USE, GRANT]),
    ),
    (
        "a grant without the right to grant on", {"disk_key": KEY}, key([ROOT], ALL[:3]),
        "cluster.nodePools", ["or make alias/aws/ebs the default"], {}, nothing,
    ),
    (
        "a build that EKS no longer has",
        {"builds": {"vpc-cni": ["v1.23.0-eksbuild.1", "v1.22.10-eksbuild.1"]}}, nothing,
        "aws.controlPlane.addOnVersions.vpc-cni",
        ["EKS has no v1.22.4-eksbuild.3 of vpc-cni for Kubernetes 1.35",
         "addOnVersions: {vpc-cni: v1.22.10-eksbuild.1}"],
        {}, nothing,
    ),
    (
        "an add-on that EKS does not have for the version", {"builds": {"coredns": []}}, nothing,
        "aws.controlPlane.addOnVersions.coredns", ["nor any other; take another cluster.kubernetesVersion"],
        {}, nothing,
    ),
    (
        "data in a bucket that is nobody's", {"bucket": "404"}, nothing, "storage.fileSystem.links.0.uri",
        ["there is no bucket example-training-data; name one that holds the data"], {}, nothing,
    ),
    (
        "data in a bucket of somebody else", {"bucket": "403"}, nothing, "storage.fileSystem.links.0.uri",
        ["(in eu-west-1) is there, and these credentials may not use it", "allow s3:ListBucket to them"], {}, nothing,
    ),
    (
        "data in a bucket of another region", {"bucket": "301"}, nothing, "storage.fileSystem.links.0.uri",
        ["is in eu-west-1, and FSx imports changes within one region alone, here us-east-2", "set importOn: []"],
        {}, nothing,
    ),
    (
        "data in a bucket of another region, which answers", {"bucket": {"BucketRegion": "eu-west-1"}}, nothing,
        "storage.fileSystem.links.0.uri", ["or name a bucket of this region"], {}, nothing,
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def plan() -> AwsPlan:
    return aws.plan(read_file("aws-prod"), "aws-prod", NOW)


def account_with(plan: AwsPlan, has: dict[str, Any], more: Callable[[Account], None]) -> Account:
    account = Account(allowed=1_000_000, **has)
    account.answers(plan, block())
    more(account)
    return account


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_an_obstacle_is_told_and_is_none_once_the_words_were_followed(plan: AwsPlan, case: Case) -> None:
    _, has, more, path, words, followed, then = case
    (problem,) = account_with(plan, has, more).look(plan)
    assert problem.startswith(f"{path}: "), problem
    assert all(word in problem for word in words), problem
    assert account_with(plan, followed, then).look(plan) == []


def test_a_link_that_imports_nothing_may_lead_to_another_region(plan: AwsPlan) -> None:
    lustre = plan.storage.file_system
    assert lustre is not None
    links = tuple(replace(link, import_on=()) for link in lustre.links)
    exporting = replace(plan, storage=replace(plan.storage, file_system=replace(lustre, links=links)))
    assert account_with(plan, {"bucket": {"BucketRegion": "eu-west-1"}}, nothing).look(exporting) == []


def test_a_key_of_aws_under_its_own_name_is_no_problem(plan: AwsPlan) -> None:
    assert account_with(plan, {"disk_key": KEY}, key([ROOT], managed_by="AWS")).look(plan) == []


def test_a_group_of_a_cluster_that_stands_is_no_problem(plan: AwsPlan) -> None:
    account = Account(allowed=1_000_000, groups=[GROUP])
    account.stubs["sts"].add_response("get_caller_identity", {"Account": "123456789012"})
    account.stubs["eks"].add_response("describe_cluster", {"cluster": {"name": "aws-prod", "version": "1.35"}})
    account.stubs["fsx"].add_response("describe_file_systems", {"FileSystems": []})
    account.rest(plan, block())
    assert not [problem for problem in account.look(plan) if GROUP in problem]


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["v1.22.9-eksbuild.1", "v1.22.10-eksbuild.1", "v1.23.1-eksbuild.1"], "v1.22.10-eksbuild.1"),
        (["v1.21.9-eksbuild.1", "v1.23.1-eksbuild.2"], "v1.23.1-eksbuild.2"),
    ],
)
def test_the_nearest_build_is_of_the_same_minor_version(there: list[str], taken: str) -> None:
    assert nearest("v1.22.4-eksbuild.3", there) == taken
