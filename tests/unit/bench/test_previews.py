"""Previews as they are measured: their variants can be planned, and the floor registers the same."""

import json
from pathlib import Path

import pytest

from bench.places import config_file, registrations_of
from bench.preview import FEW_NODES, MANY_NODES, SIZED, sized
from bench.registrations import Registration, recorded
from bench.replay import replay
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.golden.test_registrations import line


@pytest.mark.parametrize("nodes", [FEW_NODES, MANY_NODES])
def test_a_stack_of_another_size_can_be_planned(nodes: int, tmp_path: Path) -> None:
    plan = plan_stack(read_path(config_file(SIZED, tmp_path / "sized", sized(nodes))), SIZED, NOW)
    assert plan.cluster.node_pools[0].node_count == nodes


@pytest.mark.parametrize("stack", ["local", "lab"])
def test_the_bare_program_registers_what_the_stack_does(stack: str, tmp_path: Path) -> None:
    asked = registrations_of(stack, tmp_path / "stack")
    again = recorded(lambda: replay(asked), stack=stack)
    assert sorted(map(everything, again)) == sorted(map(everything, asked))


def everything(asked: Registration) -> tuple[str, str, str]:
    return line(asked), json.dumps(asked.get("object"), sort_keys=True), asked.get("version", "")
