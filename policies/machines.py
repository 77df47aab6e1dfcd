"""What the rules know of AWS's machine types: the provider's rows, without the provider, which takes long to load."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
AUTO_SCALING_GROUP = "aws:autoscaling/group:Group"

FABRIC_INTERFACES = ("efa", "efa-only")

_FILE = Path(__file__).resolve().parents[1] / "providers" / "aws" / "machine_types.toml"


@cache
def machine_types() -> Mapping[str, Mapping[str, Any]]:
    """The rows by name."""
    return tomllib.loads(_FILE.read_text())


def fabric_cards(machine: Mapping[str, Any]) -> list[int]:
    """Indices of the network cards that carry the fabric; empty where the machine has none."""
    if not machine.get("max_efa"):
        return []
    able = [card["efa"] for card in machine["cards"] for _ in range(card["count"])]
    return list(machine.get("efa_cards") or (index for index, efa in enumerate(able) if efa))
