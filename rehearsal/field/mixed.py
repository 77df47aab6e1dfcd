"""Several machine types in one pool: any node may be any of them."""

from collections.abc import Iterator

from rehearsal.field.deployed import Deployment, Finding

_KIND = "EKS User Guide, Managed node groups: one image type for all machines of a group"
_SIZE = (
    "kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/README.md, Using Mixed Instances Policies: the same "
    "CPUs and memory, as the first machine type stands for all"
)


def mixed(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each machine type that differs from its pool's first in what one image or one template of a node
    assumes: processors' kind and devices; in a pool that may change its size, cores and memory too.
    """
    for pool in deployment.pools:
        for name in pool.others:
            mine, theirs = _kind(deployment, pool.machine_type), _kind(deployment, name)
            if mine != theirs:
                message = f"{pool.name} may get {name} ({theirs}) for {pool.machine_type} ({mine})"
                yield Finding(rule="mixed", subject=f"pool {pool.name}", message=message, source=_KIND)
            sizes = [_size(deployment, one) for one in (pool.machine_type, name)]
            if pool.minimum < pool.maximum and sizes[0] != sizes[1]:
                message = f"{pool.name} is resized as if {name} ({sizes[1]}) were {pool.machine_type} ({sizes[0]})"
                yield Finding(rule="mixed", subject=f"pool {pool.name}", message=message, source=_SIZE)


def _kind(deployment: Deployment, machine_type: str) -> str:
    size = deployment.facts.sizes_of(machine_type) if deployment.facts.sizes_of else None
    return size.kind if size else "unknown"


def _size(deployment: Deployment, machine_type: str) -> str:
    size = deployment.facts.sizes_of(machine_type) if deployment.facts.sizes_of else None
    return f"{size.cores} cores, {size.memory_mib} Mi" if size else "unknown"
