"""Repair: clouds that take unhealthy machines away by themselves leave enough of them, and those that are well."""

from collections.abc import Iterator

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, MachinePool, at, every
from rehearsal.field.landing import has_accelerators
from rehearsal.field.service_facts import RepairRow


def repair(deployment: Deployment) -> Iterator[Finding]:
    """Findings of the pools with accelerators that a cloud repairs."""
    pools = {pool.name: pool for pool in deployment.pools if has_accelerators(pool)}
    for row in deployment.facts.repairs:
        for one in deployment.of(row.resource):
            pool = pools.get(str(at(one.inputs, row.pool)))
            if pool and at(one.inputs, row.enabled):
                for message in (*_unbounded(row, one, pool), *_needless(row, one, pool)):
                    yield Finding(rule="repair", subject=f"pool {pool.name}", message=message, source=row.source)


def _unbounded(row: RepairRow, one: BuiltResource, pool: MachinePool) -> Iterator[str]:
    for paths in row.bounds:
        if all(at(one.inputs, path) is None for path in paths):
            yield (
                f"{pool.name} of up to {pool.maximum} nodes sets none of {', '.join(paths)}: what makes many of them "
                "unhealthy takes all of these away"
            )


def _needless(row: RepairRow, one: BuiltResource, pool: MachinePool) -> Iterator[str]:
    said = {at(other, row.reason): at(other, row.action) for other in every(one.inputs, row.overrides)}
    for device, reason, effect in row.needless:
        if device in pool.devices and said.get(reason) != row.left_alone:
            yield f"{pool.name} is repaired for {reason}: {effect}"
