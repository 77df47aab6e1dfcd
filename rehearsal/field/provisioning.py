"""Provisioning: an autoscaler that starts machines itself has all that it does so with, and takes none from a gang."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, InstalledChart, at, every
from rehearsal.field.propagation import made_before
from rehearsal.field.provisioned import asked, class_of
from rehearsal.field.provisioner_facts import ProvisionerRow, QueueRow
from rehearsal.field.reading import KUBERNETES, RELEASE

Body = Mapping[str, Any]


def provisioning(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each thing without which the autoscaler starts no machine, ends one in mid-work, or leaves some
    behind when the stack goes.
    """
    for row in deployment.facts.provisioners:
        charts = [one for one in deployment.charts if one.chart == row.chart]
        pools = [body for body in deployment.objects if body.get("kind") == row.pool]
        for subject, message in (
            *(found for chart in charts for found in _of_chart(deployment, row, chart, pools)),
            *(found for body in pools for found in _of_pool(deployment, row, body)),
            *_in_order(deployment, row),
        ):
            yield Finding(rule="provisioning", subject=subject, message=message, source=row.source)


def _of_chart(
    deployment: Deployment, row: ProvisionerRow, chart: InstalledChart, pools: list[Body]
) -> Iterator[tuple[str, str]]:
    if not pools:
        yield row.chart, f"has no {row.pool}, and starts no machine"
    name = at(chart.values, row.queue.value)
    queue = next((one for one in deployment.of(row.queue.queue) if at(one.outputs, row.queue.name) == name), None)
    if not name:
        yield row.chart, "is told no queue: it does not hear of machines that are taken back, and drains none of them"
    elif queue is None:
        yield row.chart, f"is told the queue {name}, which the stack does not make"
    else:
        yield from ((row.chart, f"its queue {words}") for words in _of_queue(deployment, row.queue, queue))


def _of_queue(deployment: Deployment, row: QueueRow, queue: BuiltResource) -> Iterator[str]:
    arn = at(queue.outputs, row.arn)
    if not any(at(queue.inputs, path) for path in row.encrypted):
        yield "is not encrypted"
    sending = {
        at(one.inputs, row.target_rule) for one in deployment.of(row.target) if at(one.inputs, row.target_arn) == arn
    }
    rules = [one for one in deployment.of(row.rule) if sending & {one.id, one.name, at(one.inputs, "name")}]
    heard = {kind for one in rules for kind in every(one.inputs, row.pattern)}
    if missing := [kind for kind in row.events if kind not in heard]:
        yield f"gets no {', '.join(missing)}"
    policies = [one for one in deployment.of(row.policy) if at(one.inputs, row.policy_queue) == queue.id]
    allowed = [
        one for policy in policies for one in every(policy.inputs, row.statements) if one.get("Effect") == "Allow"
    ]
    if row.sender not in {sender for one in allowed for sender in every(one, "Principal.Service")}:
        yield f"lets {row.sender} write nothing to it"
    if any("*" in every(one, "Principal") or "*" in every(one, "Principal.AWS") for one in allowed):
        yield "lets everybody write to it"


def _of_pool(deployment: Deployment, row: ProvisionerRow, body: Body) -> Iterator[tuple[str, str]]:
    subject = f"pool {at(body, 'metadata.name')}"
    if not at(body, row.most):
        yield subject, "has no limit: it grows to all that the account may have"
    if not asked(row, body, row.machine_type):
        yield subject, "asks for no machine type: it may become any"
    known = next((one for one in deployment.pools if one.provisioner and one.name == at(body, "metadata.name")), None)
    if known and any(known.devices):
        for path, value, effect in row.keeps:
            if at(body, path) != value:
                yield subject, f"{path.rpartition('.')[2]} is {at(body, path)}, not {value}: {effect}"
        path, reason = row.drift
        budgets = [one for one in every(body, path) if isinstance(one, Mapping)]
        if not any(one.get("nodes") == "0" and reason in (one.get("reasons") or (reason,)) for one in budgets):
            yield subject, f"no budget keeps nodes that have {reason.lower()}: a newer image takes them from their work"
    found = class_of(row, deployment.objects, body)
    if found is None:
        yield subject, f"names the {row.machine_class} {at(body, row.class_name)}, which nothing makes"
    else:
        yield from ((subject, words) for words in _of_class(deployment, row, found))


