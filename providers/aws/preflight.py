"""Checks that only the account can answer, before anything is created: its identity, quotas and reservations."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from components.errors import Problem, Problems
from components.labels import STACK
from components.plan.images import ImagePlan
from components.plan.stack import StackPlan
from providers.aws.asked import asked
from providers.aws.caller import unknown_caller
from providers.aws.control_plane.eks.builds import build_problems
from providers.aws.control_plane.eks.reached import missing_programs, reached_problems
from providers.aws.control_plane.eks.types import EksPlan
from providers.aws.control_plane.pcs.image import image_problems
from providers.aws.control_plane.pcs.plan import PcsPlan
from providers.aws.existing_network import existing_problems
from providers.aws.held_reservations import held_problems
from providers.aws.images.preflight import image_problems as pulled_problems
from providers.aws.late_logs import left_log_group
from providers.aws.nodes.disk_key import disk_key_problems
from providers.aws.offered import zone_problems
from providers.aws.plan import AwsPlan
from providers.aws.quota_use import quota_problems
from providers.aws.regions import zone_of
from providers.aws.session import session
from providers.aws.settings import AwsAccountSpec
from providers.aws.storage.deployed import lustre_problems
from providers.aws.storage.linked import linked_problems
from providers.aws.storage.lustre_regions import PATH
from providers.aws.types import SpotCapacity

CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}

ClientOf = Callable[..., Any]
"""From a service's name to a boto3 client, of the plan's region where no `region_name` is given."""


def preflight(plan: StackPlan) -> tuple[Problem, ...]:
    """Every obstacle in the account; none where no credentials are at hand, as then nothing can be known.

    What the credentials may not read is neither there nor missing: it is told with the action that they lack. It stops
    where `up` needs the same action, or could lose data without the answer.
    """
    cluster = plan.cluster
    assert isinstance(cluster, AwsPlan)
    if not credentials_at_hand(asked=cluster.account != AwsAccountSpec()):
        return ()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        account = session(cluster.region, **cluster.identity)
    except (BotoCoreError, ClientError) as error:
        path = "aws:assumeRole" if cluster.account.role_arn else "aws:profile"
        return (Problem(path=path, message=f"{error}; name a profile and a role that your credentials may use"),)
    control = cluster.control_plane
    missing = missing_programs(control) if isinstance(control, EksPlan) else ()
    return (*missing, *look(cluster, account.client, plan.images))


def credentials_at_hand(*, asked: bool = False) -> bool:
    """True if the stack file (`asked`), the environment or the files of the AWS command line name any. A machine's own
    role is not asked for: that takes seconds where there is none. Another endpoint than AWS's own knows no quotas.
    """
    if os.environ.get("AWS_ENDPOINT_URL"):
        return False
    if asked or any(os.environ.get(name) for name in CREDENTIALS):
        return True
    return any(Path(os.environ.get(name, default)).expanduser().is_file() for name, default in FILES.items())


def look(plan: AwsPlan, client: ClientOf, images: Sequence[ImagePlan] = ()) -> tuple[Problem, ...]:
    """The obstacles that the account's own answers show."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = str(client("sts").get_caller_identity().get("Account", ""))
    except (BotoCoreError, ClientError) as error:
        return (unknown_caller(error, plan.region),)
    if problem := _account_problem(plan.account, found):
        return (problem,)
    problems = Problems()
    cluster: Mapping[str, Any] = {}
    if isinstance(plan.control_plane, EksPlan):
        cluster = problems.collect(_described, plan.control_plane, client("eks")) or {}
        problems += _version_problems(plan.control_plane, cluster)
    problems += problems.collect(_storage_problems, plan, client) or ()
    if problems:
        return tuple(problems)
    if isinstance(plan.control_plane, PcsPlan):
        problems += problems.collect(image_problems, plan.control_plane, client("ec2")) or ()
    if plan.hyper_pod is not None:
        from providers.aws.control_plane.hyper_pod.chart import chart_problems  # an HTTP client, which plans go without

        problems += (
            problems.collect(chart_problems, plan.control_plane.name, plan.region, plan.identity, client("eks")) or ()
        )
    stack = plan.tags[STACK]
    problems += existing_problems(plan, client("ec2"))
    problems += zone_problems(plan, client("ec2"))
    problems += quota_problems(plan.quotas, stack, plan.region, client)
    problems += problems.collect(_spot_role_problems, plan, client) or ()
    if isinstance(plan.control_plane, EksPlan):
        problems += problems.collect(_reached, plan.control_plane, cluster, stack, client) or ()
    problems += pulled_problems(images, stack, found, plan.region, client)
    problems += held_problems(plan.node_pools, stack, datetime.now(UTC), client, expires_at=plan.expires_at)
    if isinstance(plan.control_plane, EksPlan):
        problems += _eks_problems(plan.control_plane, cluster, found, client)
    if plan.storage.file_system and plan.storage.file_system.links:
        problems += linked_problems(plan.storage.file_system.links, plan.region, client("s3"))
    return tuple(problems)


