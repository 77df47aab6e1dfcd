"""Values that a chart takes, from the keys that components/platform keeps of each add-on's."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from components.platform.values import check_values
from components.platform.versions import versions
from lab.releases import chart_name


def known_chart(chart: str) -> bool:
    """True if it is the chart of an add-on."""
    return chart in _addons()


def problems(chart: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """`values.x: ...` for each key that the chart does not have."""
    found = check_values(_addons()[chart], values, "values")
    return tuple(f"{problem.path}: chart {chart}: {problem.message}" for problem in found)


@cache
def _addons() -> Mapping[str, str]:
    """Add-ons by the names of their charts."""
    return {chart_name(row.chart): name for name, row in versions().items() if row.chart}
