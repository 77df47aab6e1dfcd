"""A simulated account as a Terraform configuration."""
# ruff: noqa: S106 -- a token is the type of a resource

from typing import Any

from bench.terraform import translation
from rehearsal.cloud.account import Object

BLOCK: dict[str, Any] = {
    "attributes": {
        "cidr_block": {"type": "string", "optional": True},
        "arn": {"type": "string", "computed": True},
        "security_group_ids": {"type": ["set", "string"], "optional": True},
    },
    "block_types": {"timeout": {"block": {"attributes": {"create": {"type": "string", "optional": True}}}}},
}
SCHEMAS = {"aws_vpc": {"block": BLOCK}, "aws_s3_bucket": {"block": BLOCK}}


def test_arguments_take_terraforms_names_and_what_has_no_place_is_counted() -> None:
    inputs = {"cidrBlock": "10.0.0.0/16", "arn": "computed", "securityGroupId": ["sg-1"], "novel": 1, "region": "r"}
    vpc = Object(
        token="aws:ec2/vpc:Vpc", id="vpc-1", called="net.a", region="r", outputs={},
        inputs={**inputs, "timeouts": {"create": "5m"}},
    )  # fmt: skip
    bucket = Object(token="aws:s3/bucket:Bucket", id="b", called="data", region="r", outputs={}, inputs={})
    novel = Object(token="aws:novel/thing:Thing", id="t", called="thing", region="r", outputs={}, inputs={})
    done = translation([vpc, bucket, novel], SCHEMAS)
    assert done.arguments == {
        "aws_vpc": {"net_a_0": {"cidr_block": "10.0.0.0/16", "timeout": [{"create": "5m"}]}},
        "aws_s3_bucket": {"data_0": {}},
    }
    assert done.count == 2
    assert done.left_out == ["aws:novel/thing:Thing thing: no such type"]
    assert done.lost == ["aws_vpc securityGroupId", "aws_vpc novel"]
