"""The programs of the lab, each built once from its pinned Go module of this folder, with its charts, CRDs, stages."""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools import golang
from tools.cache import cache_root, make_once
from tools.steps import SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What is taken out of one folder here."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Where the lab's programs and data lie, all complete."""

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
    """The programs of these modules. What the cache lacks is built once, some minutes each, with progress on stderr."""
    return Tools(folders={name: make_once(folder_of(name), _builder(name)) for name in modules})


def missing(modules: Iterable[str] = tuple(MODULES)) -> list[str]:
    """Which of them the cache lacks; builds nothing."""
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
    """Where the module's programs lie, or will."""
    return cache_root() / "tools" / f"{module}-{version(module)}"


def _builder(name: str) -> "_Builder":
    return _Builder(name=name, module=MODULES[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    name: str
    module: Module

    def __call__(self, folder: Path) -> None:
        (folder / "bin").mkdir()
        for program, package in self.module.programs.items():
            golang.build(self.name, package, folder / "bin" / program, ldflags=self._ldflags())
        for what, inside in self.module.files.items():
            source = golang.module_folder(self.name, self.module.path) / inside
            shutil.copytree(source, folder / what, copy_function=shutil.copyfile)
            _make_writable(folder / what)

    def _ldflags(self) -> str:
        package = self.module.version_in
        if not package:
            return "-s -w"
        number = version(self.name)
        major, minor, _ = number.split(".")
        own = {"gitVersion": f"v{number}", "gitMajor": major, "gitMinor": minor}
        return " ".join(["-s -w", *(f"-X {package}.{key}={value}" for key, value in own.items())])


def _make_writable(folder: Path) -> None:
    """The module cache is read-only; what was copied must be removable."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
