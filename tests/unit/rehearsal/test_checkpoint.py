"""A state file that an engine was killed in the middle of."""

from pathlib import Path

import pytest

from engine.checkpoint import mend_checkpoint

WHOLE = '{"version": 3, "checkpoint": {}}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / ".pulumi" / "stacks" / "tiny" / "dev.json"
    found.parent.mkdir(parents=True)
    return found


@pytest.mark.parametrize("half", ["", WHOLE[:20]])
def test_half_a_file_gives_way_to_its_last_copy(tmp_path: Path, file: Path, half: str) -> None:
    file.write_text(half)
    file.with_name("dev.json.bak").write_text(WHOLE)
    assert mend_checkpoint(tmp_path, "tiny", "dev")
    assert file.read_text() == WHOLE


def test_a_whole_file_stays(tmp_path: Path, file: Path) -> None:
    file.write_text(WHOLE)
    file.with_name("dev.json.bak").write_text('{"older": true}')
    assert not mend_checkpoint(tmp_path, "tiny", "dev")
    assert file.read_text() == WHOLE


def test_nothing_to_mend_with(tmp_path: Path, file: Path) -> None:
    assert not mend_checkpoint(tmp_path, "tiny", "dev")
    file.write_text("")
    file.with_name("dev.json.bak").write_text("")
    assert not mend_checkpoint(tmp_path, "tiny", "dev")
    assert file.read_text() == ""


def test_half_a_file_of_attributes_is_done_without(tmp_path: Path, file: Path) -> None:
    attributes = file.with_name("dev.json.attrs")
    file.write_text(WHOLE)
    attributes.write_text("")
    assert mend_checkpoint(tmp_path, "tiny", "dev")
    assert not attributes.exists()
    assert file.read_text() == WHOLE


def test_whole_attributes_stay(tmp_path: Path, file: Path) -> None:
    file.write_text(WHOLE)
    file.with_name("dev.json.attrs").write_text('{"user.content_type": ""}')
    assert not mend_checkpoint(tmp_path, "tiny", "dev")
    assert file.with_name("dev.json.attrs").exists()
