"""Lacking: what a service takes without a word, and what then cannot do its work beside the rest of the stack."""

import re
from collections.abc import Iterator

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every
from rehearsal.field.service_facts import JobRoleRow


def lacking(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each definition of jobs, or group of their nodes, that reaches none of the stack's stores."""
    for row in deployment.facts.job_roles:
        stores = [one.name for one in deployment.of(row.store)]
        path, value = row.where
        for one in deployment.of(row.resource) if stores else ():
            if path and at(one.inputs, path) != value:
                continue
            if problem := _problem(deployment, row, one):
                message = f"{one.name} {problem}: its jobs cannot reach {', '.join(stores)}"
                subject = row.resource.rpartition(":")[2]
                yield Finding(rule="lacking", subject=subject, message=message, source=row.source)


def _problem(deployment: Deployment, row: JobRoleRow, one: BuiltResource) -> str:
    role = next((found for path in row.role if (found := at(one.inputs, path))), "")
    if not role:
        return "names no role"
    name = re.split(r"[:/]", str(role))[-1]
    for profile in deployment.of(row.profile):
        if name in (profile.name, at(profile.inputs, "name")):
            name = str(at(profile.inputs, "role"))
    allowed = {
        action
        for policy in deployment.of(row.policy)
        if at(policy.inputs, row.policy_role) == name
        for action in every(policy.inputs, row.policy_actions)
    }
    missing = [action for action in row.actions if action not in allowed]
    return f"has the role {name}, which may not {' and '.join(missing)}" if missing else ""
