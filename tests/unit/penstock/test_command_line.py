"""The commands as a user types them: in processes of their own, with right and wrong input."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

MINE = "Pulumi.tests-command-line.yaml"


def penstock(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


@pytest.fixture
def stack(repository: Path) -> Iterator[str]:
    """A stack of the repository for the time of the test."""
    file = repository / "stacks" / MINE
    content = yaml.safe_load((repository / "stacks" / "Pulumi.local.yaml").read_text())
    file.write_text(yaml.safe_dump(content))
    yield "tests-command-line"
    file.unlink()


def edit(repository: Path, key: str, value: object) -> None:
    file = repository / "stacks" / MINE
    content = yaml.safe_load(file.read_text())
    content["config"][f"penstock:{key}"] = value
    file.write_text(yaml.safe_dump(content))


def test_a_plan_is_told_with_its_reasons() -> None:
    shown = penstock("plan", "local")
    assert shown.returncode == 0, shown.stderr
    assert "training.ranksPerNode" in shown.stdout
    assert "on destroy: keep" in shown.stdout


def test_a_plan_is_json_too() -> None:
    shown = penstock("plan", "local", "--json")
    plan = json.loads(shown.stdout)
    assert plan["cluster"]["cloud"] == "local"
    assert plan["training"]["config"]["training"]["ranksPerNode"] == plan["training"]["ranksPerNode"]


def test_a_stack_that_does_not_exist_is_one_message() -> None:
    shown = penstock("plan", "lokal")
    assert shown.returncode == 1
    assert shown.stderr == "stack 'lokal': stacks/Pulumi.lokal.yaml does not exist; did you mean 'local'?\n"


def test_mistakes_come_together_without_a_traceback(repository: Path, stack: str) -> None:
    edit(repository, "training", {"stepz": 3, "nodes": -1})
    shown = penstock("plan", stack)
    assert shown.returncode == 1
    assert "2 problems, nothing was created" in shown.stderr
    assert "training.stepz: unknown key; did you mean 'steps'?" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_more_ranks_than_cores_is_a_warning_and_than_memory_a_refusal(repository: Path, stack: str) -> None:
    edit(repository, "training", {"ranksPerNode": 31})
    shown = penstock("plan", stack)
    if shown.returncode == 0:
        assert "ranks share" in shown.stdout
    edit(repository, "training", {"ranksPerNode": 3000, "batch": {"sequences": 3000}})
    refused = penstock("plan", stack)
    assert refused.returncode == 1
    assert "3000 ranks need about" in refused.stderr
    assert "fewer ranks, a smaller model" in refused.stderr


def test_the_schema_goes_where_it_is_told(tmp_path: Path) -> None:
    assert penstock("schema", "--out", str(tmp_path / "s.json")).returncode == 0
    assert "penstock:training" in (tmp_path / "s.json").read_text()


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    shown = penstock("schema", "--out", str(tmp_path / "none" / "s.json"))
    assert shown.returncode == 1
    assert "Traceback" not in shown.stderr
    assert "none/s.json" in shown.stderr


def test_the_workloads_answer_for_themselves(tmp_path: Path) -> None:
    missing = tmp_path / "job.json"
    for command in ("train", "serve"):
        shown = penstock(command, str(missing))
        assert shown.returncode == 78, shown.stderr
        assert str(missing) in shown.stderr
        assert "Traceback" not in shown.stderr


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this machine has no device that is always full")
@pytest.mark.parametrize("arguments", [("plan", "local"), ("plan", "local", "--json"), ("--help",), ("schema",)])
def test_a_full_output_is_one_message(arguments: tuple[str, ...], tmp_path: Path) -> None:
    out = ("--out", "/dev/full") if arguments == ("schema",) else ()
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        command = [sys.executable, "-m", "penstock", *arguments, *out]
        shown = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert shown.returncode == 1
    assert "No space left on device" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_a_reader_that_leaves_early_is_no_failure_to_tell_of() -> None:
    command = [sys.executable, "-m", "penstock", "plan", "aws-prod", "--show", "all"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_the_version_is_told() -> None:
    assert penstock("--version").stdout.startswith("penstock 0.")


@pytest.mark.parametrize("arguments", [("-h",), ("plan", "-h"), ("lab", "-h"), ("lab", "run", "-h")])
def test_every_command_has_help_in_short(arguments: tuple[str, ...]) -> None:
    assert penstock(*arguments).stdout.startswith("Usage: ")


def test_a_shell_completes_the_stacks_of_the_project(repository: Path) -> None:
    env = os.environ | {"_PENSTOCK_COMPLETE": "complete_bash", "COMP_WORDS": "penstock plan aws-p", "COMP_CWORD": "2"}
    command = [Path(sys.executable).with_name("penstock")]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=repository, env=env)
    assert shown.stdout.split() == ["aws-prod"]


def test_a_plan_needs_no_library_of_the_workloads_and_a_missing_one_is_named(repository: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('torch', 'numpy', 'xxhash', 'tokenizers', 'safetensors', 'fastapi')))\n"
        "from penstock import __main__ as command\n"
        "if sys.argv[1] == 'break': command.app = lambda: __import__('xxhash')\n"
        "command.main()\n"
    )
    planned, broken = (
        subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, cwd=repository
        )
        for arguments in (("plan", "local"), ("break",))
    )
    assert planned.returncode == 0, planned.stderr
    assert broken.returncode == 1
    assert broken.stderr == (
        "xxhash is not installed; it comes with an extra: pip install 'penstock[workloads]', in a clone `make setup`\n"
    )
