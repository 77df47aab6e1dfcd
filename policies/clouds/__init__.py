"""The clouds' facts: one file each, found by being here."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from policies.facts import CloudReader, Launch, Pool
from policies.rule import StackResource

CLOUDS: Final[tuple[CloudReader, ...]] = tuple(
    importlib.import_module(f"{__name__}.{module.name}").FACTS for module in pkgutil.iter_modules(__path__)
)


def launch_of(kind: str, inputs: Mapping[str, Any]) -> tuple[CloudReader, Launch] | None:
    """The cloud that starts machines from a resource, and what it starts."""
    return next(((cloud, found) for cloud in CLOUDS if (found := cloud.launch(kind, inputs))), None)


def pool_of(kind: str, inputs: Mapping[str, Any]) -> tuple[CloudReader, Pool] | None:
    """The cloud of a pool, and the pool as it reads it."""
    return next(((cloud, found) for cloud in CLOUDS if (found := cloud.pool(kind, inputs))), None)


def pools(resources: Sequence[StackResource]) -> Iterator[tuple[StackResource, Pool, list[Launch], CloudReader]]:
    """Each pool of a stack with what starts its machines."""
    for resource in resources:
        if found := pool_of(resource.kind, resource.outputs):
            cloud, pool = found
            launches = [cloud.launch(each.kind, each.outputs) for each in cloud.launches(resource)]
            yield resource, pool, [launch for launch in launches if launch], cloud
