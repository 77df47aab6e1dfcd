"""The Pulumi engine: the pinned `pulumi` command and its Python language host."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import PULUMI_VERSION, golang, release
from tools.cache import cache_root, make_once
from tools.download import UnavailableError
from tools.steps import SetupError

PROGRAMS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec")

# Beside an engine that was built here. The engine calls it by the link in the environment's bin folder, whose Python
# has penstock; where the environment is not active, it looks for .venv upwards from the program.
LAUNCHER = """\
#!/bin/sh
# Starts penstock's Python language host.
exec_script=$(dirname "$(readlink -f "$0")")/pulumi-language-python-exec
start() {
  [ -x "$1/python" ] && [ -e "$1/pulumi-language-python" ] || return 0
  bin=$1; shift
  exec "$bin/python" -P -m engine.language_host --exec "$exec_script" "$@"
}
start "$(dirname "$0")" "$@"
start "$VIRTUAL_ENV/bin" "$@"
folder=$PWD
while [ "$folder" != / ]; do start "$folder/.venv/bin" "$@"; folder=$(dirname "$folder"); done
echo "penstock's environment is not active; run: source .venv/bin/activate" >&2
exit 1
"""


def ensure_engine(environment: Path) -> Path:
    """The folder of the engine's programs; links to them are in `environment`/bin.

    In this order: what is on PATH at the pinned version with a language host of its own, the cache, the release, a
    build from the pinned Go module.
    """
    folder = _on_path(environment) or make_once(cache_root() / "tools" / f"pulumi-{PULUMI_VERSION}", _bring)
    _refresh_launcher(folder)
    for program in PROGRAMS:
        _link(environment / "bin" / program, folder / program)
    return folder


def is_current(environment: Path) -> bool:
    """True if the environment's links lead to this version's programs; starts no process."""
    links = [environment / "bin" / program for program in PROGRAMS]
    if not all(link.is_symlink() and link.exists() for link in links):
        return False
    folder = links[0].resolve().parent
    if folder.parent != cache_root() / "tools":
        return _version(links[0]) == PULUMI_VERSION
    return folder.name == f"pulumi-{PULUMI_VERSION}" and not _launcher_is_old(folder)


def _on_path(environment: Path) -> Path | None:
    own = (cache_root().resolve(), environment.resolve())
    for entry in os.get_exec_path():
        found = shutil.which("pulumi", path=entry)
        folder = Path(found).resolve().parent if found else None
        if folder is None or any(folder.is_relative_to(place) for place in own):
            continue
        if all((folder / program).exists() for program in PROGRAMS) and _version(folder / "pulumi") == PULUMI_VERSION:
            return folder
    return None


def _version(pulumi: Path) -> str:
    """The program's version, "" where it does not start."""
    env = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        text = subprocess.run(
            [pulumi, "version"], capture_output=True, text=True, check=False, timeout=60, env=env
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return text.strip().removeprefix("v")


def _bring(folder: Path) -> None:
    try:
        release.bring(PULUMI_VERSION, folder)
    except UnavailableError as unreachable:
        _build(folder, unreachable)


def _build(folder: Path, unreachable: UnavailableError) -> None:
    try:
        golang.build(
            "pulumi",
            "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            folder / "pulumi",
            ldflags=f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}",
            tags=("osusergo", "grpcnotrace"),  # as the official release is built
        )
        source = golang.module_folder("pulumi", "github.com/pulumi/pulumi/sdk/v3") / "python" / "cmd"
    except SetupError as error:
        raise SetupError(
            f"{error}; the release was tried first: {unreachable}; or put pulumi {PULUMI_VERSION} on PATH"
        ) from error
    shutil.copyfile(source / "pulumi-language-python-exec", folder / "pulumi-language-python-exec")
    (folder / "pulumi-language-python").write_text(LAUNCHER)
    for program in PROGRAMS:
        (folder / program).chmod(0o755)


def _launcher_is_old(folder: Path) -> bool:
    """True if the language host there is a launcher of ours, but not this version's."""
    with (folder / "pulumi-language-python").open("rb") as file:
        head = file.read(len(LAUNCHER) + 1)
    return head.startswith(b"#!/bin/sh") and head != LAUNCHER.encode()


def _refresh_launcher(folder: Path) -> None:
    if _launcher_is_old(folder):
        descriptor, name = tempfile.mkstemp(dir=folder, text=True)
        with os.fdopen(descriptor, "w") as file:
            file.write(LAUNCHER)
        Path(name).chmod(0o755)
        Path(name).replace(folder / "pulumi-language-python")


def _link(link: Path, target: Path) -> None:
    """Makes or replaces the link in one step: a command that starts meanwhile finds the old or the new one."""
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def main() -> int:
    """Brings the engine into the environment that runs this; one sentence on stderr and 1 where it cannot."""
    try:
        folder = ensure_engine(Path(sys.prefix))
    except SetupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stderr.write(f"pulumi {PULUMI_VERSION} of {folder} is in {sys.prefix}/bin\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
