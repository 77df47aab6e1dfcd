"""Hosts without Kubernetes: what they mount at first boot, where people submit jobs, what has to be there before."""

import base64
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every
from rehearsal.field.propagation import made_before
from rehearsal.field.reading import RELEASE
from rehearsal.field.service_facts import EntranceRow, HostDataRow

_NFS = re.compile(r"^mount\b.*-t (nfs4?|efs)\b(.*)$", re.MULTILINE)


def mounts(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each mount of an elastic file system that is refused, or that comes too early."""
    for row in deployment.facts.host_data:
        for template in deployment.of(row.template):
            lines = [found.group(0) for found in _NFS.finditer(_text(at(template.inputs, row.data)))]
            if not lines:
                continue
            subject = f"{row.template.rpartition(':')[2]} {template.name}"
            plain = [line for line in lines if not re.search(r"-o \S*\btls\b", line)]
            if plain and _denies_plain(deployment, row):
                message = f"{template.name} runs '{plain[0]}', and the file system's policy denies what has no TLS"
                yield Finding(rule="mounts", subject=subject, message=message, source=row.source)
            yield from _too_early(deployment, row, template)


def _too_early(deployment: Deployment, row: HostDataRow, template: BuiltResource) -> Iterator[Finding]:
    targets = {target.key for target in deployment.of(row.target)}
    for token, path in row.users:
        for user in deployment.of(token):
            missing = targets - made_before(deployment, user)
            if at(user.inputs, path) == template.id and missing:
                message = f"{user.name} starts machines that mount before {len(missing)} targets are there"
                subject = f"{token.rpartition(':')[2]} {user.name}"
                yield Finding(rule="mounts", subject=subject, message=message, source=row.source)


def _denies_plain(deployment: Deployment, row: HostDataRow) -> bool:
    return any(
        statement == "Deny"
        for policy in deployment.of(row.policy)
        if "aws:SecureTransport" in str(at(policy.inputs, row.policy_text))
        for statement in every(policy.inputs, f"{row.policy_text}.Statement.Effect")
    )


def _text(data: object) -> str:
    return base64.b64decode(data).decode(errors="replace") if isinstance(data, str) else ""


def entrances(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each scheduler without a node that always runs and takes no jobs."""
    for row in deployment.facts.entrances:
        ours = list(deployment.of(row.resource))
        queued = {name for one in _of_kind(ours, row, row.queue) for name in every(one.inputs, row.members)}
        apart = [
            one
            for one in _of_kind(ours, row, row.group)
            if at(one.outputs, row.id) not in queued and int(at(one.inputs, row.least) or 0) > 0
        ]
        for cluster in _of_kind(ours, row, row.cluster) if not apart else ():
            message = f"{cluster.name} has no node outside its queues: nobody can submit a job"
            yield Finding(rule="entrances", subject=row.cluster, message=message, source=row.source)


def _of_kind(ours: list[BuiltResource], row: EntranceRow, kind: str) -> list[BuiltResource]:
    return [one for one in ours if at(one.inputs, row.kind) == kind]


def prepared(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each resource that needs a chart on a cluster which the same `up` has only just made."""
    there = {one.key for one in deployment.before.resources} if deployment.before else set[str]()
    for row in deployment.facts.prepared:
        fresh = [one for one in deployment.of(row.host) if one.key not in there]
        charts = {
            one.key
            for one in deployment.of(RELEASE)
            if fnmatchcase(str(one.inputs.get("chart", "")).rpartition("/")[2].lower(), row.chart)
        }
        for one in deployment.of(row.resource) if fresh else ():
            new = at(one.inputs, row.path) == row.value and one.key not in there
            if new and not charts & made_before(deployment, one):
                message = f"{one.name} needs the chart {row.chart} on {fresh[0].name}, which this `up` has just made"
                yield Finding(rule="prepared", subject=row.value, message=message, source=row.source)
