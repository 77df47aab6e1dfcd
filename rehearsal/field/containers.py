"""Containers of jobs with an interface of their own, which has not the groups of their machine."""

from collections.abc import Iterator

from rehearsal.field.deployed import Deployment, Finding, at, every
from rehearsal.field.service_facts import ContainerNetworkRow

EVERYWHERE = "0.0.0.0/0"


def containers(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each environment whose containers get a default group in which they reach nobody."""
    for row in deployment.facts.container_networks:
        path, value = row.several
        gangs = [one for one in deployment.of(row.definition) if at(one.inputs, path) == value]
        bare = [one for one in deployment.of(row.resource) if not at(one.inputs, row.own)]
        for one in bare if gangs else ():
            for message in _messages(deployment, row):
                text = f"{one.name} has no groups of its own: its jobs' containers get {message}"
                subject = row.resource.rpartition(":")[2]
                yield Finding(rule="containers", subject=subject, message=text, source=row.source)


def _messages(deployment: Deployment, row: ContainerNetworkRow) -> Iterator[str]:
    for group in deployment.of(row.group):
        itself = {way: _all(group.inputs.get(way), "self", True) for way in ("ingress", "egress")}
        out = _all(group.inputs.get("egress"), "cidrBlocks", EVERYWHERE)
        if not itself["ingress"]:
            yield f"{group.name}, which lets nothing of its own in"
        if not (itself["egress"] or out):
            yield f"{group.name}, which lets nothing out to itself"
        if not out:
            yield f"{group.name}, which lets nothing out to stores and services"


def _all(rules: object, path: str, value: object) -> bool:
    """True where a rule for every protocol has the value."""
    return any(value in every(rule, path) and at(rule, "protocol") == "-1" for rule in every(rules, ""))
