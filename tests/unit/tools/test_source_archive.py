"""Files of a Go module out of a source archive: exactly the module, by the hash that Go has for it."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.unit.tools.web import Web
from tools.download import UnavailableError
from tools.source_archive import extract_folders
from tools.steps import SetupError, Step

MODULE = "example.org/module@v1.0.0"
FILES = {
    "go.mod": "module example.org/module\n\ngo 1.26\n",
    "LICENSE": "terms\n",
    "charts/one/Chart.yaml": "name: one\n",
    "charts/README.md": "text\n",
    "main.go": "package main\n",
}
HASH = "h1:PHNz6Ugy5nR39Xq4IfF9HJwkiakk8KKwLok4JvfD5yw="
"""Of these files, by golang.org/x/mod/sumdb/dirhash over what golang.org/x/mod/zip makes of their folder."""
OMITTED = {
    "tool/go.mod": "module example.org/module/tool\n",
    "tool/main.go": "package main\n",
    "vendor/modules.txt": "# none\n",
    "vendor/example.org/other/other.go": "package other\n",
}


def archive(files: dict[str, str], links: tuple[str, ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"repository-1.0.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
        for name in links:
            member = tarfile.TarInfo(f"repository-1.0.0/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, "main.go"
            tar.addfile(member)
    return buffer.getvalue()


def extract(web: Web, folder: Path, subfolder: str = "", wanted: str = HASH) -> None:
    url = f"{web.address}/archive.tar.gz"
    extract_folders(url, MODULE, subfolder, wanted, {"charts": folder / "charts"}, Step("downloading"))


def test_a_folder_of_the_module(web: Web, tmp_path: Path) -> None:
    web.files["/archive.tar.gz"] = archive({**FILES, **OMITTED}, links=("linked.go",))
    extract(web, tmp_path)
    found = {str(path.relative_to(tmp_path)): path.read_text() for path in (tmp_path / "charts").rglob("*.*")}
    assert found == {name: text for name, text in FILES.items() if name.startswith("charts/")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["charts"]


def test_a_module_in_a_folder_of_the_repository_has_its_license(web: Web, tmp_path: Path) -> None:
    inside = {f"operator/{name}": text for name, text in FILES.items() if name != "LICENSE"}
    web.files["/archive.tar.gz"] = archive({"LICENSE": FILES["LICENSE"], "go.mod": "module example.org\n", **inside})
    extract(web, tmp_path, "operator")
    assert (tmp_path / "charts" / "one" / "Chart.yaml").read_text() == "name: one\n"


@pytest.mark.parametrize("change", [{"main.go": "package evil\n"}, {"another.go": "package main\n"}])
def test_another_content_is_refused(web: Web, tmp_path: Path, change: dict[str, str]) -> None:
    web.files["/archive.tar.gz"] = archive({**FILES, **change})
    with pytest.raises(SetupError, match=r"go.sum says h1:.*; do not use this network"):
        extract(web, tmp_path)


@pytest.mark.parametrize("name", ["charts/../../outside", "charts/{folder}/outside"])
def test_nothing_is_written_before_the_hash_is_right(web: Web, tmp_path: Path, name: str) -> None:
    web.files["/archive.tar.gz"] = archive({**FILES, name.format(folder=tmp_path): "evil\n"})
    (tmp_path / "target" / "charts").mkdir(parents=True)
    with pytest.raises(SetupError, match=r"go\.sum says"):
        extract(web, tmp_path / "target")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_archive_that_broke_off(web: Web, tmp_path: Path) -> None:
    whole = archive(FILES)
    web.files["/archive.tar.gz"] = whole[: len(whole) // 2]
    with pytest.raises(UnavailableError, match="is no archive, or broke off"):
        extract(web, tmp_path)
    web.files["/archive.tar.gz"], web.cut["/archive.tar.gz"] = whole, 100
    with pytest.raises(UnavailableError, match="broke off at 100 of"):
        extract(web, tmp_path)
