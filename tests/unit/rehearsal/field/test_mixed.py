"""Several machine types in one pool."""

from typing import Any

import pytest

from rehearsal.field.allocatable import allocatable
from rehearsal.field.facts import FieldFacts, MachineSize
from rehearsal.field.mixed import mixed
from tests.unit.rehearsal.field.field_cases import deployment, job, pool

SIZES = {
    "a.large": MachineSize(cores=8, memory_mib=32768, pods=58, kind="x86_64"),
    "b.large": MachineSize(cores=8, memory_mib=32768, pods=58, kind="x86_64"),
    "a.xlarge": MachineSize(cores=16, memory_mib=65536, pods=58, kind="x86_64"),
    "g.large": MachineSize(cores=8, memory_mib=32768, pods=58, kind="arm64"),
}
FACTS = FieldFacts(nodes="aws", sizes_of=SIZES.get)


@pytest.mark.parametrize(
    ("others", "most", "words"),
    [
        (("b.large",), 4, []),
        (("a.xlarge",), 2, []),
        (("a.xlarge",), 4, ["is resized as if a.xlarge (16 cores, 65536 Mi) were a.large"]),
        (("g.large",), 2, ["may get g.large (arm64) for a.large (x86_64)"]),
    ],
)
def test_machines_differ_in_nothing_that_a_node_is_counted_on_for(
    others: tuple[str, ...], most: int, words: list[str]
) -> None:
    nodes = pool(machine_type="a.large", others=others, maximum=most, devices={})
    told = [one.message for one in mixed(deployment(FACTS, pools=(nodes,)))]
    assert len(told) == len(words)
    assert all(part in one for part, one in zip(words, told, strict=True))


def test_a_node_offers_the_least_of_all_that_it_may_be() -> None:
    asks: dict[str, Any] = {"requests": {"memory": "40Gi", "nvidia.com/gpu": "0", "cpu": "1"}}
    for others, count in (((), 0), (("a.large",), 1)):
        nodes = pool(machine_type="a.xlarge", others=others, devices={})
        assert len(list(allocatable(deployment(FACTS, pools=(nodes,), objects=(job(**asks),))))) == count, others
