"""The lab's programs: which version, from where, brought once, and nothing half-made."""

import errno
import json
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.tools.web import TOKEN, Web, layer
from tools import golang, lab, official
from tools.cache import locked, make_once
from tools.download import UnavailableError
from tools.lab import CONTROL_PLANE, MODULES, ensure_lab, missing, version
from tools.official import Repository, architecture
from tools.steps import SetupError, Step, run, start_again, stop_all

PROGRAM = "#!/bin/sh\nexit 0\n"
BRING = official.bring


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No official place can be reached, as on a machine behind a mirror of Go modules."""

    def bring(program: str, version: str, target: Path, step: Step) -> None:
        raise UnavailableError("downloads.example cannot be reached")

    monkeypatch.setattr(official, "bring", bring)


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The official places can be reached: the programs that were asked for."""
    asked: list[str] = []

    def bring(program: str, version: str, target: Path, step: Step) -> None:
        asked.append(program)
        target.write_text(PROGRAM)
        target.chmod(0o755)

    monkeypatch.setattr(official, "bring", bring)
    return asked


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
    monkeypatch.setattr(golang, "is_installed", lambda module: True)
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


def test_everything_is_built_once_where_nothing_can_be_downloaded(
    compiler: list[tuple[str, str, str]], cache: Path
) -> None:
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


def test_what_can_be_downloaded_is_not_built(compiler: list[tuple[str, str, str]], downloads: list[str]) -> None:
    tools = ensure_lab()
    assert sorted(downloads) == sorted(tools.programs)
    assert not compiler
    assert all(path.read_text() == PROGRAM for path in tools.programs.values())


