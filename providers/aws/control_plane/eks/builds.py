"""Builds of add-ons: whether EKS still has those that the plan has.

EKS takes builds out of its list, and a stack that asks for one of them fails when network and cluster stand. Source:
EKS API Reference, DescribeAddonVersions and CreateAddon.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from components.errors import Problem
from providers.aws.asked import asked
from providers.aws.control_plane.eks.add_on_plans import PATH
from providers.aws.control_plane.eks.types import AddOnPlan, EksPlan


def build_problems(plan: EksPlan, eks: Any) -> list[Problem]:
    """A problem for each add-on of which EKS does not have the plan's build. `up` does not ask this itself: a right
    that is lacking is told once, and stops nothing.
    """
    return [
        problem for add_on in (*plan.first_add_ons, *plan.add_ons) for problem in _missing(add_on, plan.version, eks)
    ]


def _missing(add_on: AddOnPlan, kubernetes: str, eks: Any) -> Iterator[Problem]:
    path, request = f"{PATH}.{add_on.name}", partial(_builds, add_on.name, kubernetes, eks)
    there = asked("eks:DescribeAddonVersions", path, request, stops=False) or ()
    if add_on.version in there:
        return
    told = f"EKS has no {add_on.version} of {add_on.name} for Kubernetes {kubernetes}"
    if not there:
        yield Problem(path=path, message=f"{told}, nor any other; take another cluster.kubernetesVersion")
        return
    remedy = (
        f"set penstock:aws: {{controlPlane: {{addOnVersions: {{{add_on.name}: {nearest(add_on.version, there)}}}}}}}"
    )
    yield Problem(path=path, message=f"{told}; {remedy}")


def _builds(name: str, kubernetes: str, eks: Any) -> list[str]:
    pages = eks.get_paginator("describe_addon_versions").paginate(addonName=name, kubernetesVersion=kubernetes)
    return [one["addonVersion"] for page in pages for add_on in page["addons"] for one in add_on["addonVersions"]]


def nearest(version: str, there: Sequence[str]) -> str:
    """The newest of the same minor version, else the newest of all."""
    minor = _numbers(version)[:2]
    return max([one for one in there if _numbers(one)[:2] == minor] or there, key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    """`v1.22.4-eksbuild.3` as numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", version))
