"""The host of a planned stack has all that the field rule *reach* asks for, and each part of it is missed undone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.aws.control_plane.eks import build as eks_build
from providers.aws.control_plane.eks import reach as reach_plan
from providers.aws.control_plane.eks import ssm_host
from rehearsal.field.reach import reach
from tests.deployed import stack_deployed
from tests.unit.providers.aws.whole_stacks import STACK, changed, write


def found(folder: Path, **changes: Any) -> list[str]:
    """Findings about the stack."""
    return [
        one.message for one in reach(stack_deployed(write(changed(changes, STACK), folder, "aws-test"), "aws-test"))
    ]


WITHOUT_NAT = {"cluster.network": {"nat": "none"}, "platform": {"registryMirror": "stack.registry"}}


@pytest.mark.parametrize("changes", [{}, WITHOUT_NAT], ids=["NAT", "endpoints"])
def test_the_planned_host_is_reached(changes: dict[str, Any], tmp_path: Path) -> None:
    assert found(tmp_path, **changes) == []


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
