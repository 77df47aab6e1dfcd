"""Files that are opened before the work whose result they take."""

from pathlib import Path

import pytest

from components.errors import PenstockError
from penstock.output_file import output_file


def test_the_text_takes_the_earlier_ones_place(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("earlier, and longer")
    with output_file(file) as write:
        assert file.read_text() == "earlier, and longer"
        write("now")
    assert file.read_text() == "now"


def test_without_a_path_nothing_is_written() -> None:
    with output_file(None) as write:
        write("now")


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    refusals = {
        tmp_path / "none" / "a.json": r"the folder .*none does not exist; make it, or name another file",
        tmp_path: r"cannot be written \(Is a directory\); name another file",
    }
    for path, message in refusals.items():
        with pytest.raises(PenstockError, match=message), output_file(path):
            pytest.fail("the work began")


def test_a_full_disk_is_one_message() -> None:
    with pytest.raises(PenstockError, match=r"/dev/full cannot be written \(No space left"):  # noqa: SIM117
        with output_file(Path("/dev/full")) as write:
            write("now")


def test_work_that_fails_leaves_no_file_but_keeps_an_earlier_one(tmp_path: Path) -> None:
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    old.write_text("earlier")
    for file in (new, old):
        with pytest.raises(ZeroDivisionError), output_file(file):
            raise ZeroDivisionError
    assert not new.exists()
    assert old.read_text() == "earlier"
