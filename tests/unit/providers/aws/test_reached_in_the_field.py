"""The host of a planned stack has all that the field rule *reach* asks for, and each part of it is missed undone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers import load
from providers.aws.control_plane.eks import build as eks_build
from providers.aws.control_plane.eks import reach as reach_plan
from providers.aws.control_plane.eks import ssm_host
from rehearsal.field.reach import reach
from rehearsal.field.reading import deployment_of
from rehearsal.providers.aws.field_facts import FACTS
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build
from tests.clock import NOW
from tests.deployed import OUTPUTS, identity
from tests.deployed import built as made_of
from tests.unit.providers.aws.mocks import register
from tests.unit.providers.aws.whole_stacks import STACK, changed, write
from tests.unit.rehearsal.field.field_cases import built

OBJECT = built("kubernetes:core/v1:Namespace", "n", {"kind": "Namespace"})


def found(folder: Path, **network: Any) -> list[str]:
    """Findings about the stack, with an object in its cluster."""
    changes = {"cluster.network": network} if network else {}
    if network.get("nat") == "none":
        changes |= {"platform": {"registryMirror": "stack.registry"}}
    plan = plan_stack(read_path(write(changed(changes, STACK), folder, "aws-test")), "aws-test", NOW)
    graph = register(lambda: build(load("aws"), plan), outputs=OUTPUTS, identify=identity)
    return [one.message for one in reach(deployment_of(FACTS, [*made_of(graph), OBJECT]))]


@pytest.mark.parametrize("nat", ["single", "none"])
def test_the_planned_host_is_reached_with_nat_and_by_endpoints(tmp_path: Path, nat: str) -> None:
    assert found(tmp_path, nat=nat) == []


def host_alone(_self: Any, _name: str, _reach: Any, _cluster: Any, host: Any) -> Iterator[Any]:
    yield from host.ready


UNDONE: dict[str, tuple[Any, str, Any, str]] = {
    "policy": (ssm_host, "_MANAGED", ("ReadOnlyAccess",), "no right to Systems Manager"),
    "port out": (ssm_host, "_HTTPS", 80, "no HTTPS out"),
    "image": (reach_plan, "IMAGE_PARAMETER", "/aws/service/ami-amazon-linux-latest/al2023-ami-minimal", "no agent"),
    "rule": (eks_build.Eks, "_ways_in", host_alone, "does not admit it at 443"),
    "kubeconfig": (eks_build, "kubeconfig", lambda *_: "{}", "answers only inside the network"),
}


@pytest.mark.parametrize("undone", UNDONE)
def test_what_is_undone_is_missed(undone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, value, words = UNDONE[undone]
    monkeypatch.setattr(owner, name, value)
    (told,) = found(tmp_path)
    assert words in told
