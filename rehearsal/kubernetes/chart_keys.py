"""Values that a chart takes, from the keys that components/platform keeps of each add-on's."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from components.platform.values import check_values
from components.platform.versions import versions
from lab.releases import chart_name

OF_CLOUDS: Mapping[str, frozenset[str]] = {"azurelustre-csi-driver": frozenset({"node", "controller", "image"})}
"""Charts that a cloud's part of the product installs, with the first parts of their keys (that of Azure Managed Lustre:
kubernetes-sigs/azurelustre-csi-driver, chart 0.6.0, 2026-08)."""


def known_chart(chart: str) -> bool:
    """True if it is the chart of an add-on, or of a cloud's."""
    return chart in _addons() or chart in OF_CLOUDS


def problems(chart: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """`values.x: ...` for each key that the chart does not have."""
    if chart in OF_CLOUDS:
        return tuple(f"values.{key}: chart {chart}: no such key" for key in values if key not in OF_CLOUDS[chart])
    found = check_values(_addons()[chart], values, "values")
    return tuple(f"{problem.path}: chart {chart}: {problem.message}" for problem in found)


@cache
def _addons() -> Mapping[str, str]:
    """Add-ons by the names of their charts."""
    return {chart_name(row.chart): name for name, row in versions().items() if row.chart}
