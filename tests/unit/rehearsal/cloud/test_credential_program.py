"""Stand-in for a cloud's command line: it makes a token for its own arguments, and refuses others."""

import json
import os
import subprocess
from pathlib import Path

from rehearsal.cloud.credential_program import credential_program


def called(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["cloud", *arguments], env=env, capture_output=True, text=True, check=False)


def test_the_program_makes_a_token_each_time_and_refuses_other_arguments(tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    given = folder / "tokens"
    env = {**os.environ, **credential_program(folder, "cloud", "get token --cluster ", given)}
    answers = [json.loads(called(env, "get", "token", "--cluster", "one").stdout) for _ in range(2)]
    assert [one["kind"] for one in answers] == ["ExecCredential"] * 2
    tokens = [one["status"]["token"] for one in answers]
    assert given.read_text().split() == tokens
    assert len({*tokens}) == 2
    assert all(len(token) == 32 for token in tokens)
    refused = called(env, "delete", "everything")
    assert refused.returncode == 252
    assert "a rehearsal has cloud get token --cluster  only, and not: delete everything" in refused.stderr
    assert given.stat().st_mode & 0o077 == 0
