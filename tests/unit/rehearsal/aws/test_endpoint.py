"""The environment of a rehearsal, in which no setting of the user's leads to a real account."""

from pathlib import Path

import pytest

from providers.aws.session import session
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.store import Store
from rehearsal.providers.aws.endpoint import environment
from rehearsal.providers.aws.moto_oracle import Moto
from rehearsal.providers.aws.rules import RULES

USERS = {
    "AWS_ENDPOINT_URL_EKS": "https://eks.example",
    "AWS_DEFAULT_PROFILE": "production",
    "AWS_PROFILE": "production",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
}


@pytest.mark.parametrize("config", [{}, {"aws:profile": "ml-production"}])
def test_every_client_speaks_to_the_simulation(
    config: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    with environment(tmp_path, config, SimulatedCloud(RULES), preview=True) as env:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        account = session("us-east-2", profile=config.get("aws:profile", ""))
        for service in ("eks", "sts", "autoscaling"):
            assert account.client(service).meta.endpoint_url == "http://127.0.0.1:9"
        assert account.get_credentials().access_key == "simulated"


def test_the_judge_of_requests_reads_no_setting_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    client = Moto(Store(tmp_path / "account.sqlite"))._client("eks", "us-east-2")
    assert client.meta.endpoint_url == "https://eks.us-east-2.amazonaws.com"
