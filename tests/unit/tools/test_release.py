"""The official release of pulumi: the right archive, verified, and only what is needed of it."""

import hashlib
import io
import platform
import tarfile
from pathlib import Path

import pytest

from tests.unit.tools.web import Web
from tools import release
from tools.download import UnavailableError
from tools.release import archive_name, bring
from tools.steps import SetupError

VERSION = "3.259.0"


def archive(*names: str) -> bytes:
    """A release's archive with these files; each holds its own name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            tar.addfile(member, io.BytesIO(name.encode()))
    return buffer.getvalue()


@pytest.fixture
def published(web: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    names = ("pulumi/pulumi", "pulumi/pulumi-language-python", "pulumi/pulumi-language-go", "../pulumi-python-escape")
    content = archive(*names)
    web.files[f"/v{VERSION}/{archive_name(VERSION)}"] = content
    sums = f"{hashlib.sha256(content).hexdigest()}  {archive_name(VERSION)}\n"
    web.files[f"/v{VERSION}/pulumi-{VERSION}-checksums.txt"] = sums.encode()
    monkeypatch.setattr(release, "RELEASES", web.address)
    return web


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


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
    with pytest.raises(UnavailableError, match="riscv64"):
        archive_name("3.259.0")


def test_only_the_python_parts_are_unpacked_and_nothing_outside(published: Web, folder: Path) -> None:
    bring(VERSION, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-python-escape",
    ]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["cache", "folder"]
    assert (folder / "pulumi").stat().st_mode & 0o100


def test_another_archive_is_refused(published: Web, folder: Path) -> None:
    published.files[f"/v{VERSION}/{archive_name(VERSION)}"] = archive("pulumi/pulumi")
    with pytest.raises(SetupError, match="do not use this network"):
        bring(VERSION, folder)
    assert list(folder.iterdir()) == []


def test_a_server_that_is_not_there_falls_through(web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "RELEASES", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        bring(VERSION, folder)
    assert list(folder.iterdir()) == []
