"""The programs of the lab, with their charts, CRDs, stages: downloaded, or built from the pinned Go modules here."""

import errno
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tools import golang, official
from tools.cache import cache_root, make_once
from tools.download import UnavailableError
from tools.source_archive import extract_folders
from tools.steps import SetupError, elapsed, say, start_again, status, stop_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """Programs and data that are taken out of one folder here."""

    path: str
    """The Go module whose version is the version of the whole."""
    programs: Mapping[str, str]
    """The package that each is built from."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Data beside the programs, by the name it has there: its folder in the module."""
    version_in: str = ""
    """The Go package whose variables hold the program's own version; without it the API server says v0.0.0."""


KUBERNETES = ("kube-apiserver", "kube-scheduler", "kube-controller-manager")
VOLCANO = ("scheduler", "controller-manager", "webhook-manager")
RAY_OPERATOR = "github.com/ray-project/kuberay/ray-operator"

MODULES: Mapping[str, Module] = {
    "etcd": Module(path="go.etcd.io/etcd/server/v3", programs={"etcd": "go.etcd.io/etcd/server/v3"}),
    "kubernetes": Module(
        path="k8s.io/kubernetes",
        programs={name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES},
        version_in="k8s.io/component-base/version",
    ),
    "kwok": Module(
        path="sigs.k8s.io/kwok",
        programs={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        files={"stages": "kustomize/stage"},
    ),
    "kueue": Module(
        path="sigs.k8s.io/kueue",
        programs={"kueue": "sigs.k8s.io/kueue/cmd/kueue"},
        files={"charts": "charts", "crds": "config/components/crd/bases"},
    ),
    "jobset": Module(
        path="sigs.k8s.io/jobset",
        programs={"jobset": "sigs.k8s.io/jobset"},
        files={"charts": "charts", "crds": "config/components/crd/bases"},
    ),
    "helm": Module(path="helm.sh/helm/v4", programs={"helm": "helm.sh/helm/v4/cmd/helm"}),
    "trainer": Module(
        path="github.com/kubeflow/trainer/v2",
        programs={"trainer": "github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager"},
        files={"charts": "charts", "crds": "manifests/base/crds"},
    ),
    "kuberay": Module(
        path=RAY_OPERATOR,
        programs={"kuberay": RAY_OPERATOR},
        files={"crds": "config/crd/bases"},  # its chart lies in no Go module
    ),
    "volcano": Module(
        path="volcano.sh/volcano",
        programs={f"vc-{name}": f"volcano.sh/volcano/cmd/{name}" for name in VOLCANO},
        files={"charts": "installer/helm/chart", "crds": "config/crd/volcano/bases"},
    ),
}

CONTROL_PLANE = ("etcd", "kubernetes", "kwok")
AT_ONCE = 2
STARTS_S = 60.0
BUSY_S = 0.02
HELP_ENDS_WITH = (0, 2)
"""Programs that show their help; Volcano's end with 2. A loader that misses a library ends with 127 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Paths of the lab's programs and data, all complete."""

    folders: Mapping[str, Path]
    """By module."""

    @property
    def programs(self) -> dict[str, Path]:
        """Every program by its name."""
        return {
            program: folder / "bin" / program
            for name, folder in self.folders.items()
            for program in MODULES[name].programs
        }

    def files(self, module: str, what: str) -> Path:
        """The folder of the module's `charts`, `crds` or `stages`."""
        return self.folders[module] / what


def ensure_lab(modules: Iterable[str] = tuple(MODULES)) -> Tools:
    """The programs of these modules, brought where the cache lacks them, with progress on stderr.

    Two modules at a time. An interrupted run goes on where it was: what was downloaded or compiled is kept.
    """
    names = tuple(modules)
    if lacking := missing(names):
        _bring_all(lacking)
    return Tools(folders={name: folder_of(name) for name in names})


def _bring_all(names: Sequence[str]) -> None:
    say(f"the lab's programs are brought once, two parts at a time: {', '.join(names)}")
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for done in as_completed([pool.submit(make_once, folder_of(name), partial(_bring, name)) for name in names]):
            done.result()
    except BaseException:
        stop_all()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        start_again()


def missing(modules: Iterable[str] = tuple(MODULES)) -> list[str]:
    """Modules that the cache lacks; builds nothing."""
    return [name for name in modules if not folder_of(name).is_dir()]


def version(module: str) -> str:
    """`1.36.3`: what tools/<module>/go.mod pins."""
    go_mod = golang.HERE / module / "go.mod"
    path = re.escape(MODULES[module].path)
    pin = re.search(rf"^(?:require)?\s+{path} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if pin is None:
        raise SetupError(f"{go_mod} does not pin {MODULES[module].path}; restore the file from git")
    return pin[1]


def folder_of(module: str) -> Path:
    """Folder of the module's programs, made or not."""
    return cache_root() / "tools" / f"{module}-{version(module)}"


def _bring(name: str, folder: Path) -> None:
    module = MODULES[name]
    (folder / "bin").mkdir()
    for program, package in module.programs.items():
        _bring_program(name, program, package, folder / "bin" / program)
    if module.files:
        _bring_files(name, {inside: folder / what for what, inside in module.files.items()})


def _bring_program(name: str, program: str, package: str, target: Path) -> None:
    """From its official place; built where that cannot be reached, or where it holds nothing that runs here."""
    try:
        with elapsed(f"downloading {program} {version(name)}") as step:
            official.bring(program, version(name), target, step)
            _require_start(target)
    except UnavailableError as unavailable:
        target.unlink(missing_ok=True)
        say(f"  {program}: {unavailable}; building it instead")
        try:
            golang.build(name, package, target, ldflags=_ldflags(name))
        except SetupError as error:
            raise SetupError(f"{error}; the download was tried first: {unavailable}") from error


def _require_start(program: Path) -> None:
    """UnavailableError where the program is for another machine, or needs libraries that this one lacks."""
    try:
        ended = _help_of(program)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"what was downloaded does not start here ({error})") from error
    if ended.returncode not in HELP_ENDS_WITH:
        said = (ended.stderr.decode(errors="replace").splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"what was downloaded does not start here (it ended with {ended.returncode}: {said})")


def _help_of(program: Path) -> subprocess.CompletedProcess[bytes]:
    """The end of `program --help`, begun once nobody has the file open for writing any more.

    What another thread starts while the file is written holds it open until it runs a program of its own (ETXTBSY).
    """
    deadline = time.monotonic() + STARTS_S
    while True:
        try:
            return subprocess.run(
                [program, "--help"], capture_output=True, stdin=subprocess.DEVNULL, timeout=STARTS_S, check=False
            )
        except OSError as error:
            if error.errno != errno.ETXTBSY or time.monotonic() > deadline:
                raise
        time.sleep(BUSY_S)


def _bring_files(name: str, folders: Mapping[str, Path]) -> None:
    """Out of Go's module cache where there is a Go, else out of the source archive; the pinned Go as a last resort."""
    if not golang.is_installed(name):
        try:
            _download_files(name, folders)
        except UnavailableError as unavailable:
            say(f"  {name}: {unavailable}; fetching the Go toolchain for it instead")
        else:
            return
    source = golang.module_folder(name, MODULES[name].path)
    for inside, target in folders.items():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source / inside, target, copy_function=shutil.copyfile)
        _make_writable(target)


def _download_files(name: str, folders: Mapping[str, Path]) -> None:
    source, number, path = official.SOURCES[name], version(name), MODULES[name].path
    with elapsed(f"downloading the charts and definitions of {name} {number}") as step:
        extract_folders(
            source.archive(number),
            f"{path}@v{number}",
            source.folder,
            golang.module_hash(name, path, number),
            folders,
            step,
        )


def _ldflags(name: str) -> str:
    package = MODULES[name].version_in
    if not package:
        return "-s -w"
    number = version(name)
    major, minor, _ = number.split(".")
    own = {"gitVersion": f"v{number}", "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {package}.{key}={value}" for key, value in own.items())])


def _make_writable(folder: Path) -> None:
    """The module cache is read-only; what was copied must be removable."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def main() -> int:
    """Brings every program of the lab; one sentence on stderr and 1 where one cannot be had (130 when interrupted)."""

    def work() -> int:
        ensure_lab()
        return 0

    return status(work, "interrupted; run it again to go on")


if __name__ == "__main__":
    sys.exit(main())
