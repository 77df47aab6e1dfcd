"""Files of a Go module without Go: out of the repository's source archive, held to the module's hash in go.sum."""

import base64
import hashlib
import re
import tarfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from tools.download import UnavailableError, download
from tools.steps import SetupError, Step

VENDORED = re.compile(r"^vendor/modules\.txt$|(^|/)vendor/.*/")
LICENSE = "LICENSE"


def extract_folders(
    url: str, module: str, subfolder: str, wanted_hash: str, folders: Mapping[str, Path], step: Step
) -> None:
    """Writes each folder of the module `module` (`path@version`) to its path.

    `subfolder` is where the module lies in the repository. UnavailableError where there is no such archive;
    SetupError where its content is not what go.sum says (`wanted_hash`).
    """
    archive = next(iter(folders.values())).with_suffix(".tar.gz")
    try:
        download(url, archive, step)
        actual, found = _contents(archive, module, subfolder, folders)
    except (tarfile.TarError, EOFError) as error:
        raise UnavailableError(f"{url} is no archive, or broke off") from error
    finally:
        archive.unlink(missing_ok=True)
    if actual != wanted_hash:
        raise SetupError(f"{url} has {actual}, go.sum says {wanted_hash}; do not use this network")
    # Only now, as a name such as `charts/../../.profile` leads out of the folder: it is right when the hash is.
    for path, content in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _contents(
    archive: Path, module: str, subfolder: str, folders: Mapping[str, Path]
) -> tuple[str, Mapping[Path, bytes]]:
    """The hash of the whole module, as go.sum has it (`h1:`), and what the folders hold, by where it is wanted."""
    hashes: dict[str, str] = {}
    found: dict[Path, bytes] = {}
    with tarfile.open(archive) as tar:
        nested = _nested(tar.getnames(), subfolder)
        for name, member in _files(tar, subfolder, nested):
            file = tar.extractfile(member)
            content = file.read() if file else b""
            hashes[f"{module}/{name}"] = hashlib.sha256(content).hexdigest()
            for inside, target in folders.items():
                if name.startswith(f"{inside}/"):
                    found[target / name.removeprefix(f"{inside}/")] = content
    listed = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return f"h1:{base64.b64encode(hashlib.sha256(listed.encode()).digest()).decode()}", found


def _files(tar: tarfile.TarFile, subfolder: str, nested: Collection[str]) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """The module's files by their names in it, by Go's rules: no link, nothing vendored, no module within it."""
    borrowed, own_license = None, False
    for member in tar:
        name = _inside(member.name, subfolder)
        if not member.isfile():
            continue
        if name is None:
            if _inside(member.name, "") == LICENSE:
                borrowed = member
            continue
        if not VENDORED.search(name) and not any(name.startswith(f"{folder}/") for folder in nested):
            own_license = own_license or name == LICENSE
            yield name, member
    if borrowed and not own_license:
        yield LICENSE, borrowed


def _nested(names: Collection[str], subfolder: str) -> list[str]:
    """Folders within the module that are modules of their own."""
    found = (_inside(name, subfolder) for name in names)
    parents = (str(PurePosixPath(name).parent) for name in found if name and PurePosixPath(name).name == "go.mod")
    return [parent for parent in parents if parent != "."]


def _inside(name: str, subfolder: str) -> str | None:
    """The name within the module, without the archive's own top folder; None for what lies elsewhere."""
    rest = name.partition("/")[2]
    if not subfolder:
        return rest
    return rest.removeprefix(f"{subfolder}/") if rest.startswith(f"{subfolder}/") else None
