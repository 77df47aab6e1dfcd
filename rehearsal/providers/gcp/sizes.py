"""Number of nodes of a GKE node pool, by the inputs of pulumi-gcp."""

from rehearsal.cloud.kind import Inputs


def first_count(inputs: Inputs) -> int:
    """Nodes in each zone when it is made: as the provider reckons (magic-modules, node_pool.go): what is given first of
    initialNodeCount and nodeCount, else the autoscaler's least.
    """
    scaling = inputs.get("autoscaling") or {}
    for found in (inputs.get("nodeCount"), inputs.get("initialNodeCount"), scaling.get("minNodeCount")):
        if isinstance(found, int | float):
            return int(found)
    return 0 if scaling else 1


def most_count(inputs: Inputs) -> int:
    """The most nodes that it may have in each zone."""
    scaling = inputs.get("autoscaling") or {}
    return int(scaling.get("maxNodeCount") or scaling.get("totalMaxNodeCount") or first_count(inputs))
