"""Stand-in for a cloud's command line, which a kubeconfig runs for the token of a cluster."""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

SCRIPT = """#!/bin/sh
case "$*" in
  *{arguments}*) exec cat {answer} ;;
esac
echo "{name}: a rehearsal has {name}" {arguments} "only, and not: $*" >&2
exit 252
"""


def credential_program(folder: Path, name: str, arguments: str, token: str) -> Mapping[str, str]:
    """The environment in which the program `name`, called with these arguments, gives out the token."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    credential = {
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1", "spec": {},
        "status": {"token": token},
    }  # fmt: skip
    answer = place / "token.json"
    answer.touch(mode=0o600)
    answer.write_text(json.dumps(credential))
    program = place / name
    program.write_text(SCRIPT.format(name=name, arguments=shlex.quote(arguments), answer=shlex.quote(str(answer))))
    program.chmod(0o700)
    return {"PATH": f"{place}{os.pathsep}{os.environ.get('PATH', '')}"}