_SPOT_ROLE = "AWSServiceRoleForEC2Spot"
"""Role without which EC2 takes no request for spot machines. A group of EKS's makes it at need, Karpenter may not
(Karpenter, Troubleshooting, Missing Service Linked Role)."""


def _spot_role_problems(plan: AwsPlan, client: ClientOf) -> list[Problem]:
    spot = [pool.name for pool in plan.karpenter_pools if isinstance(pool.capacity, SpotCapacity)]
    if not spot:
        return []
    path = f"cluster.nodePools.{spot[0]}.capacity.spot"
    request = partial(client("iam").get_role, RoleName=_SPOT_ROLE)
    if asked("iam:GetRole", path, request, absent=("NoSuchEntity",)):
        return []
    make = "`aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`"
    message = f"the account has no role {_SPOT_ROLE}, and Karpenter gets no spot machines without; make it once: {make}"
    return [Problem(path=path, message=f"{message}, or set capacity: onDemand")]


def _eks_problems(plan: EksPlan, cluster: Mapping[str, Any], account: str, client: ClientOf) -> list[Problem]:
    """Obstacles in the way of a control plane, of its add-ons and of the disks of its nodes."""
    problems = Problems()
    left = None if cluster else problems.collect(left_log_group, client("logs"), plan.name, plan.region)
    if left:
        problems.append(left)
    problems += problems.collect(build_problems, plan, client("eks")) or ()
    problems += disk_key_problems(account, plan.region, client)
    return problems


def _account_problem(asked: AwsAccountSpec, found: str) -> Problem | None:
    """The guards of the stack file; in another account nothing else is asked."""
    remedy = "use credentials of an account that is allowed (aws:profile, aws:assumeRole), or change the guard"
    if asked.allowed_account_ids and found not in asked.allowed_account_ids:
        allowed = ", ".join(asked.allowed_account_ids)
        return Problem(
            path="aws:allowedAccountIds", message=f"the credentials are of {found}, allowed is {allowed}; {remedy}"
        )
    if found in asked.forbidden_account_ids:
        return Problem(path="aws:forbiddenAccountIds", message=f"the credentials are of {found}; {remedy}")
    return None


def _described(plan: EksPlan, eks: Any) -> Mapping[str, Any]:
    """The cluster that is there already, empty where there is none."""
    request, absent = partial(eks.describe_cluster, name=plan.name), ("ResourceNotFoundException",)
    found = asked("eks:DescribeCluster", "cluster.kubernetesVersion", request, absent=absent)
    there: Mapping[str, Any] = found["cluster"] if found else {}
    return there


def _reached(plan: EksPlan, cluster: Mapping[str, Any], stack: str, client: ClientOf) -> list[Problem]:
    return list(reached_problems(plan, cluster, stack, client))


def _version_problems(plan: EksPlan, cluster: Mapping[str, Any]) -> list[Problem]:
    """The step of a cluster that is there already: EKS takes one minor up at a time, and none down.

    Source: EKS User Guide, "Update existing cluster to new Kubernetes version".
    """
    path = "cluster.kubernetesVersion"
    if not cluster:
        return []
    there = str(cluster["version"])
    step = _minor(plan.version) - _minor(there)
    if step in (0, 1):
        return []
    told = f"the cluster is at {there}, and {plan.version} is asked"
    if step < 0:
        message = f"{told}; EKS takes no version back: ask {there}, or build another stack"
    else:
        following = f"1.{_minor(there) + 1}"
        message = f"{told}; EKS takes one minor version at a time: ask {following!r}, run `up`, then the next"
    return [Problem(path=path, message=message)]


def _storage_problems(plan: AwsPlan, client: ClientOf) -> list[Problem]:
    """Changes of the stack's file system that would lose what it holds."""
    wanted, stack = plan.storage.file_system, {"Key": STACK, "Value": plan.tags[STACK]}
    if wanted is None:
        return []
    pages = client("fsx").get_paginator("describe_file_systems").paginate()
    there = asked("fsx:DescribeFileSystems", PATH, lambda: [one for page in pages for one in page["FileSystems"]])
    return [
        problem
        for found in there or ()
        if stack in found.get("Tags", ()) and found["FileSystemType"] == "LUSTRE"
        for problem in lustre_problems(wanted, found, _zone_of(found.get("SubnetIds", []), wanted.zone, client("ec2")))
    ]


def _zone_of(subnets: Sequence[str], like: str, ec2: Any) -> str:
    """Zone of the first subnet, as `like` calls zones; empty where there is none."""
    if not subnets:
        return ""
    request = partial(ec2.describe_subnets, SubnetIds=list(subnets[:1]))
    found = asked("ec2:DescribeSubnets", PATH, request, absent=("InvalidSubnetID",))
    return zone_of(found["Subnets"][0], like) if found else ""


def _minor(version: str) -> int:
    return int(version.split(".")[1])
