"""The image of Slurm's nodes against the account. AWS's side: botocore's stubs."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from components.errors import SpecError
from providers.aws.control_plane.pcs.image import image_problems
from providers.aws.control_plane.pcs.plan import plan_pcs
from tests.unit.providers.aws.control_plane.planned_pools import decided
from tests.unit.providers.aws.nodes.pools import pool, spec_of

AMI = "ami-0123456789abcdef0"


def told(answer: dict[str, str] | str | None, **keys: Any) -> list[str]:
    plan = decided(plan_pcs, spec_of(pool(), aws={"controlPlane": {"kind": "pcs", "amiId": AMI, **keys}}))
    make: Any = boto3.Session("simulated", "simulated", region_name="us-east-2").client
    client = make("ec2")
    with Stubber(client) as stub:
        if isinstance(answer, str):
            stub.add_client_error("describe_images", answer)
        else:
            stub.add_response("describe_images", {"Images": [answer] if answer else []}, {"ImageIds": [AMI]})
        return [str(one) for one in image_problems(plan, client)]


def image(arch: str = "x86_64", device: str = "/dev/sda1") -> dict[str, str]:
    return {"ImageId": AMI, "Architecture": arch, "RootDeviceName": device}


def test_an_image_that_fits_is_no_problem() -> None:
    assert told(image()) == []
    assert told(image(device="/dev/xvda"), rootDevice="/dev/xvda") == []


def test_an_image_that_may_not_be_looked_at_is_neither_there_nor_missing() -> None:
    with pytest.raises(SpecError, match=r"aws\.controlPlane\.amiId: .*UnauthorizedOperation.*allow ec2:DescribeImages"):
        told("UnauthorizedOperation")


@pytest.mark.parametrize("answer", [None, "InvalidAMIID.NotFound"])
def test_an_image_of_another_region_is_told(answer: str | None) -> None:
    (problem,) = told(answer)
    assert problem == f"aws.controlPlane.amiId: {AMI!r} is no image that this account sees in us-east-2; name one of it"


def test_an_image_for_other_processors_or_with_another_root_device_is_told_with_what_to_write() -> None:
    (arch,) = told(image(arch="arm64"))
    assert arch.startswith(
        f"aws.controlPlane.amiId: {AMI!r} is for arm64, and the pools are x86_64; name one for x86_64"
    )
    (device,) = told(image(device="/dev/xvda"))
    assert device.endswith("so the disk would be a second one; write rootDevice: /dev/xvda")
