"""The clouds: one folder each, found by one registry."""

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from components.provider import CloudProvider
from components.spec.base import Spec
from components.spec.stack import Clouds, StackSpec
from providers.registry import MODULES

__all__ = ["MODULES", "clouds", "discover", "load"]


def load(cloud: str) -> CloudProvider[Any]:
    """The module of that cloud. Its plan is its own: hand it back to it only."""
    return cast("CloudProvider[Any]", import_module(MODULES[cloud]))


def clouds() -> Clouds:
    """Every cloud, with how to load the form of its own key of a stack file; None where it has no such key."""
    return {cloud: partial(_settings, cloud) if _has(cloud, "settings") else None for cloud in MODULES}


def discover(spec: StackSpec) -> StackSpec:
    """The spec with what its place tells of itself. Asks nobody but a place that is there already."""
    return load(spec.cluster.cloud).discover(spec)


def _settings(cloud: str) -> type[Spec]:
    found = load(cloud).settings
    assert found is not None, f"{MODULES[cloud]} has settings.py and names no settings"
    return found


def _has(cloud: str, file: str) -> bool:
    """True if the cloud's folder has that file. Imports nothing of it."""
    package = find_spec(MODULES[cloud])
    folders = package.submodule_search_locations if package else None
    return any((Path(folder) / f"{file}.py").is_file() for folder in folders or ())
