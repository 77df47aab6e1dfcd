"""The official release: the right archive, verified, and only what is needed of it."""

import hashlib
import io
import platform
import tarfile
from pathlib import Path

import pytest

from tools import release
from tools.release import UnreachableError, archive_name, download, unpack, verify
from tools.steps import SetupError


def archive(*names: str) -> bytes:
    """A release's archive with these files; each holds its own name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "pulumi-v3.259.0-linux-x64.tar.gz"),
        ("Linux", "aarch64", "pulumi-v3.259.0-linux-arm64.tar.gz"),
        ("Darwin", "arm64", "pulumi-v3.259.0-darwin-arm64.tar.gz"),
    ],
)
def test_archive_names(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, name: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert archive_name("3.259.0") == name


def test_a_machine_without_a_release_falls_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UnreachableError, match="riscv64"):
        archive_name("3.259.0")


def test_checksums() -> None:
    good = f"{hashlib.sha256(b'x').hexdigest()}  a.tar.gz\n{hashlib.sha256(b'y').hexdigest()}  b.tar.gz\n"
    verify("a.tar.gz", b"x", good)
    with pytest.raises(SetupError, match="do not use this network"):
        verify("a.tar.gz", b"y", good)
    with pytest.raises(SetupError, match="the release says nothing"):
        verify("c.tar.gz", b"x", good)


def test_only_the_python_parts_are_unpacked_and_nothing_outside(tmp_path: Path) -> None:
    names = ("pulumi/pulumi", "pulumi/pulumi-language-python", "pulumi/pulumi-language-go", "../pulumi-python-escape")
    folder = tmp_path / "folder"
    folder.mkdir()
    unpack(archive(*names), folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-python-escape",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (folder / "pulumi").stat().st_mode & 0o100


def test_a_server_that_is_not_there_falls_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "RELEASES", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="cannot be reached"):
        download("3.259.0", tmp_path)
    assert list(tmp_path.iterdir()) == []
