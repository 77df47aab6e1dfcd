"""Stand-in for a cloud's command line: it gives out the token for its own arguments, and refuses others."""

import json
import os
import subprocess
from pathlib import Path

from rehearsal.cloud.credential_program import credential_program


def called(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["cloud", *arguments], env=env, capture_output=True, text=True, check=False)


def test_the_program_gives_out_the_token_and_refuses_other_arguments(tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    env = {**os.environ, **credential_program(folder, "cloud", "get token --cluster ", "sesame")}
    assert json.loads(called(env, "get", "token", "--cluster", "one").stdout)["status"] == {"token": "sesame"}
    refused = called(env, "delete", "everything")
    assert refused.returncode == 252
    assert "a rehearsal has cloud get token --cluster  only, and not: delete everything" in refused.stderr
    assert (folder / "bin" / "token.json").stat().st_mode & 0o077 == 0
