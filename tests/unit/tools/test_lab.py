"""The lab's programs: which version, built once, and nothing half-made."""

import json
import re
from pathlib import Path

import pytest

from tools import golang, lab
from tools.lab import CONTROL_PLANE, MODULES, ensure_lab, missing, version
from tools.steps import SetupError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PENSTOCK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str, str]]:
    """In place of the compiler, which takes minutes: (program, package, ldflags) of each call."""
    calls: list[tuple[str, str, str]] = []

    def build(module: str, package: str, output: Path, *, ldflags: str, tags: tuple[str, ...] = ()) -> None:
        calls.append((output.name, package, ldflags))
        output.write_text("program")

    def module_folder(module: str, path: str) -> Path:
        source = tmp_path / "source" / module
        for inside in MODULES[module].files.values():
            (source / inside).mkdir(parents=True, exist_ok=True)
            (source / inside / "file.yaml").touch(mode=0o444)
        return source

    monkeypatch.setattr(golang, "build", build)
    monkeypatch.setattr(golang, "module_folder", module_folder)
    return calls


@pytest.mark.parametrize("name", MODULES)
def test_what_is_built_is_what_is_pinned(name: str) -> None:
    """Each folder names, in go.mod and tools.go, the module and the packages that are built; go.sum is there."""
    folder = golang.HERE / name
    assert re.fullmatch(r"\d+\.\d+\.\d+", version(name))
    packages = set(re.findall(r'_ "(.+)"', (folder / "tools.go").read_text()))
    assert packages == set(MODULES[name].programs.values())
    sums = (folder / "go.sum").read_text()
    assert f"{MODULES[name].path} v{version(name)} h1:" in sums


def test_everything_is_built_once(compiler: list[tuple[str, str, str]], cache: Path) -> None:
    tools = ensure_lab()
    assert sorted(name for name, _, _ in compiler) == sorted(tools.programs)
    assert all(path.is_file() for path in tools.programs.values())
    assert tools.programs["kueue"] == cache / "tools" / f"kueue-{version('kueue')}" / "bin" / "kueue"
    before = len(compiler)
    assert ensure_lab() == tools
    assert len(compiler) == before


def test_only_what_is_asked_for(compiler: list[tuple[str, str, str]]) -> None:
    ensure_lab(CONTROL_PLANE)
    assert missing() == [name for name in MODULES if name not in CONTROL_PLANE]
    assert {name for name, _, _ in compiler} == {
        "etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager", "kwok",
    }  # fmt: skip


def test_the_api_server_is_told_its_version(compiler: list[tuple[str, str, str]]) -> None:
    ensure_lab(["kubernetes"])
    major, minor, patch = version("kubernetes").split(".")
    for _, _, ldflags in compiler:
        assert f"-X k8s.io/component-base/version.gitVersion=v{major}.{minor}.{patch}" in ldflags
        assert f"version.gitMajor={major} " in ldflags
        assert f"version.gitMinor={minor}" in ldflags


def test_charts_can_be_read_and_removed(compiler: list[tuple[str, str, str]]) -> None:
    charts = ensure_lab(["kueue"]).files("kueue", "charts")
    assert (charts / "file.yaml").stat().st_mode & 0o200
    assert charts.stat().st_mode & 0o200


def test_a_failed_build_leaves_nothing(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def fail(module: str, package: str, output: Path, **_: object) -> None:
        output.write_text("half")
        raise SetupError("building etcd: the disk is full")

    monkeypatch.setattr(golang, "build", fail)
    with pytest.raises(SetupError, match="building etcd"):
        ensure_lab(["etcd"])
    assert missing(["etcd"]) == ["etcd"]
    assert [path.name for path in (cache / "tools").iterdir()] == [f"{lab.folder_of('etcd').name}.lock"]


def test_a_pin_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "go.mod").write_text(json.dumps({}))
    monkeypatch.setattr(golang, "HERE", tmp_path)
    with pytest.raises(SetupError, match=r"does not pin go.etcd.io/etcd/server/v3; restore"):
        version("etcd")
