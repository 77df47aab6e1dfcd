"""The copy of a stack file that the engine may write into."""

from pathlib import Path

import pytest

from rehearsal.stack_file import copy_for_rehearsal, has_secrets

TEXT = "# mine\nencryptionsalt: v1:users\nconfig:\n  penstock:cluster:\n    cloud: local\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: penstock\nstackConfigDir: stacks/\n")
    (tmp_path / "stacks").mkdir()
    file = tmp_path / "stacks" / "Pulumi.local.yaml"
    file.write_text(TEXT)
    return file


def test_secrets_at_any_depth(file: Path) -> None:
    assert not has_secrets(file)
    file.write_text(TEXT + "    tokens: [{secure: v1:abc}]\n")
    assert has_secrets(file)


def test_the_users_encryption_is_left_out_and_the_rehearsals_kept(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / file.name
    copy_for_rehearsal(file, copy, keep_encryption=False)
    assert copy.read_text() == TEXT.replace("encryptionsalt: v1:users\n", "")
    copy.write_text(copy.read_text() + "encryptionsalt: v1:rehearsals\n")
    file.write_text(TEXT.replace("local", "aws"))
    copy_for_rehearsal(file, copy, keep_encryption=False)
    assert "cloud: aws" in copy.read_text()
    assert "encryptionsalt: v1:rehearsals" in copy.read_text()
    assert "users" not in copy.read_text()
    assert "users" in file.read_text()


def test_with_secrets_the_users_encryption_stays(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    copy_for_rehearsal(file, copy, keep_encryption=True)
    assert copy.read_text() == TEXT
