"""The field rules, in the order in which they are told."""

from collections.abc import Callable, Iterator

from rehearsal.field.agents import agents
from rehearsal.field.allocatable import allocatable
from rehearsal.field.balancers import balancers
from rehearsal.field.claims import claims
from rehearsal.field.containers import containers
from rehearsal.field.deployed import Deployment, Finding
from rehearsal.field.disruption import disruption
from rehearsal.field.existing import existing
from rehearsal.field.hosts import entrances, mounts, prepared
from rehearsal.field.identity import identity
from rehearsal.field.images import images
from rehearsal.field.lacking import lacking
from rehearsal.field.landing import landing
from rehearsal.field.lnet import lnet
from rehearsal.field.marks import marks
from rehearsal.field.mirror import mirror
from rehearsal.field.mixed import mixed
from rehearsal.field.nvlink import nvlink
from rehearsal.field.patience import patience
from rehearsal.field.places import partitions, places, support
from rehearsal.field.propagation import exclusive, propagation, reserved
from rehearsal.field.provisioning import provisioning
from rehearsal.field.reach import reach
from rehearsal.field.repair import repair
from rehearsal.field.rights import rights
from rehearsal.field.rolling import rolling
from rehearsal.field.scaling import scaling, served
from rehearsal.field.shortage import shortage
from rehearsal.field.slurm import slurm
from rehearsal.field.sums import sums
from rehearsal.field.topology import topology
from rehearsal.field.transitions import transitions

Rule = Callable[[Deployment], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    reach, allocatable, landing, images, rolling, transitions, scaling, served, propagation, exclusive, lacking,
    topology, disruption, claims, nvlink, identity, mirror, marks, sums, slurm, places, partitions, support, mounts,
    lnet, mixed, entrances, prepared, repair, rights, patience, reserved, existing, shortage,
    agents, balancers, containers, provisioning,
)  # fmt: skip


def findings(deployment: Deployment) -> tuple[Finding, ...]:
    """All findings, each once: by its rule, subject and message."""
    first: dict[tuple[str, str, str], Finding] = {}
    for rule in (*RULES, *deployment.facts.rules):
        for one in rule(deployment):
            first.setdefault(one.key, one)
    return tuple(first.values())
