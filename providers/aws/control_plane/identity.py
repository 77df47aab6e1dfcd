"""Roles: who may take one, and what it allows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from providers.aws.control_plane.eks.types import PolicyStatement

SERVICE_OF_PODS = "pods.eks.amazonaws.com"
"""EKS Pod Identity takes a role in the name of a service account, and tags the session with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    role: iam.Role
    attached: tuple[pulumi.Resource, ...]
    """Without these it allows nothing: who uses the role waits for them."""


def role_of(
    service: str, name: str, *, managed: Sequence[str] = (), actions: Sequence[str] = (), parent: pulumi.Resource
) -> Role:
    """A role that `service` may take, with AWS's own policies of these names and these actions on every resource."""
    opts = pulumi.ResourceOptions(parent=parent)
    role = iam.Role(name, assume_role_policy=_trust(service), tags={"Name": name}, opts=opts)
    attached: list[pulumi.Resource] = [
        iam.RolePolicyAttachment(
            f"{name}-{policy.rpartition('/')[2]}",
            role=role.name,
            policy_arn=f"arn:aws:iam::aws:policy/{policy}",
            opts=opts,
        )
        for policy in managed
    ]
    if actions:
        attached.append(iam.RolePolicy(f"{name}-actions", role=role.name, policy=allowing(actions, "*"), opts=opts))
    return Role(role=role, attached=tuple(attached))


def policy_of(statements: Sequence[PolicyStatement]) -> str:
    """A policy document of these statements."""
    return _document(*map(_statement, statements))


def _statement(one: PolicyStatement) -> dict[str, object]:
    condition = {"Condition": {"StringEquals": dict(one.equals)}} if one.equals else {}
    return {"Effect": "Allow", "Action": list(one.actions), "Resource": list(one.resources), **condition}


def allowing(actions: Sequence[str], resource: str) -> str:
    """A policy document that allows these actions on this resource."""
    return _document({"Effect": "Allow", "Action": list(actions), "Resource": resource})


def allowing_each(actions: Sequence[str], resources: Sequence[str]) -> str:
    """A policy document that allows these actions on each of these resources."""
    return _document({"Effect": "Allow", "Action": list(actions), "Resource": list(resources)})


def _trust(service: str) -> str:
    actions = ["sts:AssumeRole", "sts:TagSession"] if service == SERVICE_OF_PODS else ["sts:AssumeRole"]
    return _document({"Effect": "Allow", "Principal": {"Service": service}, "Action": actions})


def _document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
