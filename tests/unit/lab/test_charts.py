"""Charts whose own charts are not on this machine."""

from pathlib import Path

import pytest
import yaml

from lab.charts import complete

DEPENDENCY = {"name": "inner", "version": "0.1.0", "repository": "oci://charts.example", "condition": "inner.install"}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "outer"
    folder.mkdir()
    about = {"apiVersion": "v2", "name": "outer", "version": "1.0.0", "dependencies": [DEPENDENCY]}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about))
    return folder


def test_a_missing_chart_has_a_stand_in_that_refuses(chart: Path, tmp_path: Path) -> None:
    copy = complete(chart, tmp_path / "copies")

    inner = copy / "charts" / "inner"
    assert yaml.safe_load((inner / "Chart.yaml").read_text())["version"] == "0.1.0"
    assert "fail" in (inner / "templates" / "refusal.yaml").read_text()
    assert not (chart / "charts").exists()
    assert complete(chart, tmp_path / "copies") == copy


def test_a_whole_chart_is_taken_as_it_is(chart: Path, tmp_path: Path) -> None:
    (chart / "charts" / "inner").mkdir(parents=True)

    assert complete(chart, tmp_path / "copies") == chart
