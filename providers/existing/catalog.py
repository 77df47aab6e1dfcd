"""Offer of an existing cluster: machines that many have, and every scheduler that runs on Kubernetes."""

import tomllib
from pathlib import Path

from components.catalog import Capabilities, Catalog, MachineType, accelerators
from components.fabric import Fabric
from components.spec.scheduler import SchedulerKind

SCHEDULERS = (
    SchedulerKind.KUEUE,
    SchedulerKind.TRAINER,
    SchedulerKind.VOLCANO,
    SchedulerKind.KAI,
    SchedulerKind.KUBERAY,
    SchedulerKind.MPI,
    SchedulerKind.SLURM,
)

MAX_NODES = 5000
"""Of a cluster (Kubernetes documentation, "Considerations for large clusters")."""


def catalog() -> Catalog:
    """The machines of the table, with the fabric that their makers build them with. A cluster's own come on top."""
    chips = accelerators()
    rows = tomllib.loads(Path(__file__).with_name("machine_types.toml").read_text())
    machines = {
        name: MachineType(
            name=name, fabric=Fabric.RDMA, **(row | {"accelerator": chips[row["accelerator"]]})
        )
        for name, row in rows.items()
    }  # fmt: skip
    return Catalog(
        cloud="existing",
        machine_types=machines,
        capabilities=Capabilities(schedulers=SCHEDULERS, max_nodes_per_pool=MAX_NODES),
    )
