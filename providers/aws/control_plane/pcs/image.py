"""The image of Slurm's nodes as the account has it: there, for the pools' processors, with the root device named.

Source: EC2 API Reference, DescribeImages.
"""

from collections.abc import Iterator
from typing import Any

from components.errors import Problem
from providers.aws.control_plane.pcs.plan import PcsPlan

_PATH = "aws.controlPlane"


def image_problems(plan: PcsPlan, ec2: Any) -> Iterator[Problem]:
    """Faults of the image. What may not be read is unknown."""
    from botocore.exceptions import ClientError

    try:
        found = ec2.describe_images(ImageIds=[plan.ami_id])["Images"]
    except ClientError as error:
        if error.response["Error"]["Code"].startswith("InvalidAMIID"):
            yield _problem(
                "amiId", f"{plan.ami_id!r} is no image that this account sees in {plan.region}; name one of it"
            )
        return
    if not found:
        yield _problem("amiId", f"{plan.ami_id!r} is no image that this account sees in {plan.region}; name one of it")
        return
    (image,) = found
    arch = plan.login.pool.machine.arch
    if image["Architecture"] != arch:
        yield _problem(
            "amiId", f"{plan.ami_id!r} is for {image['Architecture']}, and the pools are {arch}; name one for {arch}"
        )
    if (device := image["RootDeviceName"]) != plan.root_device:
        told = f"{plan.root_device!r}, and the root device of {plan.ami_id} is {device}"
        yield _problem("rootDevice", f"{told}, so the disk would be a second one; write rootDevice: {device}")


def _problem(key: str, message: str) -> Problem:
    return Problem(path=f"{_PATH}.{key}", message=message)
