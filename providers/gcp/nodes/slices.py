"""Node pools of GKE that one pool of the stack file becomes: one, or one for each TPU slice or NVLink domain."""

from components.errors import Problem, SpecError
from components.spec.cluster import NodePoolSpec
from providers.gcp.catalog import GcpMachine
from providers.gcp.settings import GcpPoolSpec
from providers.gcp.tpu import GENERATIONS, Generation, TpuSlice, nearest, tpu_slice
from providers.gcp.types import GkeGroup


def slice_of(pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine) -> TpuSlice | None:
    """The TPU slice of which the pool has one or several; None without TPUs. SpecError where topology, machine type and
    count do not go together.
    """
    if not machine.is_tpu:
        return None
    row = next(one for one in GENERATIONS.values() if machine.name in one.machines.values())
    path = f"gcp.pools.{pool.name}"
    if asked.topology is None:
        return _of_one_machine(pool, machine, row)
    found = tpu_slice(row.name, asked.topology, path)
    problems = []
    if found.machine_type != machine.name:
        message = f"{machine.name!r}: a slice {asked.topology} of TPU {row.name} is of {found.machine_type}; take that"
        problems.append(Problem(path=f"cluster.nodePools.{pool.name}.machineType", message=message))
    for key, count in (("count", pool.count), ("minCount", pool.min_count), ("maxCount", pool.max_count)):
        if count is not None and count % found.nodes:
            up = -(-count // found.nodes) * found.nodes
            message = (
                f"{count}: a slice {asked.topology} has {found.nodes} nodes; take a multiple of that, such as {up}"
            )
            problems.append(Problem(path=f"cluster.nodePools.{pool.name}.{key}", message=message))
    if problems:
        raise SpecError(problems)
    return found


def groups_of(pool: NodePoolSpec, machine: GcpMachine, slice_: TpuSlice | None, nodes: int) -> tuple[GkeGroup, ...]:
    """A slice or a domain is made, repaired and taken away as a whole, so each is a node pool of its own."""
    size = slice_.nodes if slice_ and slice_.nodes > 1 else machine.domain_nodes
    if size <= 1 or pool.most <= size:
        return (GkeGroup(name=pool.name, nodes=nodes, least=pool.least, most=max(1, pool.most)),)
    return tuple(
        GkeGroup(
            name=f"{pool.name}-{index}",
            nodes=min(size, max(0, nodes - index * size)),
            least=min(size, max(0, pool.least - index * size)),
            most=min(size, pool.most - index * size),
        )
        for index in range(-(-pool.most // size))
    )


def _of_one_machine(pool: NodePoolSpec, machine: GcpMachine, row: Generation) -> TpuSlice:
    """The slice that one machine is, where no topology is given. Four chips may also be a part of a larger one."""
    chips = machine.accelerator_count
    alone = [topology for topology, count in row.single.items() if count == chips]
    if not alone:
        near = ", ".join(nearest(row, "x".join(["2"] * (2 if row.flat else 3))))
        message = f"is missing, and {machine.name} is a part of slices; give one, such as {near}"
        raise SpecError([Problem(path=f"gcp.pools.{pool.name}.topology", message=message)])
    return tpu_slice(row.name, alone[0], f"gcp.pools.{pool.name}")
