"""Autoscalers of nodes: whether one that is installed runs, may resize, sees a pool, and knows what its nodes offer."""

from collections.abc import Iterator

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, InstalledChart, MachinePool, at, every
from rehearsal.field.facts import AutoscalerRow

KNOWN = {"cluster-autoscaler", "karpenter"}
"""Charts that grow pools, of which a cloud need have no row."""


def faults(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each autoscaler that does not run, that has no right to resize, or that adds too much."""
    for row, chart in installed(deployment):
        if message := _fault(deployment, row, chart):
            yield Finding(rule="scaling", subject=row.chart, message=message, source=row.source)
        else:
            yield from _overgrown(deployment, row, chart)


def why_not_grown(deployment: Deployment, pool: MachinePool) -> str:
    """The reason for which no autoscaler changes the pool's size, "" where one does. What is wrong with an autoscaler
    altogether is told of it, and not of each pool."""
    if pool.resized_by:
        return ""
    reasons = [_unseen(deployment, row, chart, pool) for row, chart in installed(deployment)]
    rows = {row.chart for row in deployment.facts.autoscalers}
    if any(chart.chart in KNOWN - rows for chart in deployment.charts) or "" in reasons:
        return ""
    return next(iter(reasons), "no autoscaler is there that grows it")


def installed(deployment: Deployment) -> Iterator[tuple[AutoscalerRow, InstalledChart]]:
    """The autoscalers of the cluster, each with its row."""
    for row in deployment.facts.autoscalers:
        for chart in deployment.charts:
            if chart.chart == row.chart:
                yield row, chart


def _fault(deployment: Deployment, row: AutoscalerRow, chart: InstalledChart) -> str:
    if row.needs and not any(at(chart.values, path) for path in row.needs):
        return f"{row.chart} does not run: its chart makes no Deployment without {' or '.join(row.needs)}"
    if not row.right:
        return ""
    account = str(at(chart.values, row.account_value) or "") if row.account_value else ""
    own = [one for one in deployment.of(row.right) if row.is_account(str(at(one.inputs, row.account)), account)]
    if not own:
        return f"{row.chart} runs without a right to resize node groups: nothing gives its account a role"
    granted = set(_allowed(deployment, row, own))
    missing = [action for action in row.actions if action not in granted]
    return f"the role of {row.chart} does not allow {', '.join(missing)}" if missing else ""


def allowed(deployment: Deployment, row: AutoscalerRow) -> set[str]:
    """Actions that some role of the autoscaler's may take."""
    own = [one for one in deployment.of(row.right) if row.is_account(str(at(one.inputs, row.account)), "")]
    return set(_allowed(deployment, row, own))


def _allowed(deployment: Deployment, row: AutoscalerRow, rights: list[BuiltResource]) -> Iterator[str]:
    """Actions that the policies of those roles allow."""
    roles = {str(at(right.inputs, row.role)) for right in rights}
    names = {one.id for one in deployment.resources if at(one.outputs, "arn") in roles} | roles
    for policy in deployment.of(row.policy):
        if at(policy.inputs, row.policy_role) in names:
            yield from every(policy.inputs, row.policy_actions)


def _unseen(deployment: Deployment, row: AutoscalerRow, chart: InstalledChart, pool: MachinePool) -> str:
    starts = any(one.chart == row.chart for one in deployment.facts.provisioners)
    if starts and pool.provisioner != row.chart:
        return f"{row.chart} resizes no group: it starts machines by objects of its own"
    if not starts and pool.provisioner:
        return f"{row.chart} resizes groups, and its machines are of none"
    if not row.finds_by:
        return ""
    tags = {str(at(one.inputs, row.tag_key)) for one in deployment.of(row.tag) if _of_group(one, row, pool)}
    wanted = [str(key) for key in every(chart.values, row.finds_by)]
    unseen = [key for key in wanted if key not in tags and not key.startswith(row.tagged_by_cloud)]
    if unseen:
        return f"{row.chart} looks for groups with the tag {unseen[0]}, which its group has not"
    unknown = [name for name in pool.devices if name not in row.devices_known and f"{row.device_tag}{name}" not in tags]
    if pool.minimum == 0 and unknown:
        return f"{row.chart} does not know that an empty group's nodes have {unknown[0]}: no tag says so"
    return ""


def _overgrown(deployment: Deployment, row: AutoscalerRow, chart: InstalledChart) -> Iterator[Finding]:
    """A finding for each pool to which it would add more nodes than pods wait for."""
    for pool in deployment.pools:
        if pool.maximum <= pool.minimum or pool.resized_by or _unseen(deployment, row, chart, pool):
            continue
        for device, label in row.awaits.items():
            if device in pool.devices and label not in pool.labels:
                message = (
                    f"{row.chart} adds node after node for one pod while the first does not show {device} yet: "
                    f"no label {label} says that it will"
                )
                yield Finding(rule="scaling", subject=f"pool {pool.name}", message=message, source=row.source)


def _of_group(tag: BuiltResource, row: AutoscalerRow, pool: MachinePool) -> bool:
    return at(tag.inputs, row.tag_group) in pool.groups
