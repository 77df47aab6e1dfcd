"""Pairs that exchange, slow nodes, and NCCL's own words on its transport."""

import json

import pytest

from workloads.fabric_check.config import CheckFile
from workloads.fabric_check.evidence import MOST_BYTES, Evidence, FabricState, Measured, judge
from workloads.fabric_check.pairs import ROUNDS, best_rates, rounds, slow_units
from workloads.fabric_check.transport import NONE, fell_back, nccl_transport

EFA = """
n0:11:90 [0] NCCL INFO NET/OFI Selected provider is efa, fabric is efa (found 32 nics)
n0:11:90 [0] NCCL INFO Using network AWS Libfabric
n0:11:90 [0] NCCL INFO Channel 00/0 : 15[7] -> 0[0] [receive] via NET/AWS Libfabric/0/GDRDMA
"""
INFINIBAND = """
n0:11:90 [0] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB [RO]; OOB eth0:10.0.0.4<0>
n0:11:90 [0] NCCL INFO Using network IB
n0:11:90 [0] NCCL INFO Channel 00/0 : 15[7] -> 0[0] [receive] via NET/IB/0/GDRDMA
"""
SOCKET = """
n0:11:90 [0] NCCL INFO NET/IB : No device found.
n0:11:90 [0] NCCL INFO NET/Socket : Using [0]eth0:10.0.0.4<0>
n0:11:90 [0] NCCL INFO Using network Socket
n0:11:90 [0] NCCL INFO Channel 00/0 : 1[0] -> 0[0] [receive] via NET/Socket/0
"""


@pytest.mark.parametrize("units", range(2, 40))
def test_everybody_has_another_partner_in_each_round(units: int) -> None:
    made = rounds(units)
    assert len(made) == min(ROUNDS, units + units % 2 - 1)
    met: set[tuple[int, int]] = set()
    for pairs in made:
        seated = [unit for pair in pairs for unit in pair]
        assert len(seated) == len(set(seated)) == units - units % 2
        assert set(seated) <= set(range(units))
        ordered = {(min(pair), max(pair)) for pair in pairs}
        assert not met & ordered
        met |= ordered


@pytest.mark.parametrize("units", [3, 4, 5, 8, 17, 64, 1024])
@pytest.mark.parametrize("slow", [0, 1, 2])
def test_one_slow_unit_is_named_and_its_partners_are_not(units: int, slow: int) -> None:
    results = [{unit: 2.0 if slow in pair else 40.0 for pair in pairs for unit in pair} for pairs in rounds(units)]
    assert slow_units(best_rates(results), 0.7) == (slow,)


def test_of_two_nobody_is_named() -> None:
    assert slow_units({0: 40.0, 1: 1.0}, 0.7) == ()


def test_alike_units_pass() -> None:
    assert slow_units({0: 40.0, 1: 39.0, 2: 31.0, 3: 41.0}, 0.7) == ()


def test_the_transport_is_what_nccl_says() -> None:
    assert nccl_transport([EFA, EFA]) == "AWS Libfabric"
    assert nccl_transport([INFINIBAND]) == "IB"
    assert nccl_transport([SOCKET]) == "Socket"
    assert nccl_transport([EFA, SOCKET]) == "Socket"
    assert nccl_transport([]) == NONE


def test_only_tcp_is_a_fall_back() -> None:
    assert [fell_back(name) for name in ("Socket", "tcp", "IB", "AWS Libfabric", NONE)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_nodes_on_sockets_are_named_where_a_fabric_is_expected() -> None:
    measured = Measured(
        names=("a", "b", "c"), units=("a", "b", "c"), ranks=24, sweep=((1 << 30, 400.0),),
        rates={0: 40.0, 1: 40.0, 2: 40.0}, transports={0: "IB", 1: "Socket", 2: "IB"},
    )  # fmt: skip
    verdict = judge(CheckFile(fabric=True, floor_gbps=300.0), measured)
    assert (verdict.state, verdict.slow_nodes) == (FabricState.FAIL, ("b",))
    assert verdict.transport == "IB, Socket"
    assert judge(CheckFile(floor_gbps=300.0), measured).state is FabricState.PASS


def test_without_a_floor_it_says_that_none_is_known() -> None:
    measured = Measured(names=("a",), units=("rank 0", "rank 1"), ranks=2, sweep=((8, 1.0),))
    assert judge(CheckFile(), measured).reason.endswith("no floor is known for it")


def test_evidence_of_a_thousand_nodes_fits_a_termination_message() -> None:
    names = tuple(f"ip-10-0-{number // 256}-{number % 256}.us-east-2.compute.internal" for number in range(1024))
    measured = Measured(
        names=names, units=names, ranks=8192, sweep=tuple((1 << power, 1.0) for power in range(3, 34)),
        rates={number: 40.0 if number % 2 or number > 100 else 1.0 for number in range(1024)},
        transports=dict.fromkeys(range(1024), "AWS Libfabric"),
    )  # fmt: skip
    line = judge(CheckFile(device="cuda", floor_gbps=300.0), measured).line()
    assert len(line.encode()) <= MOST_BYTES
    content = json.loads(line)
    assert content["state"] == "fail"
    assert len(content["slowNodes"]) == 32
    assert len(Evidence(state=FabricState.PASS, reason="x" * 9000).line()) <= MOST_BYTES
