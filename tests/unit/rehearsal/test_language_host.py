"""The environment of what the language host starts."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from engine.language_host import LanguageHost
from engine.processes import Children
from engine.protocol import language

PRINTS = "import json, os; print(json.dumps(dict(os.environ)), file=open('env.json', 'w'))\n"


@pytest.fixture
def host(tmp_path: Path) -> LanguageHost:
    """A host whose programs write down their environment."""
    exec_script = tmp_path / "exec"
    exec_script.write_text(PRINTS)
    return LanguageHost(engine="127.0.0.1:1", exec_script=exec_script, children=Children())


def environment(folder: Path) -> dict[str, str]:
    return dict(json.loads((folder / "env.json").read_text()))


def test_a_program_reaches_loopback_without_a_proxy(
    host: LanguageHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "internal")
    host.Run(language.RunRequest(pwd=str(tmp_path), info=language.ProgramInfo(root_directory=str(tmp_path))), Mock())
    found = environment(tmp_path)
    assert found["no_proxy"] == "internal,127.0.0.1,localhost,::1"
    assert found["http_proxy"] == "http://proxy:3128"


def test_a_plugin_reaches_loopback_without_a_proxy(host: LanguageHost, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(PRINTS)
    info = language.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path))
    request = language.RunPluginRequest(pwd=str(tmp_path), info=info, env=["all_proxy=http://proxy:3128"])
    assert [answer.exitcode for answer in host.RunPlugin(request, Mock())] == [0]
    assert environment(tmp_path)["NO_PROXY"] == "127.0.0.1,localhost,::1"
