"""This node among those of its job, by what its scheduler says: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

MEETING_PORT = 29400
"""Of the main node's store on AWS Batch, where a container of several nodes has its machine and an address for
itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlace:
    """Number of this node, from 0, among `nodes`. Node 0 keeps the store in which all meet."""

    nodes: int = 1
    node: int = 0
    main_address: str = ""
    """Of node 0; empty on itself, and where nodes meet by a file."""
    meeting_port: int = 0
    """Port of node 0's store; 0 where nodes meet by a file."""


def place_of(environment: Mapping[str, str]) -> JobPlace:
    """The place that AWS Batch or Kubernetes tells, else the only node.

    Batch counts its main node like the others, and may be told that it is another than 0; to the others alone it gives
    the main node's address (Batch User Guide, "Environment variables" of multi-node parallel jobs). An indexed Job of
    Kubernetes tells a pod its number, and not how many there are.
    """
    if (nodes := int(environment.get("AWS_BATCH_JOB_NUM_NODES", "1"))) > 1:
        index, main = (int(environment[f"AWS_BATCH_JOB_{name}_INDEX"]) for name in ("NODE", "MAIN_NODE"))
        return JobPlace(
            nodes=nodes,
            node=(index - main) % nodes,
            main_address=environment.get("AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS", ""),
            meeting_port=MEETING_PORT,
        )
    return JobPlace(node=int(environment.get("JOB_COMPLETION_INDEX", "0")))
