"""Environment and project as the engine gets to see them, and reasons that stop it first."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.project import CHECKOUT, read_project
from engine.cli import _environment, passphrase_from_environment, policy_pack
from engine.errors import PassphraseError


@pytest.fixture(autouse=True)
def no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)


def test_passphrases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(PassphraseError, match="set PULUMI_CONFIG_PASSPHRASE, or"):
        passphrase_from_environment()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "none"))
    with pytest.raises(PassphraseError, match="none: No such file"):
        passphrase_from_environment()
    (tmp_path / "file").write_text("from a file\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(tmp_path / "file"))
    assert passphrase_from_environment() == "from a file"
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    assert passphrase_from_environment() == ""


def test_a_project_is_held_to_its_own_policies_else_to_penstocks(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: infrastructure\n")
    program, own = tmp_path / "__main__.py", tmp_path / "policies"
    program.write_text("import pulumi\n")
    assert policy_pack(read_project(tmp_path)) is None
    program.write_text("import stacks.__main__\n")
    assert policy_pack(read_project(tmp_path)) == CHECKOUT / "policies"
    own.mkdir()
    (own / "PulumiPolicy.yaml").write_text("runtime: python\n")
    assert policy_pack(read_project(tmp_path)) == own


def test_the_engine_reaches_loopback_without_a_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "internal")
    env = _environment(Path("/bin/pulumi"), tmp_path, tmp_path, "")
    assert env["no_proxy"] == env["NO_PROXY"] == "internal,127.0.0.1,localhost,::1"
    assert env["http_proxy"] == "http://proxy:3128"


def test_the_language_host_loads_without_the_sdk_and_leaves_it_importable() -> None:
    code = (
        "import sys, engine.language_host; assert 'pulumi.resource' not in sys.modules;"
        "import pulumi; assert pulumi.Resource; from pulumi.runtime.proto import language_pb2 as real;"
        "from engine.protocol import language; assert real is language"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
