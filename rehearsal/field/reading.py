"""Reads a deployment out of a stack's resources, by the rows of its cloud."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from rehearsal.field.deployed import (
    ApiEndpoint,
    BuiltResource,
    Deployment,
    InstalledChart,
    MachinePool,
    StoredImage,
    at,
    every,
)
from rehearsal.field.facts import EndpointRow, FieldFacts, PoolRow
from rehearsal.field.provisioned import provisioned_pools

AUTOSCALER = "its own autoscaler"
"""That of a cloud which grows a pool for pods that wait."""
RELEASE = "kubernetes:helm.sh/v3:Release"
KUBERNETES = "kubernetes:"


def deployment_of(  # noqa: PLR0913 (all that surrounds an `up`, by name)
    facts: FieldFacts, resources: Iterable[BuiltResource], *, nodes: Iterable[MachinePool] = (),
    before: Iterable[BuiltResource] | None = None, announced: tuple[str, ...] = (),
    config: Mapping[str, Any] = MappingProxyType({}), now: datetime | None = None,
    existing: Iterable[BuiltResource] = (),
    images: Iterable[StoredImage] = (),
) -> Deployment:  # fmt: skip
    """The deployment. `nodes` are pools that no resource of the stack describes, as those of an existing cluster, and
    `existing` resources that others made.
    """
    made = tuple(resources)
    earlier = tuple(before) if before is not None else ()
    return Deployment(
        facts=facts,
        resources=made,
        pools=(
            *(pool for row in facts.pools for pool in _pools(facts, made, row)),
            *provisioned_pools(facts, _objects(made)),
            *nodes,
        ),
        endpoints=tuple(_endpoints(facts, made)),
        charts=tuple(_charts(facts, made)),
        objects=tuple(_objects(made)),
        images=tuple(images),
        announced=announced,
        config=config,
        before=Deployment(facts=facts, resources=earlier) if earlier else None,
        now=now,
        existing=tuple(existing),
    )


def found(resources: Iterable[BuiltResource], one: BuiltResource, path: str) -> Any:
    """The value at the path of a row; a `>` in it goes on in the resource whose id stands there."""
    here, _, further = path.partition(">")
    value = at(one.inputs, here)
    if not further or value is None:
        return value
    other = next((other for other in resources if other.id == value), None)
    return found(resources, other, further) if other else None


def _pools(facts: FieldFacts, resources: tuple[BuiltResource, ...], row: PoolRow) -> Iterator[MachinePool]:
    for one in resources:
        if one.token != row.resource:
            continue
        names = (found(resources, one, path) for path in row.machine_type)
        machine_type = str(next((name for name in names if name), ""))
        listed = {str(name) for path in row.machine_type if ">" not in path for name in every(one.inputs, path)}
        fabric = sum(str(kind).startswith(row.fabric_kind) for kind in _through(resources, one, row.fabric))
        machine = next((known for known in facts.machines if fnmatchcase(machine_type, known.pattern)), None)
        devices = {machine.device: machine.count} if machine and machine.device else {}
        own_labels, own_taints = row.marked(one.inputs) if row.marked else ({}, ())
        zones = len(list(every(one.inputs, row.zones))) if row.zones else 1
        given = tuple(
            {**taint, "effect": row.effects.get(taint["effect"], taint["effect"])}
            for taint in every(one.inputs, row.taints)
        )
        keys = {taint["key"] for taint in given}
        yield MachinePool(
            name=_name(row, one),
            machine_type=machine_type,
            others=tuple(sorted(listed - {machine_type})),
            labels={**own_labels, **{key: str(value) for key, value in (at(one.inputs, row.labels) or {}).items()}},
            taints=(*given, *(taint for taint in own_taints if taint["key"] not in keys)),
            by_cloud=(frozenset(own_labels) | {taint["key"] for taint in own_taints})
            - {*keys, *(at(one.inputs, row.labels) or {})},
            minimum=_size(one, row.minimum) * max(zones, 1),
            desired=_size(one, row.desired) * max(zones, 1),
            maximum=_size(one, row.maximum) * max(zones, 1),
            devices={**devices, **({row.fabric_device: fabric} if fabric else {})},
            huge_pages_mib=row.fabric_huge_pages_mib if fabric else 0,
            architecture=machine.architecture if machine else "amd64",
            resized_by=tuple(_resizers(facts, resources, one, row)),
            groups=tuple(map(str, every(one.outputs, row.group))) if row.group else (),
            spare=bool(row.market) and at(one.inputs, row.market) == row.spare_market,
        )


def _size(one: BuiltResource, paths: str) -> int:
    """The value at the first path that has one, 0 where none has."""
    return int(next((size for path in paths.split("|") if (size := at(one.inputs, path)) is not None), 0))


def _name(row: PoolRow, one: BuiltResource) -> str:
    """The pool's name; that of the resource where the engine made one up."""
    made_up = row.name in one.inputs.get("__defaults", ())
    return one.name if made_up else str(at(one.inputs, row.name) or one.name)


