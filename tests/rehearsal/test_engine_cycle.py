"""Rehearsals of a whole project: every phase, what is left, and what is never touched."""

import json
from pathlib import Path

import pytest

from components.errors import PenstockError
from engine.errors import PassphraseError
from rehearsal.cycle import Listener, Phase, Rehearsal, rehearse
from tests.rehearsal.conftest import TinyProject


@pytest.fixture
def stack_text(tiny: TinyProject) -> str:
    """The stack file as a user writes it, with no encryption in it; put in place."""
    text = f"# mine\nconfig:\n  tiny:path: {tiny.file}\n"
    tiny.stack_file.write_text(text)
    return text


def home(tiny: TinyProject) -> Path:
    return tiny.folder / ".penstock" / "rehearsal" / "dev"


def test_a_cycle_leaves_nothing(tiny: TinyProject, stack_text: str) -> None:
    seen: list[Phase] = []
    report = rehearse(Rehearsal.CYCLE, "dev", project=tiny.folder, listener=Listener(on_phase=seen.append))
    assert report.ok, [str(phase) for phase in report.phases]
    assert tuple(seen) == report.phases
    counts = [(phase.name, phase.created, phase.deleted, phase.same) for phase in report.phases]
    assert counts == [("up", 3, 0, 0), ("up again", 0, 0, 3), ("refresh", 0, 0, 3), ("destroy", 0, 3, 0)]
    assert json.loads(json.dumps(report.as_json()))["ok"] is True
    assert not home(tiny).exists()
    assert not tiny.file.exists()
    assert tiny.stack_file.read_text() == stack_text


def test_a_program_that_never_settles_fails_the_cycle(tiny: TinyProject, stack_text: str) -> None:
    program = tiny.folder / "program" / "__main__.py"
    program.write_text(program.read_text().replace('config.get("text") or "hello"', "str(__import__('time').time())"))
    report = rehearse(Rehearsal.CYCLE, "dev", project=tiny.folder)
    assert not report.ok
    assert [phase.name for phase in report.phases] == ["up", "up again", "destroy"]
    assert report.phases[1].problem == "expected no changes, got update file"
    assert report.kept is None
    assert not tiny.file.exists()


def test_what_is_kept_is_found_again(tiny: TinyProject, stack_text: str) -> None:
    up = rehearse(Rehearsal.UP, "dev", project=tiny.folder, keep=True)
    assert up.ok
    assert up.kept == home(tiny)
    assert tiny.file.exists()
    tiny.file.unlink()
    refresh = rehearse(Rehearsal.REFRESH, "dev", project=tiny.folder, keep=True)
    assert [phase.name for phase in refresh.phases] == ["refresh"]
    assert refresh.phases[0].problem == "expected no changes, got delete file"
    destroy = rehearse(Rehearsal.DESTROY, "dev", project=tiny.folder)
    assert [phase.name for phase in destroy.phases] == ["destroy"]
    assert destroy.ok
    assert not home(tiny).exists()


def test_a_preview_deploys_nothing(tiny: TinyProject, stack_text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    local = "  penstock:cluster: {cloud: local}\n  penstock:inference: {port: 8000}\n"
    tiny.stack_file.write_text(stack_text + local)
    report = rehearse(Rehearsal.PREVIEW, "dev", project=tiny.folder)
    assert report.ok
    assert report.phases[0].created == 3
    assert "which is the rehearsal's own" in report.notes[0]
    assert tiny.stack_file.read_text() == stack_text + local
    assert not tiny.file.exists()
    assert not home(tiny).exists()


def test_a_failing_program_is_reported_in_its_own_words(tiny: TinyProject, stack_text: str) -> None:
    tiny.stack_file.write_text(stack_text + "  tiny:broken: true\n")
    program = tiny.folder / "program" / "__main__.py"
    program.write_text("import sys\n\nprint('looked in vain', file=sys.stderr)\n" + program.read_text())
    report = rehearse(Rehearsal.UP, "dev", project=tiny.folder)
    assert not report.ok
    assert "ValueError: the description says broken" in report.phases[0].problem
    assert report.phases[0].words == ("looked in vain",)


def test_encryption_of_the_users_own_is_not_needed_without_secrets(tiny: TinyProject, stack_text: str) -> None:
    text = stack_text + "encryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n"
    tiny.stack_file.write_text(text)
    assert rehearse(Rehearsal.PREVIEW, "dev", project=tiny.folder).ok
    assert tiny.stack_file.read_text() == text


def test_secrets_need_the_users_passphrase(tiny: TinyProject, stack_text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.stack_file.write_text(stack_text + "  tiny:text: {secure: v1:abc}\n")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    with pytest.raises(PassphraseError, match="set PULUMI_CONFIG_PASSPHRASE"):
        rehearse(Rehearsal.PREVIEW, "dev", project=tiny.folder)


def test_a_stack_with_no_file(tiny: TinyProject) -> None:
    with pytest.raises(PenstockError, match=r"Pulumi\.prod\.yaml does not exist; there is dev"):
        rehearse(Rehearsal.UP, "prod", project=tiny.folder)


def test_a_stack_file_that_is_not_yaml(tiny: TinyProject) -> None:
    tiny.stack_file.write_text("config: [")
    with pytest.raises(PenstockError, match=r"Pulumi\.dev\.yaml: is not YAML"):
        rehearse(Rehearsal.UP, "dev", project=tiny.folder)