def _of_class(deployment: Deployment, row: ProvisionerRow, body: Body) -> Iterator[str]:
    subnets = [
        {"id": one.id, **_tags(deployment, row, one)} for one in (*deployment.of(row.subnet), *deployment.existing)
    ]
    if not _selects(every(body, row.subnets), subnets):
        yield "its subnet terms select none: it starts no machine"
    token, named = row.cluster
    clusters = [str(at(one.inputs, named)) for one in deployment.of(token)]
    if not _selects(every(body, row.groups), [row.group_tags(name) for name in clusters]):
        yield "its terms do not select the cluster's own security group: its nodes do not reach the API server"
    token, name, role = row.profiles
    profile = next((one for one in deployment.of(token) if at(one.inputs, name) == at(body, row.profile)), None)
    if profile is None:
        yield f"names the instance profile {at(body, row.profile)}, which nothing makes: it starts no machine"
        return
    token, principal, kind, right = row.entry
    roles = {
        at(one.outputs, "arn") for one in deployment.of(row.role) if at(profile.inputs, role) in (one.id, one.name)
    }
    admitted = [one for one in deployment.of(token) if at(one.inputs, principal) in roles]
    if not any(at(one.inputs, kind) == right for one in admitted):
        yield f"no access entry of {right} admits the role of its machines: no node joins"


def _tags(deployment: Deployment, row: ProvisionerRow, one: BuiltResource) -> dict[str, str]:
    token, path = row.default_tags
    common: dict[str, str] = {}
    for provider in deployment.of(token):
        common |= at(provider.inputs, path) or {}
    return {**common, **(at(one.inputs, row.subnet_tags) or {})}


def _selects(terms: Iterator[Any], those: list[dict[str, Any]] | list[Mapping[str, str]]) -> bool:
    """True if each of some term's ids and tags is one of those'."""
    return any(
        all(one.get(key) == value for key, value in {**(term.get("tags") or {}), **_id(term)}.items())
        for term in terms
        for one in those
    )


def _id(term: Mapping[str, Any]) -> dict[str, str]:
    return {"id": term["id"]} if term.get("id") else {}


def _in_order(deployment: Deployment, row: ProvisionerRow) -> Iterator[tuple[str, str]]:
    """Messages on an order in which machines outlive their controller, or that its rights: the first made goes last."""
    charts = [one for one in deployment.of(RELEASE) if str(one.inputs.get("chart", "")).endswith(f"/{row.chart}")]
    keys = {one.key for one in charts}
    for one in deployment.resources:
        ours = one.token.startswith(KUBERNETES) and one.inputs.get("kind") in (row.pool, row.machine_class)
        if ours and not keys <= made_before(deployment, one):
            message = f"{one.inputs['kind']} outlives the controller that ends its machines: they stay, and are billed"
            yield f"pool {at(one.inputs, 'metadata.name')}", message
    for one in charts:
        before = made_before(deployment, one)
        for token in (row.right, row.queue.queue, row.queue.policy, row.profiles[0], row.entry[0]):
            late = [other for other in deployment.of(token) if _is_its(row, other) and other.key not in before]
            if late:
                what = token.rpartition(":")[2]
                yield row.chart, f"may outlive its {what}: when the stack goes it can no longer end its machines"


def _is_its(row: ProvisionerRow, one: BuiltResource) -> bool:
    """True of what is made for it alone, by its name."""
    return one.token not in (row.right, row.profiles[0]) or row.chart in str(one.inputs)
