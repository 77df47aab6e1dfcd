"""The official release of the pulumi command."""

import hashlib
import io
import platform
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath

from tools.steps import SetupError, elapsed

RELEASES = "https://github.com/pulumi/pulumi/releases/download"
TIMEOUT_S = 4.0  # a machine that cannot reach the releases must fall through to the build in seconds
SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class UnreachableError(Exception):
    """The release cannot be had from here: no access, or none for this machine."""


def download(version: str, folder: Path) -> None:
    """Puts the programs a Python project needs into `folder`. Refuses an archive whose SHA-256 is not the release's."""
    name = archive_name(version)
    with elapsed(f"downloading pulumi {version}") as shown:
        checksums = _get(f"{RELEASES}/v{version}/pulumi-{version}-checksums.txt", shown).decode()
        archive = _get(f"{RELEASES}/v{version}/{name}", shown)
    verify(name, archive, checksums)
    unpack(archive, folder)


def archive_name(version: str) -> str:
    """The release's archive for this machine."""
    system, machine = SYSTEMS.get(platform.system()), MACHINES.get(platform.machine())
    if not system or not machine:
        raise UnreachableError(f"there is no release for {platform.system()} on {platform.machine()}")
    return f"pulumi-v{version}-{system}-{machine}.tar.gz"


def verify(name: str, archive: bytes, checksums: str) -> None:
    """Refuses an archive that is not the one in the release's list of checksums (`SHA256  NAME` lines)."""
    listed = {line.split()[1]: line.split()[0] for line in checksums.splitlines() if len(line.split()) == 2}
    actual = hashlib.sha256(archive).hexdigest()
    if listed.get(name) != actual:
        raise SetupError(
            f"{name} has SHA-256 {actual}, the release says {listed.get(name, 'nothing')}; do not use this network"
        )


def unpack(archive: bytes, folder: Path) -> None:
    """Writes the engine and the Python files of the archive, flat, into `folder`."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            source = tar.extractfile(member) if member.isfile() else None
            if source and (name == "pulumi" or "python" in name):
                with (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (folder / name).chmod(0o755)


def _get(url: str, shown: list[str]) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 (a constant https address)
            total, chunks = int(response.headers.get("Content-Length") or 0), []
            while chunk := response.read(1 << 20):
                chunks.append(chunk)
                shown[0] = f"{len(chunks)} of {total >> 20} MiB"
            return b"".join(chunks)
    except (urllib.error.URLError, OSError) as error:
        raise UnreachableError(f"{url} cannot be reached ({getattr(error, 'reason', error)})") from error
