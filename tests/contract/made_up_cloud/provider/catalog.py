"""Machine types and capabilities."""

from components.catalog import Capabilities, Catalog, MachineType, accelerators
from components.fabric import Fabric
from components.spec.scheduler import SchedulerKind

REGIONS = ("middle-earth-1",)


def catalog() -> Catalog:
    """Two rows. A real cloud keeps them in machine_types.toml, each with its source."""
    machines = (
        MachineType(
            name="plain", cores=16, memory_gib=64, accelerator=None, accelerator_count=0, fabric=Fabric.ETHERNET
        ),
        MachineType(
            name="fast", cores=96, memory_gib=1024, accelerator=accelerators()["h100"], accelerator_count=8,
            fabric=Fabric.RDMA, fabric_gbps=3200,
        ),
    )  # fmt: skip
    return Catalog(
        cloud="madeup",
        machine_types={machine.name: machine for machine in machines},
        capabilities=Capabilities(schedulers=(SchedulerKind.KUEUE,), max_nodes_per_pool=100),
        regions=REGIONS,
    )
