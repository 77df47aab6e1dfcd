"""Transitions: versions move one minor up and never down, some sizes only grow, some names stay taken for a while, and
fields of Kubernetes' objects that cannot change.
"""

from collections.abc import Iterator
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every
from rehearsal.field.facts import VersionRow
from rehearsal.field.fixed_fields import EXPANSION, changed, fixed_fields, why_not_resized
from rehearsal.field.pods import HASH, pods_of

GANGS = frozenset({"Job", "JobSet", "RayJob", "TrainJob"})
"""Kinds whose pods are those of one run."""
ORDER = "Pulumi, Resource options, deleteBeforeReplace: without it, and under another name, the new is made first"


def transitions(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each step between two deployments that a service refuses or leaves half done."""
    before = deployment.before
    if before is None:
        return
    for version in deployment.facts.versions:
        for old, new in _pairs(before, deployment, version.resource):
            yield from _moved(deployment, version, old, new)
            yield from _followed(before, deployment, version, new)
    yield from _shrunk(before, deployment)
    yield from _named_again(before, deployment)
    yield from _changed(before, deployment)
    yield from _beside(before, deployment)


def _shrunk(before: Deployment, deployment: Deployment) -> Iterator[Finding]:
    for size in deployment.facts.sizes:
        for old, new in _pairs(before, deployment, size.resource):
            was, now = at(old.inputs, size.path), at(new.inputs, size.path)
            if was is not None and now is not None and float(now) < float(was):
                end = "it only grows" if old.id == new.id else "another one took its place: what it held is gone"
                message = f"{size.path} of {new.name} goes from {was} to {now}, and {end}"
                yield Finding(rule="transitions", subject=new.name, message=message, source=size.source)


def _named_again(before: Deployment, deployment: Deployment) -> Iterator[Finding]:
    for name in deployment.facts.names:
        for old in before.of(name.resource):
            held = at(old.inputs, name.path)
            again = [one for one in deployment.of(name.resource) if at(one.inputs, name.path) == held]
            if held and any(one.id != old.id for one in again):
                message = f"{held} was deleted and is made again; its name stays taken for {name.held_h:g} h"
                yield Finding(rule="transitions", subject=f"name {held}", message=message, source=name.source)


def _changed(before: Deployment, deployment: Deployment) -> Iterator[Finding]:
    earlier = {(one.key, _called(one)): one for one in before.resources if "kind" in one.inputs}
    for new in deployment.resources:
        if old := earlier.get((new.key, _called(new))):
            yield from _fixed(deployment, old, new)


def _beside(before: Deployment, deployment: Deployment) -> Iterator[Finding]:
    """A job that was made while the one it follows still ran, on the same volume."""
    there, here = ({one.key for one in each.resources} for each in (before, deployment))
    gone = [one for one in before.resources if one.inputs.get("kind") in GANGS and one.key not in here]
    made = [one for one in deployment.resources if one.inputs.get("kind") in GANGS and one.key not in there]
    for new in made:
        for old in gone:
            if old.token == new.token and (shared := _claims(deployment, new) & _claims(before, old)):
                message = f"is made before {_called(old)[1]} goes: both write to {', '.join(sorted(shared))} at once"
                subject = f"{new.inputs['kind']} {HASH.sub('', str(_called(new)[1]))}"
                yield Finding(rule="transitions", subject=subject, message=message, source=ORDER)


def _claims(deployment: Deployment, one: BuiltResource) -> set[str]:
    """Volumes that the pods of a job mount, which those of a TrainJob have in its runtime."""
    runtime = at(one.inputs, "spec.runtimeRef.name")
    named = (other.inputs for other in deployment.resources if other.inputs.get("kind") == "TrainingRuntime")
    bodies = [one.inputs, *(body for body in named if runtime and at(body, "metadata.name") == runtime)]
    return {
        str(claim)
        for body in bodies
        for pod in pods_of(body)
        for claim in every(pod.spec, "volumes.persistentVolumeClaim.claimName")
    }


def _called(one: BuiltResource) -> tuple[Any, Any]:
    return at(one.inputs, "metadata.namespace"), at(one.inputs, "metadata.name")


def _fixed(deployment: Deployment, old: BuiltResource, new: BuiltResource) -> Iterator[Finding]:
    """Fields of a Kubernetes object that a server refuses to change, or another object of the name in its place."""
    group, kind = str(at(new.inputs, "apiVersion")).rpartition("/")[0], str(new.inputs["kind"])
    subject = f"{kind} {HASH.sub('', str(at(new.inputs, 'metadata.name')))}"
    anew = at(old.outputs, "metadata.uid") != at(new.outputs, "metadata.uid")
    for row in fixed_fields(group, kind):
        paths = ", ".join(changed(row, old.inputs, new.inputs))
        if anew and row.lost:
            message = f"another of the name took its place{paths and f' for {paths}'}: {row.lost}"
            yield Finding(rule="transitions", subject=subject, message=message, source=row.source)
        elif paths and not anew:
            message = f"{paths} cannot change; what is other needs another name"
            yield Finding(rule="transitions", subject=subject, message=message, source=row.source)
    if kind == "PersistentVolumeClaim" and not anew and (why := _why_not_resized(deployment, old, new)):
        yield Finding(rule="transitions", subject=subject, message=why, source=EXPANSION)


def _why_not_resized(deployment: Deployment, old: BuiltResource, new: BuiltResource) -> str:
    """A class that the stack did not make counts as one that lets its claims grow: nothing is known of it here."""
    made = {at(one, "metadata.name"): one for one in deployment.objects if one["kind"] == "StorageClass"}
    return why_not_resized(
        old.inputs, new.inputs, lambda name: name not in made or bool(made[name].get("allowVolumeExpansion"))
    )


def _pairs(before: Deployment, after: Deployment, token: str) -> Iterator[tuple[BuiltResource, BuiltResource]]:
    earlier = {one.name: one for one in before.of(token)}
    return ((earlier[one.name], one) for one in after.of(token) if one.name in earlier)


def _moved(deployment: Deployment, row: VersionRow, old: BuiltResource, new: BuiltResource) -> Iterator[Finding]:
    was, now = at(old.inputs, row.path), at(new.inputs, row.path)
    if was is None or now is None or was == now:
        return
    step, subject = _minors(str(now)) - _minors(str(was)), f"version of {row.resource.rpartition(':')[2]}"
    if step < 0:
        message = f"{new.name} goes from {was} down to {now}; a version never goes down: make another one"
        yield Finding(rule="transitions", subject=subject, message=message, source=row.source)
    elif step > 1:
        message = f"{new.name} goes from {was} to {now}; only one minor at a time is taken"
        yield Finding(rule="transitions", subject=subject, message=message, source=row.source)
    for token, path in row.followers:
        for one in deployment.of(token):
            follows = at(one.inputs, path)
            if follows is None or _minors(str(follows)) < _minors(str(now)):
                message = f"{new.name} goes to {now}, and {one.name} stays at {follows or was}: nothing moves its nodes"
                yield Finding(rule="transitions", subject=f"version of {one.name}", message=message, source=row.source)


def _followed(before: Deployment, after: Deployment, row: VersionRow, leader: BuiltResource) -> Iterator[Finding]:
    """Followers that run ahead of what they follow, or go down."""
    leads = at(leader.inputs, row.path)
    if leads is None:
        return
    for token, path in row.followers:
        earlier = {one.name: at(one.inputs, path) for one in before.of(token)}
        for one in after.of(token):
            now, was = at(one.inputs, path), earlier.get(one.name)
            if now is None:
                continue
            subject = f"version of {one.name}"
            if _minors(str(now)) > _minors(str(leads)):
                message = f"{one.name} is at {now}, and {leader.name} at {leads}; nodes are never ahead of it"
                yield Finding(rule="transitions", subject=subject, message=message, source=row.source)
            if was is not None and _minors(str(now)) < _minors(str(was)):
                message = f"{one.name} goes from {was} down to {now}; nodes never go down"
                yield Finding(rule="transitions", subject=subject, message=message, source=row.source)


def _minors(version: str) -> int:
    """`1.35.2` and `v1.35.2-gke.100` as 1035: a step of 1 is one minor."""
    major, _, rest = version.lstrip("v").partition(".")
    minor = "".join(digit for digit in rest.partition(".")[0] if digit.isdigit())
    return int(major) * 1000 + int(minor or 0)
