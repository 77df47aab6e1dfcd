"""The image of Slurm's nodes as the account has it: there, for the pools' processors, with the root device named.

Source: EC2 API Reference, DescribeImages.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from components.errors import Problem
from providers.aws.asked import asked
from providers.aws.control_plane.pcs.plan import PcsPlan

_PATH = "aws.controlPlane"


def image_problems(plan: PcsPlan, ec2: Any) -> list[Problem]:
    """Faults of the image; SpecError where AWS does not say."""
    request = partial(ec2.describe_images, ImageIds=[plan.ami_id])
    answer = asked("ec2:DescribeImages", f"{_PATH}.amiId", request, absent=("InvalidAMIID",))
    return list(_faults(plan, answer["Images"] if answer else ()))


def _faults(plan: PcsPlan, found: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
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
