"""The engines that serve a model: one pure row each."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from components.serving.engines import penstock, sglang, vllm
from components.serving.engines.row import ReplicaSize, ServingEngine
from components.spec.inference import EngineKind

__all__ = ["ENGINES", "ReplicaSize", "ServingEngine", "facts"]

ENGINES: Mapping[EngineKind, ServingEngine] = {
    EngineKind.PENSTOCK: penstock.ENGINE,
    EngineKind.VLLM: vllm.ENGINE,
    EngineKind.SGLANG: sglang.ENGINE,
}


@cache
def facts(kind: EngineKind) -> Mapping[str, Any]:
    """Version, flags, paths, metrics and variables of an engine's pinned version, read from its package by
    tools/engine_flags.py. KeyError of penstock's own, which has none."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("facts.json").read_text())[kind.value]
    return found
