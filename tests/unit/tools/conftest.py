"""A cache of its own and a server for each test of the download code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools.web import Web, serving
from tools import download


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("PENSTOCK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "_unreachable", {})
    with serving(Web()) as found:
        yield found
