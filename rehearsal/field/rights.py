"""Rights: pods of jobs may use the stores that the stack makes and nothing else, and no role others' things."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, at, every
from rehearsal.field.pods import pods_of, requests
from rehearsal.field.service_facts import PodRightRow

CONTROLLERS = frozenset({"Deployment", "DaemonSet"})
"""Kinds of which most are software of the platform, and none of a job's unless its pods ask for devices."""


def rights(deployment: Deployment) -> Iterator[Finding]:
    """Findings of each namespace in which jobs and services run, and of every role that reaches others' things."""
    yield from _wide(deployment)
    spaces = sorted({str(at(body, "metadata.namespace")) for body in deployment.objects if _works(body)})
    for space in spaces:
        statements = [
            (row, one) for row in deployment.facts.pod_rights for one in _statements(deployment, row, space)
        ]  # fmt: skip
        for row, statement in statements:
            if "*" in every(statement, row.target) or any(one.endswith("*") for one in every(statement, row.action)):
                what = f"may {', '.join(every(statement, row.action))} on {', '.join(every(statement, row.target))}"
                yield Finding(rule="rights", subject="pods", message=f"every job {what}", source=row.source)
        for store in deployment.facts.stores:
            for one in deployment.of(store.resource):
                name = str(at(one.outputs, store.named))
                missing = [action for action in store.actions if not _allowed(statements, action, name)]
                if missing:
                    message = f"no pod of {space} may {', '.join(missing)} on {one.name}"
                    yield Finding(rule="rights", subject=f"store {one.name}", message=message, source=store.source)


def _wide(deployment: Deployment) -> Iterator[Finding]:
    for row in deployment.facts.bounded:
        for policy in deployment.of(row.policy):
            wide = {
                str(action)
                for statement in every(policy.inputs, row.statements)
                if "*" in every(statement, "Resource") and "Condition" not in statement
                for action in every(statement, "Action")
                if any(fnmatchcase(str(action), pattern) for pattern in row.actions)
            }
            if wide:
                message = f"{policy.name} allows {', '.join(sorted(wide))} on everything in the account"
                yield Finding(rule="rights", subject=policy.name, message=message, source=row.source)


def _works(body: Mapping[str, Any]) -> bool:
    """Holds for what runs jobs or services. Slurm's nodes have their container apart from their pod."""
    devices = (name for pod in pods_of(body) for name in requests(pod.spec) if "/" in name)
    if body.get("kind") in CONTROLLERS:
        return any(devices)
    return any(pods_of(body)) or body.get("kind") == "NodeSet"


def _statements(deployment: Deployment, row: PodRightRow, space: str) -> Iterator[Mapping[str, Any]]:
    """Those of the policies of roles that pods in the namespace have."""
    given = [one for one in deployment.of(row.right) if at(one.inputs, row.namespace) == space]
    roles = {str(at(one.inputs, row.role)) for one in given}
    names = {one.id for one in deployment.resources if at(one.outputs, "arn") in roles} | roles
    for policy in deployment.of(row.policy):
        if at(policy.inputs, row.policy_role) in names:
            yield from every(policy.inputs, row.statements)


def _allowed(statements: list[tuple[PodRightRow, Mapping[str, Any]]], action: str, name: str) -> bool:
    """Holds where a statement has the action on the store, or on what is in it."""
    return any(
        action in every(statement, row.action)
        and any(fnmatchcase(target, one) for one in every(statement, row.target) for target in (name, f"{name}/object"))
        for row, statement in statements
    )
