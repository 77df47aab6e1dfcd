"""Propagation: identities, roles and APIs work some time after they are made. And fields that contradict each other."""

from collections.abc import Iterator

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at
from rehearsal.field.facts import SettlingRow
from rehearsal.field.reading import found


def propagation(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each user of a thing that is made in the same `up` and that nothing lets settle first."""
    there = {one.key for one in deployment.before.resources} if deployment.before else set()
    for row in deployment.facts.settling:
        made = [one for one in deployment.of(row.made) if _is_meant(row, one) and one.key not in there]
        for user in deployment.of(row.user):
            if at(user.inputs, row.user_path) is None or user.key in there:
                continue
            for one in made:
                if not _waits(deployment, row, user, one):
                    message = (
                        f"{user.name} needs {one.name}, which works about {row.minutes:g} min after it is made, and "
                        "nothing makes it wait"
                    )
                    yield Finding(rule="propagation", subject=_subject(row, user), message=message, source=row.source)
                    break


def exclusive(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each resource that sets two fields of which the service takes one."""
    for row in deployment.facts.exclusive:
        for one in deployment.of(row.resource):
            if found(deployment.resources, one, row.one) is not None and (
                found(deployment.resources, one, row.other) is not None
            ):
                message = f"{one.name} has {row.one} and {row.other}; the service takes only one of them"
                yield Finding(
                    rule="exclusive", subject=row.resource.rpartition(":")[2], message=message, source=row.source
                )


def reserved(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each resource that says something else of a reservation than another one does."""
    for row in deployment.facts.reserved:
        first: dict[str, BuiltResource] = {}
        for one in deployment.of(row.resource):
            target = at(one.inputs, row.target)
            if target is None:
                continue
            other = first.setdefault(str(target), one)
            differ = [path for path in row.alike if at(one.inputs, path) != at(other.inputs, path)]
            if differ:
                message = f"{one.name} and {other.name} start machines of {target} and differ in {', '.join(differ)}"
                subject = f"{row.resource.rpartition(':')[2]} {one.name}"
                yield Finding(rule="reserved", subject=subject, message=message, source=row.source)


def _is_meant(row: SettlingRow, one: BuiltResource) -> bool:
    path, value = row.made_where
    return not path or at(one.inputs, path) == value


def _waits(deployment: Deployment, row: SettlingRow, user: BuiltResource, made: BuiltResource) -> bool:
    """Holds where the user comes after `made` has been waited for, or after what takes longer than that."""
    earlier = made_before(deployment, user)
    if not row.waits_on:
        return made.key in earlier
    if any(one.key in earlier for one in deployment.of(row.waits_on)):
        return True
    token, path, value = row.outlasted_by
    return any(
        one.key in earlier and at(one.inputs, path) == value and made.key in made_before(deployment, one)
        for one in deployment.of(token)
    )


def made_before(deployment: Deployment, user: BuiltResource) -> set[str]:
    """The keys of all that the engine makes before it."""
    by_key = {one.key: one for one in deployment.resources}
    seen, left = set[str](), list(user.needs)
    while left:
        key = left.pop()
        if key not in seen:
            seen.add(key)
            left += by_key[key].needs if key in by_key else ()
    return seen


def _subject(row: SettlingRow, user: BuiltResource) -> str:
    return f"{row.user.rpartition(':')[2]} {at(user.inputs, 'name') or at(user.inputs, 'addonName') or user.name}"
