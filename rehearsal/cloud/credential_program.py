"""Stand-in for a cloud's command line, which a kubeconfig runs for the token of a cluster."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

SCRIPT = """#!/bin/sh
case "$*" in
  *{arguments}*)
    token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')
    echo "$token" >> {given}
    echo '{{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1", "spec": {{}},' \\
      '"status": {{"token": "'"$token"'"}}}}'
    exit ;;
{further}esac
echo "{name}: a rehearsal has {name}" {arguments} "only, and not: $*" >&2
exit 252
"""


def credential_program(
    folder: Path, name: str, arguments: str, given: Path, further: Mapping[str, str] = MappingProxyType({})
) -> Mapping[str, str]:
    """The environment in which the program `name`, called with these arguments, makes a token and notes it in `given`.
    `further`: by other arguments, programs of Python that answer them.

    It does not say when the token ends: a rehearsal's time is not this machine's.
    """
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    given.touch(mode=0o600)
    program = place / name
    quoted = shlex.quote(str(given))
    others = "".join(
        f'  *{shlex.quote(asked)}*) exec {shlex.quote(sys.executable)} {shlex.quote(answers)} "$@" ;;\n'
        for asked, answers in further.items()
    )
    program.write_text(SCRIPT.format(name=name, arguments=shlex.quote(arguments), given=quoted, further=others))
    program.chmod(0o700)
    return {"PATH": f"{place}{os.pathsep}{os.environ.get('PATH', '')}"}
