"""images.toml: the images that each add-on pulls, by which they are copied to a registry of one's own."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from components.plan.kubernetes import AddonPlan
from components.platform.values import value_at

_VALUE = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledImages:
    """A row of images.toml."""

    always: tuple[str, ...]
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the path of the value that switches a part on."""


@cache
def pulled_images() -> Mapping[str, PulledImages]:
    """By add-on."""
    rows = tomllib.loads(Path(__file__).with_name("images.toml").read_text())
    return {
        name: PulledImages(
            always=tuple(row["always"]), where={path: tuple(images) for path, images in row.get("where", {}).items()}
        )
        for name, row in rows.items()
    }


def addon_images(addon: AddonPlan, mirror: str) -> Iterator[str]:
    """Images of the add-on as they are published; `mirror` is what its values have before their names."""
    row, values = pulled_images()[addon.name], addon.release.values if addon.release else {}
    on = [images for path, images in row.where.items() if value_at(values, path)]
    for image in (*row.always, *(image for images in on for image in images)):
        yield _VALUE.sub(lambda found: str(value_at(values, found[1])).removeprefix(f"{mirror}/"), image)
