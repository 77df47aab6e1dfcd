"""Real agents and real workers on tiny models; one warm agent process serves a session."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workloads.pretrain.runs import REPOSITORY, AgentHost, Run, make_run

CORPUS_DOCUMENTS = 60
CORPUS_BYTES = 4000
WORDS = ("river", "stone", "cloud", "meadow", "lantern", "harbour", "winter", "copper", "thread", "orchard")


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small documents cut from sources that every Python has."""
    folder = tmp_path_factory.mktemp("texts")
    source = Path(os.__file__).read_text() + Path(subprocess.__file__).read_text()
    source += Path(shutil.__file__).read_text() + Path(json.__file__).read_text()
    for number in range(CORPUS_DOCUMENTS):
        begin = number * 3000
        (folder / f"{number:03d}.txt").write_text(source[begin : begin + CORPUS_BYTES] or "the end\n")
    return folder


@pytest.fixture(scope="session")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Conversations of one form, and one without an answer."""
    file = tmp_path_factory.mktemp("chats") / "chats.jsonl"
    with file.open("w") as out:
        for number in range(400):
            word, other = WORDS[number % 10], WORDS[number // 10 % 10]
            turns = [("user", f"Tell me of the {word}, number {number}"), ("assistant", f"<{word}> is a word.")]
            turns += [("user", other), ("assistant", f"<{other}> is a word.")] if number % 3 == 0 else []
            messages = [{"role": role, "content": content} for role, content in turns]
            out.write(json.dumps({"messages": messages}) + "\n")
        out.write(json.dumps({"messages": [{"role": "user", "content": "nobody answers"}]}) + "\n")
    return file


@pytest.fixture(scope="session")
def host() -> Iterator[AgentHost]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.workloads.pretrain.host"]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield AgentHost(process)
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


@pytest.fixture(scope="session")
def unbroken(host: AgentHost, texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two ranks that nothing happened to: what every disturbed run is compared with."""
    run = make_run(tmp_path_factory.mktemp("unbroken"), texts)
    assert host.run(run) == 0, run.status
    return run


@pytest.fixture
def run(tmp_path: Path, texts: Path, unbroken: Run) -> Run:
    """The same job as `unbroken` in a folder of its own, with the tokens prepared already."""
    new = make_run(tmp_path, texts)
    shutil.copytree(unbroken.folder / "prepared", new.folder / "prepared")
    shutil.copyfile(unbroken.folder / "data.json", new.folder / "data.json")
    (new.folder / "data").symlink_to((unbroken.folder / "data").readlink())
    return new
