"""Makeup of nodes: what takes them away is refused without consent, and told with it."""

from typing import Any

import pytest

from components.errors import PenstockError
from plugin.node_changes import NODE_CHANGES


def pool(nodes: int = 4, rolls: dict[str, Any] | None = None, **replaces: Any) -> dict[str, Any]:
    return {"nodes": nodes, "machineType": "trn2.48xlarge", "rolls": rolls or {"disk": 200}, "replaces": replaces}


def asked(consent: str = "", **pools: Any) -> dict[str, Any]:
    return {"pools": pools, "consent": consent}


OLD = asked(train=pool(image="a"))


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        asked(train=pool(nodes=9, image="a")),
        asked(train=pool(image="a"), serve=pool(image="b")),
        asked(),
        asked(train=pool(image="a", unheard="of an older penstock")),
    ],
)
def test_sizes_new_pools_and_removed_ones_need_no_consent(new: dict[str, Any]) -> None:
    assert all(not change.warning for change in NODE_CHANGES.diff(OLD, new, {}))


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (pool(rolls={"disk": 400}, image="a"), "pool train: disk 200 -> 400 rolls its 4 nodes (trn2.48xlarge)"),
        (pool(image="b"), "pool train: image a -> b replaces its 4 nodes (trn2.48xlarge)"),
    ],
)
def test_what_takes_nodes_away_needs_consent_and_is_told(new: dict[str, Any], words: str) -> None:
    with pytest.raises(PenstockError, match=r"cluster\.allowNodeRoll is not set") as refusal:
        NODE_CHANGES.diff(OLD, asked(train=new), {})
    assert words in str(refusal.value)
    (pools, _) = NODE_CHANGES.diff(OLD, asked("no run is under way", train=new), {})
    assert pools.warning.startswith(words)


def test_a_consent_alone_is_an_update() -> None:
    assert [change.name for change in NODE_CHANGES.diff(OLD, OLD | {"consent": "for later"}, {})] == ["consent"]
