"""addons.toml: add-ons of which nothing has to be decided but whether they are on."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected, taken
from components.platform.values import at, merged
from components.platform.versions import versions


@dataclass(slots=True, kw_only=True)
class ChartAddon:
    """A row of addons.toml, which answers as a module of this folder does. The file says what its fields mean."""

    NAME: str
    about: str
    off: str
    DOES: tuple[Concern, ...] = ()
    scheduler: str = ""
    does_when: Mapping[str, str] = field(default_factory=dict)
    selectors: tuple[str, ...] = ()
    monitors: tuple[str, ...] = ()
    crds: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def verdict(self, request: PlatformRequest) -> AddonVerdict:
        """The concern's owner comes first: nothing is installed beside another's."""
        owned = next(filter(None, (taken(request, concern) for concern in self.DOES)), None)
        wanted = self.scheduler and self.NAME in request.scheduler_addons
        return owned or (on(self.scheduler) if wanted else off(self.off))

    def plan(self, request: PlatformRequest) -> AddonPlan:
        """Its chart with the row's values, and with monitors where somebody reads them; then the cloud's objects."""
        monitors = (at(path, request.monitors()) for path in self.monitors)
        chart = release(self.NAME, request, merged(self.values, *monitors, selected(request, *self.selectors)))
        return AddonPlan(
            name=self.NAME,
            namespace=versions()[self.NAME].namespace,
            release=chart,
            objects=request.facts.addon_objects.get(self.NAME, ()),
            crds=self.crds,
            webhooks=self.webhooks,
            needs=(*self.needs, *(request.monitoring() if self.monitors else ())),
            does=(*self.DOES, *self._more(chart.values)),
        )

    def _more(self, values: Mapping[str, Any]) -> Iterator[Concern]:
        for concern, path in self.does_when.items():
            value: Any = values
            for step in path.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
            if value:
                yield Concern(concern)


@cache
def addon_rows() -> Mapping[str, ChartAddon]:
    """By name. An unknown or missing field of a row is a TypeError, an unknown concern a ValueError."""
    rows = tomllib.loads(Path(__file__).parents[1].joinpath("addons.toml").read_text())
    return {name: _row(name, **row) for name, row in rows.items()}


def _row(name: str, *, does: tuple[str, ...] = (), **fields: Any) -> ChartAddon:
    lists: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return ChartAddon(NAME=name, DOES=tuple(map(Concern, does)), **lists)
