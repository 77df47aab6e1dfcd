"""Answers of an account that somebody uses for the first time: each cause is told with what helps against it, and an
account that answers as it then does is not refused.
"""

from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from providers import aws
from providers.aws.plan import AwsPlan
from providers.aws.preflight import look
from stacks.config import read_file
from tests.clock import NOW
from tests.unit.providers.aws.test_preflight import Account, block

Answer = tuple[str, str, Exception, str, list[str]]
"""Description, operation that is answered so, the answer, path and words of the problem."""


def refused(operation: str, code: str, words: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": words}}, operation)


WHO = "get_caller_identity"
URL = "https://sts.us-east-2.amazonaws.com/"
ANSWERS: list[Answer] = [
    (
        "a clock that is 45 minutes behind",
        WHO,
        refused("GetCallerIdentity", "SignatureDoesNotMatch", "Signature expired: 20261201T100000Z is now earlier"),
        "cluster.cloud",
        ["do not work", "they may be right: set the clock of this machine"],
    ),
    (
        "a clock that is ahead",
        WHO,
        refused("GetCallerIdentity", "SignatureDoesNotMatch", "Signature not yet current: 20261201T120000Z is later"),
        "cluster.cloud",
        ["set the clock of this machine"],
    ),
    (
        "a key that was deleted, or a region that is not enabled",
        WHO,
        refused("GetCallerIdentity", "InvalidClientTokenId", "The security token included in the request is invalid"),
        "cluster.cloud",
        ["renew them, or enable us-east-2 in the account if it is a region that has to be"],
    ),
    (
        "a session of single sign-on that ended over night",
        WHO,
        exceptions.UnauthorizedSSOTokenError(),
        "cluster.cloud",
        ["run `aws sso login` for their profile"],
    ),
    (
        "single sign-on that never began",
        WHO,
        exceptions.SSOTokenLoadError(profile_name="ops", error_msg="Token for https://ops does not exist"),
        "cluster.cloud",
        ["run `aws sso login` for their profile"],
    ),
    (
        "files with other profiles alone",
        WHO,
        exceptions.NoCredentialsError(),
        "cluster.cloud",
        ["have none by default: name a profile (aws:profile in the stack file, or AWS_PROFILE)"],
    ),
    (
        "a proxy that is in the way",
        WHO,
        exceptions.ProxyConnectionError(proxy_url="http://proxy:8080"),
        "cluster.cloud",
        ["AWS cannot be asked", "they may be right: look at network, proxy (HTTPS_PROXY)"],
    ),
    (
        "no network",
        WHO,
        exceptions.EndpointConnectionError(endpoint_url=URL, error="no route"),
        "cluster.cloud",
        ["AWS cannot be asked", "look at network"],
    ),
    (
        "a policy of the organization",
        "describe_cluster",
        refused(
            "DescribeCluster",
            "AccessDeniedException",
            "not authorized with an explicit deny in a service control policy",
        ),
        "cluster.kubernetesVersion",
        ["a policy of the organization denies it, whatever the account allows: ask whoever holds it"],
    ),
    (
        "a boundary of the role",
        "describe_cluster",
        refused("DescribeCluster", "AccessDeniedException", "because no permissions boundary allows the action"),
        "cluster.kubernetesVersion",
        ["let the boundary of their role or user have eks:DescribeCluster"],
    ),
    (
        "a region that the account has not enabled",
        "describe_cluster",
        refused("DescribeCluster", "UnrecognizedClientException", "The security token included is invalid"),
        "cluster.kubernetesVersion",
        ["enable the region in the account (`aws account list-regions` shows those that are)"],
    ),
    (
        "credentials that end in between",
        "describe_cluster",
        refused("DescribeCluster", "ExpiredTokenException", "The security token included in the request is expired"),
        "cluster.kubernetesVersion",
        ["renew the credentials"],
    ),
]
SERVICES = {WHO: "sts", "describe_cluster": "eks"}


@pytest.fixture(scope="module")
def plan() -> AwsPlan:
    return aws.plan(read_file("aws-prod"), "aws-prod", NOW)


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer[0] for answer in ANSWERS])
def test_an_answer_is_told_with_what_helps_and_a_right_one_is_none(plan: AwsPlan, answer: Answer) -> None:
    _, operation, error, path, words = answer
    account = Account(allowed=1_000_000)
    account.answers(plan, block())

    def refuse(**_asked: Any) -> None:
        raise error

    setattr(account.clients[SERVICES[operation]], operation, refuse)
    told = look(plan, account.clients.__getitem__)
    assert [one.path for one in told] == [path], told
    assert all(word in told[0].message for word in words), told
    again = Account(allowed=1_000_000)
    again.answers(plan, block())
    assert again.look(plan) == []
