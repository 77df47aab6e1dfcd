"""The fabric of a pool may talk to itself, in both directions, by the group's own id."""

from collections.abc import Iterator, Sequence

from policies.clouds import CLOUDS
from policies.rule import StackResource, StackRule


def check(resources: Sequence[StackResource]) -> Iterator[tuple[StackResource, str]]:
    """Each launch template with a fabric, none of whose groups lets itself in and out.

    A template whose groups all come from elsewhere is passed over: their rules cannot be seen here.
    """
    for cloud in CLOUDS:
        ways_in, ways_out = cloud.self_reaching(resources)
        for template in resources:
            launch = cloud.launch(template.kind, template.outputs)
            groups = {group.urn for group in cloud.fabric_groups(template)} if launch and launch.has_fabric else set()
            if groups and not groups & ways_in & ways_out:
                missing = (
                    " and ".join(way for way, able in (("in", ways_in), ("out", ways_out)) if not groups & able)
                    or "in and out of the same group"
                )
                yield template, f"no security group of its fabric lets all traffic of its own {missing}"


RULE = StackRule(
    name="fabric-security",
    reason="a fabric stays down where its group's own traffic is kept in or out (EFA: whatever ranges are allowed)",
    remedy="give the group an ingress and an egress rule for every protocol that name the group itself by its id",
    level="mandatory",
    check=check,
)
