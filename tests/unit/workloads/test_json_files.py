"""The JSON files of the workloads: mistakes have path, value and what would be right, as those of a stack file."""

from pathlib import Path

import pytest

from components.errors import SpecError
from workloads.pretrain.config import read_job
from workloads.serve.config import read_config


@pytest.mark.parametrize("read", [read_job, read_config])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# a page", "(text): is not JSON (Expecting value"),
        ("[" * 5000, "(text): is not JSON ("),
        ("[1]", "(text): [1] is not a mapping of keys to values"),
        ('{"trainin": 1}', "trainin: unknown key; "),
    ],
)
def test_text_that_is_no_such_file(read: object, text: str, message: str, tmp_path: Path) -> None:
    assert callable(read)
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(SpecError) as refusal:
        read(file)
    assert message in str(refusal.value)


def test_missing_keys_and_wrong_values_come_together(tmp_path: Path) -> None:
    file = tmp_path / "serve.json"
    file.write_text('{"inference": {"maxSequences": 0}, "port": "8000"}')
    with pytest.raises(SpecError) as refusal:
        read_config(file)
    assert [str(problem) for problem in refusal.value.problems] == [
        "inference.maxSequences: 0 is out of range; 1 or more is right",
        "modelFolder: is required and missing",
        "port: '8000' is not a whole number; write it without quotes",
    ]
