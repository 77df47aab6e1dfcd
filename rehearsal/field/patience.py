"""Patience: operations that are given up while the cloud still works on them."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, every
from rehearsal.field.service_facts import PatienceRow


def patience(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each resource whose operation may outlast what the program or the provider gives it."""
    for row in deployment.facts.patience:
        for one in deployment.of(row.resource):
            given = one.timeouts_min.get(row.operation, row.given_min)
            if given < row.takes_min and _is_meant(row, one):
                message = f"{one.name} may take {row.takes_min:g} min to {row.operation}, and is given {given:g}"
                subject = f"{row.resource.rpartition(':')[2]} {row.operation}"
                yield Finding(rule="patience", subject=subject, message=message, source=row.source)


def _is_meant(row: PatienceRow, one: BuiltResource) -> bool:
    path, value = row.when
    return not path or any(fnmatchcase(str(found), value) for found in every(one.inputs, path))
