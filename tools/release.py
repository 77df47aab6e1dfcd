"""The official release of the pulumi command."""

import platform
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from tools.download import UnavailableError, fetch, listed_digest, read
from tools.steps import elapsed

RELEASES = "https://github.com/pulumi/pulumi/releases/download"
SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def bring(version: str, folder: Path) -> None:
    """Puts the programs a Python project needs into `folder`. Refuses an archive whose SHA-256 is not the release's."""
    name = archive_name(version)
    archive = folder / name
    with elapsed(f"downloading pulumi {version}") as step:
        checksums, _ = read(f"{RELEASES}/v{version}/pulumi-{version}-checksums.txt")
        digest = listed_digest(name, checksums.decode(errors="replace"))
        fetch(f"{RELEASES}/v{version}/{name}", digest, archive, step)
    unpack(archive, folder)
    archive.unlink()


def archive_name(version: str) -> str:
    """The release's archive for this machine."""
    system, machine = SYSTEMS.get(platform.system()), MACHINES.get(platform.machine())
    if not system or not machine:
        raise UnavailableError(f"there is no release for {platform.system()} on {platform.machine()}")
    return f"pulumi-v{version}-{system}-{machine}.tar.gz"


def unpack(archive: Path, folder: Path) -> None:
    """Writes the engine and the Python files of the archive, flat, into `folder`."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            source = tar.extractfile(member) if member.isfile() else None
            if source and (name == "pulumi" or "python" in name):
                with (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (folder / name).chmod(0o755)
