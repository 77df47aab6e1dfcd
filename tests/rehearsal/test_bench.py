"""Benchmarks that start engines, in their shortest form: they run, and compare what they say they do."""

from pathlib import Path

import pytest

from bench import plan, preview
from bench.terraform import NoTerraformError, mirror

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("pulumi")]


def test_a_preview_is_compared_with_its_floor_and_an_empty_program() -> None:
    bare, empty = preview.figures(stacks=("local",), sizes=False, rounds=1)
    assert bare.what == "preview of local / of its registrations by a bare program"
    assert empty.what == "preview of local / of an empty program"
    assert min(bare.value, empty.value) > 0


def test_commands_are_timed() -> None:
    local, aws, usage = plan.figures(terraform=False, rounds=1)
    assert (local.unit, aws.unit, usage.unit) == ("s", "s", "s")
    assert "interpreter alone" in local.note


def test_where_terraform_is_not_the_reason_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(tmp_path))
    with pytest.raises(NoTerraformError, match="TF_PLUGIN_MIRROR names one"):
        mirror()
