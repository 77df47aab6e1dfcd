"""botocore's models as judges: what they refuse, and what a preview does not know yet."""

from typing import Any

import pytest

from engine.provider.values import Unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.aws.oracles import ServiceModels, checked

MODELS = ServiceModels()


def judge(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    return checked(MODELS.operation(service, operation), parameters)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "message"),
    [
        ("ec2", "CreateSubnet", {}, 'Missing required parameter in input: "VpcId"'),
        ("ec2", "CreateSubnet", {"VpcId": "vpc-1", "Cidr": "x"}, 'Unknown parameter in input: "Cidr"'),
        ("ec2", "CreateSubnet", {"VpcId": 1}, "Invalid type for parameter VpcId"),
        ("ec2", "CreatePlacementGroup", {"Strategy": "cluter"}, "Strategy: 'cluter' is not one of cluster, "),
        (
            "ec2",
            "CreateLaunchTemplate",
            {"LaunchTemplateName": "train", "LaunchTemplateData": {"InstanceType": "p5.48xlarg"}},
            "LaunchTemplateData.InstanceType: 'p5.48xlarg' is not one of ",
        ),
        ("eks", "CreateAddon", {"clusterName": "-", "addonName": "a"}, "clusterName: '-' does not satisfy the pattern"),
        (
            "iam",
            "CreateRole",
            {"RoleName": "r" * 65, "AssumeRolePolicyDocument": "{}"},
            "65 characters is more than 64",
        ),
    ],
)
def test_refused(service: str, operation: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(CloudApiError) as refusal:
        judge(service, operation, **parameters)
    assert message in str(refusal.value)
    assert str(refusal.value).startswith(f"{service}:{operation}: ValidationError: ")


def test_all_mistakes_of_a_request_at_once() -> None:
    with pytest.raises(CloudApiError) as refusal:
        judge("ec2", "CreatePlacementGroup", Strategy="cluter", Size=1)
    assert "Size" in str(refusal.value)
    assert "cluter" in str(refusal.value)


def test_what_is_none_is_left_out_at_every_depth() -> None:
    asked = {
        "LaunchTemplateName": "train",
        "LaunchTemplateData": {"ImageId": None, "NetworkInterfaces": [{"Groups": None}]},
    }
    request = judge("ec2", "CreateLaunchTemplate", **asked)
    assert request == {"LaunchTemplateName": "train", "LaunchTemplateData": {"NetworkInterfaces": [{}]}}


def test_what_is_unknown_is_right_in_every_place() -> None:
    unknown: Any = Unknown()
    judge("ec2", "CreateSubnet", VpcId=unknown, CidrBlock=unknown, TagSpecifications=unknown)
    judge("eks", "CreateAddon", clusterName=f"{unknown}-eks", addonName="vpc-cni")
    with pytest.raises(CloudApiError, match="addonNam"):
        judge("eks", "CreateAddon", clusterName=unknown, addonNam="vpc-cni")


def test_an_operation_that_aws_does_not_have() -> None:
    with pytest.raises(CloudApiError, match="the service ec2 has no operation CreateSubnets"):
        MODELS.operation("ec2", "CreateSubnets")
    with pytest.raises(CloudApiError, match="AWS has no service 'ec3'"):
        MODELS.operation("ec3", "CreateSubnet")
