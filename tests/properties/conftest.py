"""A place for stack files that are wrong."""

from pathlib import Path

import pytest


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path for a case's file: in a project of penstock's name, without a cluster at hand."""
    (tmp_path / "Pulumi.yaml").write_text("{name: penstock, runtime: python, main: .}")
    (tmp_path / "__main__.py").write_text("import stacks.__main__")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    return tmp_path / "Pulumi.case.yaml"
