"""Places and times: what a service does not have in a region, ARNs of another partition, versions that have ended."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every

_ARN = re.compile(r"arn:(aws[-a-z]*):")


def places(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each value that the service does not have in the resource's region."""
    for row in deployment.facts.places:
        for one in deployment.of(row.resource):
            region = _region(one)
            given = [value for value in every(one.inputs, row.path) if fnmatchcase(_text(value), row.value)]
            if given and any(fnmatchcase(region, pattern) for pattern in row.regions):
                message = f"{one.name} has {row.path} {_text(given[0])}, which the service does not have in {region}"
                subject = f"{row.resource.rpartition(':')[2]} {row.path}"
                yield Finding(rule="places", subject=subject, message=message, source=row.source)


def partitions(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each resource whose inputs name ARNs of another partition than its region's."""
    rows = deployment.facts.partitions
    for one in deployment.resources if rows else ():
        region = _region(one)
        if not region:
            continue
        row = next(row for row in rows if fnmatchcase(region, row.regions))
        strange = sorted({found for text in _texts(one.inputs) for found in _ARN.findall(text)} - {row.partition})
        if strange:
            message = f"{one.name} in {region} names ARNs of {', '.join(strange)}, and its partition is {row.partition}"
            subject = one.token.rpartition(":")[2]
            yield Finding(rule="partitions", subject=subject, message=message, source=row.source)


def support(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each new resource of a version that the service makes no more at the time of the `up`."""
    there = {one.key for one in deployment.before.resources} if deployment.before else set[str]()
    for row in deployment.facts.support:
        for one in deployment.of(row.resource):
            version = str(at(one.inputs, row.path) or "")
            end = row.ends.get(version)
            if deployment.now and end and one.key not in there and deployment.now.date() >= end:
                message = f"{one.name} is of version {version}, of which the service makes none since {end}"
                subject = f"{row.resource.rpartition(':')[2]} {version}"
                yield Finding(rule="support", subject=subject, message=message, source=row.source)


def _region(one: BuiltResource) -> str:
    return str(at(one.outputs, "region") or at(one.inputs, "region") or "")


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for part in value.values():
                yield from _texts(part)
        case list() | tuple():
            for part in value:
                yield from _texts(part)
        case _:
            return
