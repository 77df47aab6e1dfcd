"""Official places: an address and a checksum for each program of the lab, and releases taken from a server."""

import hashlib
import io
import platform
import tarfile
from pathlib import Path

import pytest

from tests.unit.tools.web import Web, layer, sha256
from tools import official
from tools.download import UnavailableError
from tools.lab import MODULES, version
from tools.official import PINS, PROGRAMS, SOURCES, Release, Repository, bring
from tools.steps import SetupError, Step

VERSIONS = {program: version(name) for name, module in MODULES.items() for program in module.programs}


def archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, held in {f"{name}-1/README": b"text", f"{name}-1/{name}": content}.items():
            member = tarfile.TarInfo(path)
            member.size = len(held)
            tar.addfile(member, io.BytesIO(held))
    return buffer.getvalue()


@pytest.fixture
def on_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


@pytest.fixture
def release(web: Web, monkeypatch: pytest.MonkeyPatch, on_amd64: None) -> Web:
    """A release of a program as an archive with a published list of checksums."""
    content = archive("program", b"the program")
    web.files["/v1.0.0/program-amd64.tar.gz"] = content
    web.files["/v1.0.0/SUMS"] = f"{hashlib.sha256(content).hexdigest()}  program-amd64.tar.gz\n".encode()
    url = f"{web.address}/v{{version}}"
    known = Release(url=f"{url}/program-{{architecture}}.tar.gz", checksums=f"{url}/SUMS", member="program")
    monkeypatch.setattr(official, "PROGRAMS", {"program": known})
    return web


def take(folder: Path) -> bytes:
    bring("program", "1.0.0", folder / "program", Step("downloading"))
    assert (folder / "program").stat().st_mode & 0o100
    assert [path.name for path in folder.iterdir() if path.name != "cache"] == ["program"]
    return (folder / "program").read_bytes()


def test_every_program_has_an_official_place() -> None:
    assert set(PROGRAMS) == set(VERSIONS)
    assert set(SOURCES) == {name for name, module in MODULES.items() if module.files}


def test_every_pin_is_of_a_version_in_use() -> None:
    """An upgrade renews the pin, or takes it away: then the published checksum is asked for."""
    addresses = set()
    for program, source in PROGRAMS.items():
        number = VERSIONS[program]
        if isinstance(source, Repository):
            addresses.add(f"{source.registry}/{source.name}:v{number}")
        else:
            addresses |= {source.url.format(version=number, architecture=name) for name in ("amd64", "arm64")}
            assert source.checksums or all(
                source.url.format(version=number, architecture=name) in PINS for name in ("amd64", "arm64")
            ), f"{program}: no checksum is published, and none is pinned"
    assert set(PINS) <= addresses
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in PINS.values())


def test_only_https() -> None:
    for source in PROGRAMS.values():
        addresses = (source.url, source.checksums) if isinstance(source, Release) else (source.registry,)
        assert all(address.startswith("https://") for address in addresses if address)
    assert all(source.archive("1.0.0").startswith("https://") for source in SOURCES.values())


def test_a_program_out_of_a_release(release: Web, tmp_path: Path) -> None:
    assert take(tmp_path) == b"the program"


def test_a_pin_comes_before_the_published_checksum(
    release: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{release.address}/v1.0.0/program-amd64.tar.gz"
    monkeypatch.setattr(official, "PINS", {url: sha256(b"what was there when it was pinned")})
    with pytest.raises(SetupError, match="do not use this network"):
        take(tmp_path)
    assert not release.requests("/SUMS")


def test_a_release_that_is_not_what_is_published_is_refused(release: Web, tmp_path: Path) -> None:
    release.files["/v1.0.0/program-amd64.tar.gz"] = archive("program", b"another program")
    with pytest.raises(SetupError, match="do not use this network"):
        take(tmp_path)


def test_a_release_without_a_checksum_is_not_taken(release: Web, tmp_path: Path) -> None:
    release.files["/v1.0.0/SUMS"] = b"<html>sign in to this network</html>"
    with pytest.raises(UnavailableError, match=r"do not name program-amd64.tar.gz"):
        take(tmp_path)


def test_a_machine_without_a_release(release: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UnavailableError, match="no release for Linux on riscv64"):
        take(tmp_path)


def test_a_program_out_of_an_image(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_amd64: None) -> None:
    web.put_image("team/program", "v1.0.0", [layer({"manager": b"the program"})])
    monkeypatch.setattr(official, "PROGRAMS", {"program": Repository(registry=web.address, name="team/program")})
    assert take(tmp_path) == b"the program"


def test_a_pinned_image(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_amd64: None) -> None:
    digest = web.put_image("team/program", "v1.0.0", [layer({"manager": b"the program"})])
    web.put_image("team/program", "v1.0.0", [layer({"manager": b"what the tag became"})])
    monkeypatch.setattr(official, "PROGRAMS", {"program": Repository(registry=web.address, name="team/program")})
    monkeypatch.setattr(official, "PINS", {f"{web.address}/team/program:v1.0.0": digest})
    assert take(tmp_path) == b"the program"
