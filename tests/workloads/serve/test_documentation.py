"""Commands that docs/serving.md tells a user to type."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.workloads.serve.export import make_model, write_export
from tests.workloads.serve.host import LONG, Server, serve


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs/serving.md").read_text()


@pytest.fixture(scope="module")
def server(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started with the page's own configuration, but for the folder and the port."""
    folder = tmp_path_factory.mktemp("documentation")
    export = write_export(folder / "run" / "export" / "step-00000001", make_model(LONG))
    *_, configuration = blocks(page, "json")
    with serve(folder, export.parent.parent, **json.loads(configuration)["inference"]) as server:
        yield server


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_every_curl_command_answers(page: str, server: Server) -> None:
    commands = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("curl")]
    assert len(commands) == 5
    for command in commands:
        here = command.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        shell = subprocess.run(["bash", "-c", here], capture_output=True, text=True, check=False)
        assert shell.returncode == 0, (command, shell.stderr)
        assert shell.stdout


def test_the_python_example_prints_text(page: str, server: Server) -> None:
    (example,) = blocks(page, "python")
    here = example.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    said = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, check=True).stdout
    assert said


def test_every_metric_that_the_page_names_is_there(page: str, server: Server) -> None:
    text = httpx.get(f"{server.url}/metrics").text
    names = set(re.findall(r"`(vllm:\w+)`", page))
    assert len(names) > 10
    for name in names:
        assert re.search(rf"^{name}(_count)?\{{.*model_name=\"serve\"", text, flags=re.MULTILINE), name
