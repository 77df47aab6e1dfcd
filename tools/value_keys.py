"""Keys that a chart takes, read from the chart itself, as the platform's plan asks them: data of the product.

`python -m tools.value_keys CHART SOURCE OUT`: CHART is a chart's folder, or a JSON file that holds its keys already.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def main(chart: Path, source: str, out: Path) -> None:
    """Write the keys of one chart."""
    known = _of_json(chart) if chart.suffix == ".json" else _of_chart(chart)
    known["source"] = source or known["source"]
    out.write_text(json.dumps(known, indent=1) + "\n")
    print(f"{out.name}: {len(known['values'])} keys at the top, of {known['source']}")


def _of_json(file: Path) -> dict[str, Any]:
    given = json.loads(file.read_text())
    parts = [part if isinstance(part, str) else part["name"] for part in given["dependencies"]]
    return {"source": given["source"], "subcharts": parts, "values": given["values"]}


def _of_chart(folder: Path) -> dict[str, Any]:
    described = yaml.safe_load((folder / "Chart.yaml").read_text())
    parts = [part.get("alias") or part["name"] for part in described.get("dependencies") or ()]
    values = yaml.safe_load((folder / "values.yaml").read_text())
    return {"source": f"{described['name']} {described['version']}", "subcharts": parts, "values": shape(values)}


def shape(value: Any) -> Any:
    """The keys below a value: `{"*": "any"}` where the chart leaves them open, a word for what is no mapping."""
    if isinstance(value, dict):
        return {str(key): shape(one) for key, one in value.items()} if value else {"*": "any"}
    if isinstance(value, list):
        return ["list"]
    return "any" if value is None else type(value).__name__


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
