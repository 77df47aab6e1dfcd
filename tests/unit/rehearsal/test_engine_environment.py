"""What of the user's environment and project the engine gets to see, and what stops it first."""

import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.engine.cli import passphrase_from_environment
from rehearsal.engine.errors import PassphraseError


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


def test_the_language_host_loads_without_the_sdk_and_leaves_it_importable() -> None:
    code = (
        "import sys, rehearsal.engine.language_host; assert 'pulumi.resource' not in sys.modules;"
        "import pulumi; assert pulumi.Resource; from pulumi.runtime.proto import language_pb2 as real;"
        "from rehearsal.engine.protocol import language; assert real is language"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
