"""Modules that `penstock token` loads, which kubectl starts for each of its own commands."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import penstock.token
import providers.aws.tunnel.opening, providers.aws.tunnel.token
heavy = "boto3", "botocore", "grpc", "httpx", "pulumi", "pulumi_aws", "pulumi_kubernetes", "rich", "torch"
print([name for name in heavy if name in sys.modules])
"""


def test_a_token_loads_no_sdk_and_no_http_client(repository: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], cwd=repository, capture_output=True, text=True, check=False)
    assert ran.stdout == "[]\n", ran.stderr
