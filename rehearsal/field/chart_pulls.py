"""Images of installed charts where nodes have no way out: each lies behind the mirror that the chart's values name."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.field.deployed import Deployment, Finding
from rehearsal.field.existing import leads_out
from rehearsal.field.mirror import MOVED, texts

SOURCE = "each chart, rendered by helm at its version"


def pulled_by_charts(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each image that a chart pulls and that no node of the network reaches."""
    if leads_out(deployment):
        return
    for chart in deployment.charts:
        mirrors = {found["mirror"] for found in map(MOVED.match, texts(chart.values)) if found}
        for image in () if chart.by_cloud else chart_pulls().get(chart.chart, {}).get("images", ()):
            if any(one.is_named(f"{mirror}/{image}") for mirror in mirrors for one in deployment.images):
                continue
            where = f"behind {', '.join(sorted(mirrors))}" if mirrors else "where it is published"
            message = f"nodes have no way out of their network, and {image} of {chart.chart} is not there ({where})"
            yield Finding(rule="images", subject=f"chart {chart.chart}", message=message, source=SOURCE)


@cache
def chart_pulls() -> Mapping[str, Mapping[str, Any]]:
    """By chart: its source, and its images with their tags."""
    return tomllib.loads((Path(__file__).parent / "chart_pulls.toml").read_text())
