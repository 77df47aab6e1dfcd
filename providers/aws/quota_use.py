"""Quotas of the account against the plan: what is allowed, less what others in the account use of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from components.errors import Problem, Problems, SpecError
from components.labels import STACK
from components.plan.part import QuotaNeed
from providers.aws.asked import asked
from providers.aws.catalog import machines
from providers.aws.tables import QUOTAS

PATH = "cluster.nodePools"

ClientOf = Callable[[str], Any]
Count = Callable[[ClientOf, str], Mapping[str, float]]
"""Use by others, by the code of its quota."""


def quota_problems(needs: Sequence[QuotaNeed], stack: str, region: str, client: ClientOf) -> list[Problem]:
    """Each quota of which less is free than the plan needs, with the command that asks for more.

    What the stack itself uses already counts as free: the plan asks for it again. A question that is not answered is
    told once, and stops nothing.
    """
    problems = Problems()
    used = _used_by_others(needs, stack, client, problems)
    for need in needs:
        try:
            allowed = _allowed(client("service-quotas"), need)
        except SpecError as error:
            return [*problems, *error.problems]
        taken = used.get(need.code, 0)
        if allowed is not None and allowed - taken < need.needed:
            problems.append(Problem(path=PATH, message=_shortage(need, allowed, taken, region)))
    return problems


def _allowed(quotas: Any, need: QuotaNeed) -> float | None:
    """The quota's value in this account, its default where it was never changed, None where there is no such quota.

    One without a code is known by its name only, and is not looked for among some hundreds.
    """
    if not need.code:
        return None
    for action, read in (
        ("servicequotas:GetServiceQuota", "get_service_quota"),
        ("servicequotas:GetAWSDefaultServiceQuota", "get_aws_default_service_quota"),
    ):
        request = partial(getattr(quotas, read), ServiceCode=need.service, QuotaCode=need.code)
        answer = asked(action, PATH, request, absent=("NoSuchResourceException",), stops=False)
        if answer is not None:
            return float(answer["Quota"]["Value"])
    return None


def _shortage(need: QuotaNeed, allowed: float, taken: float, region: str) -> str:
    unit = f"{need.unit} " if need.unit else ""
    others = f", of which others use {taken:,.0f}" if taken else ""
    return (
        f"the account allows {allowed:,.0f} {unit}of '{need.name}' in {region}{others}, the plan needs "
        f"{need.needed:,.0f} ({need.reason}); ask for it: aws service-quotas request-service-quota-increase "
        f"--region {region} --service-code {need.service} --quota-code {need.code} "
        f"--desired-value {need.needed + taken:.0f}"
    )


def _used_by_others(
    needs: Sequence[QuotaNeed], stack: str, client: ClientOf, problems: Problems
) -> Mapping[str, float]:
    codes, used = {need.code for need in needs}, dict[str, float]()
    for counted, action, count in _COUNTED:
        if counted & codes:
            try:
                used |= asked(action, PATH, partial(count, client, stack), stops=False) or {}
            except SpecError as error:
                problems += error.problems
    return used


def _vcpus(client: ClientOf, stack: str) -> Mapping[str, float]:
    """Of machines that run: by family and market, without those of a capacity block (EC2 User Guide, "On-Demand
    Instance quotas" and "Capacity Blocks for ML").
    """
    used: dict[str, float] = {}
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    for page in client("ec2").get_paginator("describe_instances").paginate(Filters=running):
        for group in page["Reservations"]:
            for one in group["Instances"]:
                machine = machines().get(one["InstanceType"])
                if machine is None or _is_of(one, stack) or one.get("InstanceLifecycle") == "capacity-block":
                    continue
                market = "spot" if one.get("InstanceLifecycle") == "spot" else "on_demand"
                code = QUOTAS[f"{market}.{machine.quota_family}"].code
                used[code] = used.get(code, 0) + machine.cores
    return used


def _networks(client: ClientOf, stack: str) -> Mapping[str, float]:
    pages = client("ec2").get_paginator("describe_vpcs").paginate()
    others = [one for page in pages for one in page["Vpcs"] if not _is_of(one, stack)]
    return {QUOTAS["vpc.networks"].code: len(others)}


def _addresses(client: ClientOf, stack: str) -> Mapping[str, float]:
    others = [one for one in client("ec2").describe_addresses()["Addresses"] if not _is_of(one, stack)]
    return {QUOTAS["addresses.elastic"].code: len(others)}


def _is_of(found: Mapping[str, Any], stack: str) -> bool:
    return {"Key": STACK, "Value": stack} in found.get("Tags", ())


_COUNTED: tuple[tuple[frozenset[str], str, Count], ...] = (
    (
        frozenset(
            quota.code for name, quota in QUOTAS.items() if name.startswith(("on_demand.", "spot.")) and quota.code
        ),
        "ec2:DescribeInstances",
        _vcpus,
    ),
    (frozenset({QUOTAS["vpc.networks"].code}), "ec2:DescribeVpcs", _networks),
    (frozenset({QUOTAS["addresses.elastic"].code}), "ec2:DescribeAddresses", _addresses),
)
"""Quotas of which the use can be counted by what is there, and by which action. Of the others the limit alone is looked
at."""