def _through(resources: tuple[BuiltResource, ...], one: BuiltResource, path: str) -> Iterator[Any]:
    """All values at the end of a path with one `>` at most."""
    here, _, further = path.rpartition(">")
    holder = next((other for other in resources if other.id == at(one.inputs, here)), None) if here else one
    if holder and path:
        yield from every(holder.inputs, further)


def _resizers(
    facts: FieldFacts, resources: tuple[BuiltResource, ...], one: BuiltResource, row: PoolRow
) -> Iterator[str]:
    if row.autoscaled and at(one.inputs, row.autoscaled):
        yield AUTOSCALER
    names = set(every(one.outputs, row.group)) if row.group else set()
    for resizer in facts.resizers:
        for other in resources:
            if other.token == resizer.resource and at(other.inputs, resizer.group) in names:
                yield other.name


def _endpoints(facts: FieldFacts, resources: tuple[BuiltResource, ...]) -> Iterator[ApiEndpoint]:
    """One for each server: the first of its ways that is public, else the last."""
    for one in resources:
        rows = [row for row in facts.endpoints if row.resource == one.token]
        ways = [_endpoint(row, one) for row in rows if not row.switch or at(one.inputs, row.switch) is not False]
        ways = ways or [_endpoint(row, one) for row in rows[-1:]]
        if ways:
            yield next((way for way in ways if way.is_public), ways[-1])


def _endpoint(row: EndpointRow, one: BuiltResource) -> ApiEndpoint:
    said = at(one.inputs, row.public)
    ranges = tuple(every(one.inputs, row.open_to)) if row.open_to else ()
    return ApiEndpoint(
        cluster=str(at(one.inputs, row.cluster) or one.name),
        is_public=row.public_unless_said if said is None else bool(said) is row.public_when,
        open_to=ranges or row.open_unless_said,
        group=str(at(one.outputs, row.group) or "") if row.group else "",
        source=row.source,
        network=row.network,
        within=str(at(one.inputs, row.within) or "") if row.within else "",
    )


def _charts(facts: FieldFacts, resources: tuple[BuiltResource, ...]) -> Iterator[InstalledChart]:
    for one in resources:
        if one.token == RELEASE:
            chart = str(one.inputs.get("chart", "")).rpartition("/")[2]
            yield InstalledChart(chart=chart, values=_plain(one.inputs.get("values")))
        for row in facts.addons:
            if one.token == row.resource:
                values = _plain(one.inputs.get(row.values) or "{}")
                yield InstalledChart(chart=str(at(one.inputs, row.chart)), values=values, by_cloud=True)


def _objects(resources: tuple[BuiltResource, ...]) -> Iterator[Mapping[str, Any]]:
    """Bodies as the program gave them."""
    for one in resources:
        if one.token.startswith(KUBERNETES) and one.token != RELEASE and "kind" in one.inputs:
            yield one.inputs


def _plain(values: Any) -> Mapping[str, Any]:
    if isinstance(values, str):
        values = json.loads(values)
    return values if isinstance(values, Mapping) else {}
