"""Balancers: a Service's load balancer is made, in a subnet that fits, and lets in only those who are named."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, at, every
from rehearsal.field.service_facts import BalancerRow

OF_PROXIES = "spec.provider.kubernetes.envoyService"
"""Path to the settings of the Service that Envoy Gateway makes for a Gateway (Envoy Gateway, EnvoyProxy)."""
EVERYBODY = "0.0.0.0/0"


def balancers(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each load balancer that does not come, or that is open; and for a controller that holds all up."""
    for row in deployment.facts.balancers:
        installed = [chart for chart in deployment.charts if chart.chart == row.chart]
        for chart in installed:
            if at(chart.values, row.fails_closed) is not False:
                message = f"while no pod of it answers no Service can be made: {row.fails_closed} is not false"
                yield _finding(row, row.chart, message)
        for name, spec, notes in _asked(deployment):
            for message in _faults(deployment, row, spec, notes, made=bool(installed)):
                yield _finding(row, f"load balancer of {name}", message)


def _faults(
    deployment: Deployment, row: BalancerRow, spec: Mapping[str, Any], notes: Mapping[str, Any], *, made: bool
) -> Iterator[str]:
    if spec.get("loadBalancerClass") != row.service_class:
        yield f"names no class {row.service_class}: {row.without_class}"
        return
    if not made:
        yield f"nothing makes it: {row.chart} is not there"
    outside = notes.get(row.scheme) == row.public
    ranges = list(every(spec, "loadBalancerSourceRanges"))
    if not ranges or EVERYBODY in ranges:
        yield f"lets everybody in {'from the internet' if outside else 'who reaches the network'}: no ranges are named"
    tag = row.outside_tag if outside else row.inside_tag
    subnets = list(deployment.of(row.subnet))
    if subnets and not any(tag in (at(one.inputs, row.tags) or {}) for one in subnets):
        yield f"has no place: no subnet has the tag {tag}"
    for group in deployment.of(row.group):
        if any(key.startswith(row.group_tag) for key in at(group.inputs, row.tags) or {}):
            yield f"has no targets: {group.name} has the tag {row.group_tag} beside the cloud's own group"


def _asked(deployment: Deployment) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Name, spec and annotations of each Service that is to have one."""
    for body in deployment.objects:
        name = str(at(body, "metadata.name"))
        if body.get("kind") == "Service":
            spec, notes = body.get("spec") or {}, at(body, "metadata.annotations") or {}
        elif body.get("kind") == "EnvoyProxy":
            spec = at(body, OF_PROXIES) or {}
            notes = spec.get("annotations") or {}
        else:
            continue
        if spec.get("type") == "LoadBalancer":
            yield name, spec, notes


def _finding(row: BalancerRow, subject: str, message: str) -> Finding:
    return Finding(rule="balancers", subject=subject, message=message, source=row.source)