def test_a_part_comes_out_of_a_registry(
    web: Web, compiler: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the way: the image's layers from a server on loopback, the program started, its charts beside it."""
    monkeypatch.setattr(official, "bring", BRING)
    web.token = TOKEN
    web.put_image("jobset/jobset", f"v{version('jobset')}", [layer({"manager": PROGRAM.encode()})], architecture())
    here = {"jobset": Repository(registry=web.address, name="jobset/jobset")}
    monkeypatch.setattr(official, "PROGRAMS", here)
    tools = ensure_lab(["jobset"])
    assert tools.programs["jobset"].read_text() == PROGRAM
    assert tools.files("jobset", "charts").is_dir()
    assert not compiler


@pytest.mark.parametrize(
    ("content", "built"),
    [
        ("#!/no/such/interpreter\n", ["etcd"]),
        ("#!/bin/sh\necho 'GLIBC_2.99 not found' >&2\nexit 1\n", ["etcd"]),
        ("#!/bin/sh\necho usage >&2\nexit 2\n", []),
    ],
    ids=["no interpreter", "no library", "shows its help"],
)
def test_a_download_that_does_not_start_here_is_built(
    compiler: list[tuple[str, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    built: list[str],
) -> None:
    def bring(program: str, version: str, target: Path, step: Step) -> None:
        target.write_text(content)
        target.chmod(0o755)

    monkeypatch.setattr(official, "bring", bring)
    ensure_lab(["etcd"])
    assert [name for name, _, _ in compiler] == built
    assert ("etcd: what was downloaded does not start here" in capsys.readouterr().err) == bool(built)


def test_a_download_that_is_still_open_elsewhere_is_started_once_it_is_not(
    compiler: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a program that another thread started meanwhile, until that has become itself."""
    closers = []

    def bring(program: str, version: str, target: Path, step: Step) -> None:
        target.write_text(PROGRAM)
        target.chmod(0o755)
        closers.append(threading.Timer(0.3, target.open("ab").close))
        closers[-1].start()

    monkeypatch.setattr(official, "bring", bring)
    ensure_lab(["etcd"])
    assert closers
    assert not compiler


def test_a_wrong_checksum_is_not_built_around(
    compiler: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bring(program: str, version: str, target: Path, step: Step) -> None:
        raise SetupError("etcd has sha256:1, sha256:2 is right")

    monkeypatch.setattr(official, "bring", bring)
    with pytest.raises(SetupError, match="sha256:2 is right"):
        ensure_lab(["etcd"])
    assert not compiler


def test_two_at_a_time(compiler: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first cannot end before the second has begun, and never more than two run."""
    running: list[str] = []
    most = 0
    both = threading.Barrier(2, timeout=10)

    def bring(program: str, version: str, target: Path, step: Step) -> None:
        nonlocal most
        running.append(program)
        most = max(most, len(running))
        if program in ("etcd", "kwok"):
            both.wait()
        time.sleep(0.1)  # more than two would be seen together
        target.write_text(PROGRAM)
        target.chmod(0o755)
        running.remove(program)

    monkeypatch.setattr(official, "bring", bring)
    ensure_lab(["etcd", "kwok", "helm", "jobset"])
    assert most == 2


def test_the_first_failure_ends_what_runs_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def build(module: str, package: str, output: Path, *, ldflags: str, tags: tuple[str, ...] = ()) -> None:
        if module == "etcd":
            assert begun.wait(10)
            raise SetupError("building etcd: the disk is full")
        begun.set()
        run([sys.executable, "-c", "import time; time.sleep(60)"], what="building kwok")

    monkeypatch.setattr(golang, "build", build)
    start = time.monotonic()
    with pytest.raises(SetupError, match=r"the disk is full; the download was tried first: downloads.example"):
        ensure_lab(["etcd", "kwok"])
    assert time.monotonic() - start < 20
    assert missing(["etcd", "kwok"]) == ["etcd", "kwok"]


def test_files_come_out_of_the_source_archive_where_there_is_no_go(
    downloads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def extract(url: str, module: str, subfolder: str, wanted: str, folders: dict[str, Path], step: Step) -> None:
        asked.append((url, module, subfolder, wanted))
        for folder in folders.values():
            folder.mkdir()

    monkeypatch.setattr(golang, "is_installed", lambda module: False)
    monkeypatch.setattr(lab, "extract_folders", extract)
    tools = ensure_lab(["kuberay"])
    number, path = version("kuberay"), MODULES["kuberay"].path
    assert tools.files("kuberay", "crds").is_dir()
    assert asked == [
        (
            f"https://github.com/ray-project/kuberay/archive/refs/tags/ray-operator/v{number}.tar.gz",
            f"{path}@v{number}",
            "ray-operator",
            golang.module_hash("kuberay", path, number),
        )
    ]


def test_a_failed_build_leaves_nothing(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def fail(module: str, package: str, output: Path, **_: object) -> None:
        output.write_text("half")
        raise SetupError("building etcd: the disk is full")

    monkeypatch.setattr(golang, "build", fail)
    with pytest.raises(SetupError, match="building etcd"):
        ensure_lab(["etcd"])
    assert missing(["etcd"]) == ["etcd"]
    assert [path.name for path in (cache / "tools").iterdir()] == [f"{lab.folder_of('etcd').name}.lock"]


def test_a_hash_that_is_gone() -> None:
    with pytest.raises(SetupError, match=r"go.sum does not name sigs.k8s.io/kwok v9.9.9; restore"):
        golang.module_hash("kwok", MODULES["kwok"].path, "9.9.9")


def test_a_pin_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "go.mod").write_text(json.dumps({}))
    monkeypatch.setattr(golang, "HERE", tmp_path)
    with pytest.raises(SetupError, match=r"does not pin go.etcd.io/etcd/server/v3; restore"):
        version("etcd")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (SetupError("etcd cannot be had; try again"), 1, "error: etcd cannot be had; try again\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "error: this machine: No space left on device\n"),
        (KeyboardInterrupt(), 130, "interrupted; run it again to go on\n"),
    ],
)
def test_the_command_says_what_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    said: str,
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(lab, "ensure_lab", refuse)
    assert lab.main() == status
    assert capsys.readouterr().err == said
    monkeypatch.setattr(lab, "ensure_lab", lambda: None)
    assert lab.main() == 0


def test_who_waits_for_another_process_is_ended_too(cache: Path) -> None:
    folder = lab.folder_of("kwok")
    with locked(folder.parent / f"{folder.name}.lock", what="kwok"), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make_once, folder, lambda _: None)
        stop_all()
        try:
            with pytest.raises(SetupError, match="interrupted"):
                waiting.result(timeout=30)
        finally:
            start_again()
