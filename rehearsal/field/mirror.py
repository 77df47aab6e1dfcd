"""Mirrors: where images come from a mirror, those that a chart takes from elsewhere are not there to pull."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, at

PUBLIC = r"(docker\.io|quay\.io|ghcr\.io|nvcr\.io|registry\.k8s\.io|public\.ecr\.aws|gcr\.io|cr\.fluentbit\.io)"
MOVED = re.compile(rf"(?P<mirror>[a-z0-9.-]+\.[a-z0-9.-]+(:\d+)?(/[A-Za-z0-9._-]+)*)/{PUBLIC}(/|$)")
"""A public registry's name below another host: an image behind a mirror."""

SOURCE = "each chart, rendered by helm at its version: the image is taken where the value says, and no mirror is asked"


def mirror(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each image of an installed chart that is not taken from the mirror which others are taken from."""
    mirrors = {
        found["mirror"] for chart in deployment.charts for found in map(MOVED.match, texts(chart.values)) if found
    }
    for chart in deployment.charts if mirrors else ():
        for path, image in images_of_charts().get(chart.chart, {}).items():
            said = at(chart.values, path)
            if not any(str(said).startswith(f"{one}/") for one in mirrors):
                message = (
                    f"takes {said or image} from where it is published, and other images come from a mirror ({path})"
                )
                yield Finding(rule="mirror", subject=f"{chart.chart} {path}", message=message, source=SOURCE)


def texts(value: Any) -> Iterator[str]:
    """Every text in chart values."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, str):
        yield value


@cache
def images_of_charts() -> Mapping[str, Mapping[str, str]]:
    """By chart, the values that decide where the images come from that it pulls, with what it takes without them."""
    rows: Mapping[str, Mapping[str, str]] = tomllib.loads((Path(__file__).parent / "chart_images.toml").read_text())
    return rows
