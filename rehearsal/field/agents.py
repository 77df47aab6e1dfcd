"""Agents: software in pods that acts on the cloud has a role, knows what metadata would tell it, and where to write."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, InstalledChart, at, every
from rehearsal.field.propagation import made_before
from rehearsal.field.reading import RELEASE
from rehearsal.field.service_facts import AgentRow


def agents(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each agent that cannot do its work."""
    for row in deployment.facts.agents:
        for chart in deployment.charts:
            if chart.chart == row.chart and _is_meant(row, chart):
                for message in _faults(deployment, row, chart):
                    yield Finding(rule="agents", subject=row.chart, message=message, source=row.source)


def _is_meant(row: AgentRow, chart: InstalledChart) -> bool:
    path, pattern = row.when
    return not path or any(fnmatchcase(str(found), pattern) for found in every(chart.values, path))


def _faults(deployment: Deployment, row: AgentRow, chart: InstalledChart) -> Iterator[str]:
    account = str(at(chart.values, row.account_at) or row.account)
    spaces = {one.inputs.get("namespace") for one in _releases(deployment, row)}
    given = [
        one
        for one in deployment.of(row.right)
        if at(one.inputs, row.right_account) == account and at(one.inputs, row.right_space) in spaces
    ]
    if not given:
        yield f"nothing gives its account {account} a role: the cloud refuses all that it asks"
    else:
        yield from _wrong_rights(deployment, row, given)
        yield from _too_late(deployment, row, given)
    token, path = row.hops
    if any(int(at(one.inputs, path) or 2) < 2 for one in deployment.of(token)):
        for paths in row.told:
            if not any(at(chart.values, path) for path in paths):
                yield f"is not told {' or '.join(paths)}, and instance metadata answers no pod on these nodes"
    yield from _wrong_target(deployment, row, chart)


def _wrong_rights(deployment: Deployment, row: AgentRow, given: list[BuiltResource]) -> Iterator[str]:
    statements = list(_statements(deployment, row, given))
    allowed = {action for one in statements for action in every(one, "Action")}
    if missing := [action for action in row.actions if action not in allowed]:
        yield f"its role does not allow {', '.join(missing)}"


def _statements(deployment: Deployment, row: AgentRow, given: list[BuiltResource]) -> Iterator[Mapping[str, Any]]:
    roles = {str(at(one.inputs, row.right_role)) for one in given}
    names = {one.id for one in deployment.resources if at(one.outputs, "arn") in roles} | roles
    for policy in deployment.of(row.policy):
        if at(policy.inputs, row.policy_role) in names:
            yield from every(policy.inputs, row.statements)


def _too_late(deployment: Deployment, row: AgentRow, given: list[BuiltResource]) -> Iterator[str]:
    """A pod gets its role as it starts, and not afterwards."""
    for one in _releases(deployment, row):
        if not {right.key for right in given} & made_before(deployment, one):
            yield "its pods may start before their role is there, and then never have it"


def _releases(deployment: Deployment, row: AgentRow) -> Iterator[BuiltResource]:
    for one in deployment.of(RELEASE):
        if str(one.inputs.get("chart", "")).rpartition("/")[2] == row.chart:
            yield one


def _wrong_target(deployment: Deployment, row: AgentRow, chart: InstalledChart) -> Iterator[str]:
    pattern, token, named = row.target
    for name in re.findall(pattern, str(at(chart.values, row.when[0]))) if pattern else ():
        found = next((one for one in deployment.of(token) if at(one.inputs, named) == name), None)
        if found is None:
            yield f"writes into {name}, which the stack does not make"
        elif lacking := [path for path in row.target_has if not at(found.inputs, path)]:
            yield f"writes into {name}, which has no {' and no '.join(lacking)}"
