"""Address of a stack's own registry: a path of the account's one registry in the region."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi

DOMAIN = "amazonaws.com"
HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
"""Host of a private registry (ECR User Guide, "Private registries")."""


def host_of(account: str, region: str) -> str:
    return f"{account}.dkr.ecr.{region}.{DOMAIN}"


def address_of(account: str, region: str, stack: str) -> str:
    """The stack's images lie below its name."""
    return f"{host_of(account, region)}/{stack}"


def registry_beside(arn: pulumi.Output[str], region: str, stack: str) -> pulumi.Output[str]:
    """The stack's registry in the account of an ARN, which no plan can know."""
    return arn.apply(lambda text: address_of(text.split(":")[4], region, stack))
