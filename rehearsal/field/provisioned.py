"""Pools whose machines no group starts, as the objects of their autoscaler describe them."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.field.deployed import MachinePool, at, every
from rehearsal.field.facts import FieldFacts
from rehearsal.field.provisioner_facts import ProvisionerRow

Body = Mapping[str, Any]


def provisioned_pools(facts: FieldFacts, objects: Iterable[Body]) -> Iterator[MachinePool]:
    """A pool without nodes for each object that lets the autoscaler start machines."""
    made = tuple(objects)
    for row in facts.provisioners:
        for body in made:
            if body.get("kind") == row.pool:
                yield _pool(facts, row, made, body)


def class_of(row: ProvisionerRow, objects: Iterable[Body], pool: Body) -> Body | None:
    """The class of the pool's machines; None where nothing makes it."""
    name = at(pool, row.class_name)
    return next(
        (one for one in objects if one.get("kind") == row.machine_class and at(one, "metadata.name") == name), None
    )


def asked(row: ProvisionerRow, pool: Body, key: str) -> tuple[str, ...]:
    """Values that the pool requires of a label."""
    for one in every(pool, row.requirements):
        if isinstance(one, Mapping) and one.get("key") == key:
            return tuple(map(str, one.get("values") or ()))
    return ()


def _pool(facts: FieldFacts, row: ProvisionerRow, objects: tuple[Body, ...], body: Body) -> MachinePool:
    types = asked(row, body, row.machine_type)
    first = types[0] if types else ""
    machine = next((known for known in facts.machines if fnmatchcase(first, known.pattern)), None)
    most = at(class_of(row, objects, body), row.most_pods)
    return MachinePool(
        name=str(at(body, "metadata.name")),
        machine_type=first,
        others=tuple(sorted(types[1:])),
        labels={key: str(value) for key, value in (at(body, row.labels) or {}).items()},
        taints=tuple(every(body, row.taints)),
        maximum=int(at(body, row.most) or 0),
        devices={machine.device: machine.count} if machine and machine.device else {},
        architecture=machine.architecture if machine else "amd64",
        spare=row.spare_market in asked(row, body, row.market),
        provisioner=row.chart,
        most_pods=int(most or 0),
        weight=int(at(body, row.weight) or 0),
    )
