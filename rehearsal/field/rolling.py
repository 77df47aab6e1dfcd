"""Roll or replace: what a changed field does to machines, file systems and clusters; to be said before it is done."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, MachinePool, at, every
from rehearsal.field.facts import ChangeRow, Effect
from rehearsal.field.landing import has_accelerators

UNKNOWN = "no row says what this field does"
IGNORED = frozenset({"__defaults", "tagsAll"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A changed field of a resource that stays, and what it does."""

    resource: BuiltResource
    path: str
    effect: Effect
    old: Any
    new: Any
    source: str


def rolling(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each change that takes machines away without having been said, or that people make often."""
    for change in changes(deployment):
        if change.effect is Effect.NOTHING or _is_announced(deployment, change):
            continue
        if pool := _pool(deployment, change.resource):
            if not has_accelerators(pool):
                continue
            subject, what = f"pool {pool.name}", f"every node of {pool.name} ({pool.machine_type})"
        else:
            subject, what = change.resource.name, change.resource.name
        done = f"{change.path} {change.old} -> {change.new} {change.effect}: {what} goes"
        message = f"{done}, and nothing said so before"
        yield Finding(rule="rolling", subject=subject, message=message, source=change.source)
    yield from _volatile(deployment)
    yield from _newest(deployment)
    yield from _kept(deployment)


def _kept(deployment: Deployment) -> Iterator[Finding]:
    """Groups whose machines never take a changed template, or take it one after the other under a gang."""
    for row in deployment.facts.refreshes:
        for one in deployment.of(row.resource):
            if at(one.inputs, row.template) is None:
                continue
            if at(one.inputs, row.refresh) is None:
                message = f"machines of {one.name} keep the template that they were started from: no refresh is set"
                yield Finding(rule="rolling", subject=one.name, message=message, source=row.source)
            elif int(at(one.inputs, row.least) or 0) > 0 and int(at(one.inputs, row.most) or 0) > 1:
                message = f"machines of {one.name} are refreshed some at a time, and each time a gang on them ends"
                yield Finding(rule="rolling", subject=one.name, message=message, source=row.source)


def changes(deployment: Deployment) -> Iterator[FieldChange]:
    """The changes between two deployments of resources whose type has rows, each with its class.

    A field of such a type that no row names counts as one that replaces: a class is owed before it is believed.
    """
    if deployment.before is None:
        return
    rows = deployment.facts.changes
    tokens = {row.resource for row in rows}
    earlier = {(one.token, one.name): one for one in deployment.before.resources if one.token in tokens}
    for one in deployment.resources:
        before = earlier.get((one.token, one.name))
        for path, old, new in _differences(before.inputs, one.inputs) if before else ():
            row = classify(rows, one.token, path)
            yield FieldChange(
                resource=one, path=path, old=old, new=new, effect=row.effect if row else Effect.REPLACES,
                source=row.source if row else UNKNOWN,
            )  # fmt: skip


def classify(rows: tuple[ChangeRow, ...], token: str, path: str) -> ChangeRow | None:
    """The first row that names the field, or a field above it."""
    parts = path.split(".")
    above = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return next(
        (row for row in rows if row.resource == token and any(fnmatchcase(one, row.path) for one in above)), None
    )


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new} - IGNORED):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif old != new:
        yield path, old, new


def _pool(deployment: Deployment, resource: BuiltResource) -> MachinePool | None:
    names = {row.name for row in deployment.facts.pools if row.resource == resource.token}
    found = {str(value) for name in names for value in every(resource.inputs, name)}
    return next((pool for pool in deployment.pools if pool.name in found), None)


def _is_announced(deployment: Deployment, change: FieldChange) -> bool:
    """Holds where a line shown before names the pool or resource and says that it is replaced or rolled."""
    pool = _pool(deployment, change.resource)
    said = re.compile(r"\b(roll|replac|restart)", re.IGNORECASE)
    return any(said.search(line) and _names(line, change.resource, pool) for line in deployment.announced)


def _names(line: str, resource: BuiltResource, pool: MachinePool | None) -> bool:
    """True if the line has the pool's name, or that of a resource or its last part, which people call it by."""
    if pool:
        return re.search(rf"\b{re.escape(pool.name)}\b", line) is not None
    return any(f"-{resource.name}".endswith(f"-{word}") for word in re.findall(r"\w[\w-]*", line))


def _volatile(deployment: Deployment) -> Iterator[Finding]:
    for row in deployment.facts.volatile:
        followed = {at(one.inputs, path) for token, path in row.followed_by for one in deployment.of(token)}
        for one in deployment.of(row.resource):
            if one.id not in followed:
                continue
            keys = {key for found in _mappings(one.inputs, row.path) for key in found if re.search(row.key, key)}
            for key in sorted(keys):
                message = f"{row.path} of {one.name} holds {key}: each change of it replaces the nodes made from it"
                yield Finding(rule="rolling", subject=f"{row.path} {key}", message=message, source=row.source)


def _newest(deployment: Deployment) -> Iterator[Finding]:
    for row in deployment.facts.releases:
        for one in deployment.of(row.resource):
            if not at(one.inputs, row.field):
                message = f"machines of {one.name} get the image that is newest on the day they start: no {row.field}"
                yield Finding(rule="rolling", subject=one.name, message=message, source=row.source)


def _mappings(value: Any, path: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in every(value, path) if isinstance(one, Mapping))
