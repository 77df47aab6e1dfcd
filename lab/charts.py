"""Charts as helm takes them, where the folder that a Go module brings lacks the charts that it depends on."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

TO_HELM = "{{{{ fail {message} }}}}\n"


def charts_in(folders: Iterable[Path]) -> dict[str, Path]:
    """The charts below these folders, by the name that each has in its Chart.yaml; charts within charts left out."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.rglob("Chart.yaml"), key=lambda one: len(one.parts)):
            if not any(chart in file.parents for chart in found.values()):
                found[str(yaml.safe_load(file.read_text())["name"])] = file.parent
    return found


def complete(chart: Path, copies: Path) -> Path:
    """The chart's folder, or where charts within it are missing a copy that has a stand-in for each.

    helm refuses a chart without its dependencies also where the values switch them off. A stand-in that is switched on
    ends the installation with its name.
    """
    absent = tuple(_absent(chart))
    if not absent:
        return chart
    copy = copies / chart.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(chart, copy)
    for dependency in absent:
        _stand_in(copy / "charts" / dependency["name"], dependency)
    return copy


def _absent(chart: Path) -> Iterator[Mapping[str, Any]]:
    """Those of Chart.yaml that are no folder of `charts`."""
    content = yaml.safe_load((chart / "Chart.yaml").read_text())
    for dependency in content.get("dependencies") or ():
        if not (chart / "charts" / dependency["name"]).is_dir():
            yield dependency


def _stand_in(folder: Path, dependency: Mapping[str, Any]) -> None:
    (folder / "templates").mkdir(parents=True)
    about = {"apiVersion": "v2", "name": dependency["name"], "version": dependency["version"]}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about))
    message = json.dumps(f"the chart {dependency['name']}, which this one would install too, is not on this machine")
    (folder / "templates" / "refusal.yaml").write_text(TO_HELM.format(message=message))
