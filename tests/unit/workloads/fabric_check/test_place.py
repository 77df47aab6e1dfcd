"""A node's place among the others, as its scheduler tells it; and what the shipped job of Batch measures."""

from pathlib import Path

import pytest
import yaml

from workloads.fabric_check.config import parse_check
from workloads.fabric_check.place import MEETING_PORT, JobPlace, place_of

STACK = Path(__file__).parents[4] / "stacks" / "Pulumi.aws-batch.yaml"


def batch(index: int, *, main: int = 0, nodes: int = 4) -> dict[str, str]:
    numbers = {"NUM_NODES": nodes, "NODE_INDEX": index, "MAIN_NODE_INDEX": main}
    return {f"AWS_BATCH_JOB_{name}": str(value) for name, value in numbers.items()}


ADDRESS = {"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "10.0.0.7"}


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, JobPlace(nodes=1, node=0)),
        ({"JOB_COMPLETION_INDEX": "3"}, JobPlace(nodes=1, node=3)),
        (batch(0), JobPlace(nodes=4, node=0, meeting_port=MEETING_PORT)),
        (batch(3) | ADDRESS, JobPlace(nodes=4, node=3, main_address="10.0.0.7", meeting_port=MEETING_PORT)),
        (batch(2, main=2), JobPlace(nodes=4, node=0, meeting_port=MEETING_PORT)),
        (batch(1, main=2) | ADDRESS, JobPlace(nodes=4, node=3, main_address="10.0.0.7", meeting_port=MEETING_PORT)),
        (batch(0, nodes=1), JobPlace(nodes=1, node=0)),
    ],
)
def test_a_scheduler_tells_the_place(environment: dict[str, str], place: JobPlace) -> None:
    assert place_of(environment) == place


def test_the_shipped_job_of_batch_measures_all_nodes_over_the_fabric() -> None:
    config = yaml.safe_load(STACK.read_text())["config"]
    command = config["penstock:aws"]["controlPlane"]["command"]
    assert command[:4] == ["python", "-m", "workloads.fabric_check", "--spec"]
    check = parse_check(command[4])
    assert (check.device, check.fabric, check.ranks_per_node, check.volume) == ("cuda", True, 1, "/fsx")
