"""mypy over the checkout, begun with what mypy found in the libraries the last time anywhere on this machine.

Most of a first run is reading the libraries. mypy itself sees what has changed since, by the files' digests.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.cache import cache_root, make_once

CHECKOUT = Path(__file__).resolve().parent.parent
MYPY = (sys.executable, "-m", "mypy")


def main(checkout: Path = CHECKOUT, command: tuple[str, ...] = MYPY) -> int:
    """mypy's own exit status."""
    own, kept = checkout / ".mypy_cache", _kept(checkout)
    if kept.is_dir() and not own.exists():
        copy = checkout / ".penstock" / f"mypy-{os.getpid()}"
        try:
            _copy(kept, copy)
            copy.rename(own)
        except OSError:  # another checkout has newer libraries and removed it meanwhile
            shutil.rmtree(copy, ignore_errors=True)
    status = subprocess.run(command, cwd=checkout, check=False).returncode
    if status == 0:
        make_once(kept, lambda folder: _copy(own, folder))
        for old in set(kept.parent.glob("mypy-????????")) - {kept}:
            shutil.rmtree(old, ignore_errors=True)
    return status


def _copy(source: Path, folder: Path) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True)


def _kept(checkout: Path) -> Path:
    """The folder for these very libraries and settings."""
    files = [checkout / "requirements" / "all.txt", checkout / "pyproject.toml"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return cache_root() / f"mypy-{digest[:8]}"


if __name__ == "__main__":
    raise SystemExit(main())
