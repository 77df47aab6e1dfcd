"""Networks that stood there before the stack: too small, without a way out, elsewhere than said, shut."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, MachinePool, at, every
from rehearsal.field.service_facts import ExistingRow

EVERYWHERE = "0.0.0.0/0"


def existing(deployment: Deployment) -> Iterator[Finding]:
    """Findings of each network that the stack names and did not make."""
    for row in deployment.facts.existing if deployment.existing else ():
        for message, subject, source in _found(deployment, row):
            yield Finding(rule="existing", subject=subject, message=message, source=source)


def leads_out(deployment: Deployment) -> bool:
    """True where something of the stack's, or of the network that it stands in, leads to what others publish; and where
    the cloud's rows say of nothing that it does.
    """
    ways = deployment.facts.ways_out
    if not ways or any(one.token in ways for one in (*deployment.resources, *deployment.existing)):
        return True
    return any(_ways(row, table) for row in deployment.facts.existing for table in _of(deployment, row.table))


def _ways(row: ExistingRow, table: BuiltResource) -> list[str]:
    """Paths by which the routes of a table lead everywhere."""
    return [
        path
        for route in every(table.inputs, row.routes)
        for path in row.ways
        if at(route, row.destination) == EVERYWHERE and at(route, path)
    ]


def _found(deployment: Deployment, row: ExistingRow) -> Iterator[tuple[str, str, str]]:
    yield from _names(deployment, row)
    yield from _elsewhere(deployment, row)
    yield from _small(deployment, row)
    for subnet in _used(deployment, row):
        yield from _closed_in(deployment, row, subnet)
        yield from _shut(deployment, row, subnet)
    yield from _silent(deployment, row)


def _of(deployment: Deployment, token: str) -> list[BuiltResource]:
    return [one for one in deployment.existing if one.token == token]


def _used(deployment: Deployment, row: ExistingRow) -> list[BuiltResource]:
    """Subnets in which pools of the stack stand."""
    ids = {one for token, path in row.pools for pool in deployment.of(token) for one in every(pool.inputs, path)}
    return [one for one in _of(deployment, row.subnet) if one.id in ids]


def _names(deployment: Deployment, row: ExistingRow) -> Iterator[tuple[str, str, str]]:
    for network in _of(deployment, row.network):
        for switch in (switch for switch in row.switches if not at(network.inputs, switch)):
            yield f"{network.id} has {switch} off: nodes do not find the cluster's names", "DNS", row.switches_source


def _elsewhere(deployment: Deployment, row: ExistingRow) -> Iterator[tuple[str, str, str]]:
    """Subnets that the stack file gives for a zone in which they are not."""
    given = at(deployment.config, row.given)
    subnets = {one.id: one for one in _of(deployment, row.subnet)}
    for zones in given.values() if isinstance(given, dict) else ():
        for zone, listed in zones.items():
            for one in listed if isinstance(listed, list) else [listed]:
                there = [at(subnets[one].inputs, path) for path in row.zone] if one in subnets else [zone]
                if zone not in there:
                    message = f"{one} is given for {zone}, and lies in {' = '.join(map(str, there))}: machines of that"
                    yield f"{message} zone do not start there", "zone", row.zone_source


def _small(deployment: Deployment, row: ExistingRow) -> Iterator[tuple[str, str, str]]:
    """Subnets that do not hold what their pools' nodes take at the least: one interface with all its addresses each."""
    places = {one.id: one for one in _of(deployment, row.subnet)}
    pools = {pool.name: pool for pool in deployment.pools}
    asked: dict[tuple[str, ...], int] = {}
    for token, path in row.pools:
        for group in deployment.of(token):
            ids = tuple(sorted(one for one in every(group.inputs, path) if one in places))
            pool = pools.get(str(at(group.inputs, row.pool_name) or group.name))
            if ids and pool is not None:
                asked[ids] = asked.get(ids, 0) + pool.maximum * _addresses(pool, row)
    for ids, needed in asked.items():
        room = sum(ip_network(at(places[one].inputs, row.range)).num_addresses - row.kept for one in ids)
        if room < needed:
            message = f"{', '.join(ids)} have {room:,} addresses, and the nodes there take {needed:,} at the least"
            yield message, "addresses", row.range_source


def _addresses(pool: MachinePool, row: ExistingRow) -> int:
    return next((count for pattern, count in row.addresses if fnmatchcase(pool.machine_type, pattern)), 1)


def _closed_in(deployment: Deployment, row: ExistingRow, subnet: BuiltResource) -> Iterator[tuple[str, str, str]]:
    """A subnet of nodes from which nothing leads out, and where no endpoint is."""
    tables = [one for one in _of(deployment, row.table) if subnet.id in every(one.inputs, row.table_subnets)]
    ways = [path for table in tables for path in _ways(row, table)]
    endpoints = [one for one in deployment.existing if one.token == row.endpoint]
    if not ways and not endpoints:
        yield f"{subnet.id} leads nowhere: nodes pull no image and do not join", "way out", row.ways_source


def _shut(deployment: Deployment, row: ExistingRow, subnet: BuiltResource) -> Iterator[tuple[str, str, str]]:
    """An access list that lets no HTTPS out, or no answers in: it keeps no state."""
    for acl in _of(deployment, row.access_list):
        if subnet.id not in every(acl.inputs, row.access_list_subnets):
            continue
        for way, port, what in (("egress", 443, "HTTPS out"), ("ingress", 40_000, "answers in")):
            if not _passes(list(every(acl.inputs, way)), port):
                yield f"{acl.id} of {subnet.id} lets no {what}", "access list", row.access_list_source


def _passes(entries: list[Any], port: int) -> bool:
    """The first entry by number that fits a TCP packet to or from anywhere decides; none lets nothing through."""
    for entry in sorted(entries, key=lambda one: int(one["ruleNo"])):
        ports = range(int(entry.get("fromPort", 0)), int(entry.get("toPort", 65_535)) + 1)
        if entry["protocol"] in ("-1", "6", "tcp") and entry.get("cidrBlock") == EVERYWHERE and port in ports:
            return bool(entry["action"] == "allow")
    return False


def _silent(deployment: Deployment, row: ExistingRow) -> Iterator[tuple[str, str, str]]:
    """A given group of machines with a fabric that does not let itself in and out."""
    groups = {one.id: one for one in _of(deployment, row.group)}
    for template in deployment.of(row.template):
        wired = any(str(kind).startswith(row.fabric_kind) for kind in every(template.inputs, row.fabric))
        given = {one for one in every(template.inputs, row.fabric_groups) if one in groups}
        for group in (groups[one] for one in sorted(given)) if wired else ():
            for way in ("ingress", "egress"):
                if not any(rule.get("self") and rule.get("protocol") == "-1" for rule in every(group.inputs, way)):
                    message = f"{group.id} of {template.name} has no rule for all traffic of its own, {way}"
                    yield f"{message}: the fabric does not come up", "group", row.group_source
