"""Version of the NVIDIA driver on a node, as its kernel tells of it."""

from pathlib import Path

import pytest

from workloads.fabric_check.driver import driver_below

CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Wed Mar 13 03:58:11 UTC 2026\nGCC version: 13.2.0\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  (builder@host)\nGCC version: 13\n"


@pytest.mark.parametrize("form", [CLOSED, OPEN])
@pytest.mark.parametrize(
    ("version", "good"),
    [("570.133.20", True), ("570.133.19", False), ("570.86", False), ("580.95.05", True), ("1000.1", True)],
)
def test_a_driver_is_compared_as_a_number(form: str, version: str, good: bool, tmp_path: Path) -> None:
    told = tmp_path / "version"
    told.write_text(form.format(version))
    why = driver_below("570.133.20", told)
    assert why == ("" if good else f"its NVIDIA driver is {version}, and its accelerators need 570.133.20")


def test_a_driver_that_is_not_there_will_not_do(tmp_path: Path) -> None:
    assert "no NVIDIA driver is loaded" in driver_below("570.133.20", tmp_path / "missing")
    (tmp_path / "other").write_text("NVRM version: what is this")
    assert "is not told" in driver_below("570.133.20", tmp_path / "other")
