"""The checks of the policies, on inputs as the engine hands them."""

from typing import Any

import pytest

from policies import loopback_only, no_plaintext_secret

SERVER = "penstock:local:InferenceServer"


def server(host: str) -> dict[str, Any]:
    return {"config": {"inference": {"host": host}}}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_in_order(host: str) -> None:
    assert list(loopback_only.check(SERVER, server(host))) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "gateway.example"])  # noqa: S104 - what is refused
def test_an_open_server_is_reported(host: str) -> None:
    (violation,) = loopback_only.check(SERVER, server(host))
    assert host in violation


def test_other_resources_have_no_address() -> None:
    assert list(loopback_only.check("penstock:local:Volume", {"path": "/x"})) == []


@pytest.mark.parametrize(
    "inputs",
    [{"password": "x"}, {"a": {"apiKey": "x"}}, {"a": [{"client_secret": "x"}]}, {"kubeconfig": "x"}],
)
def test_plain_text_under_a_secrets_name_is_reported(inputs: dict[str, Any]) -> None:
    (violation,) = no_plaintext_secret.check("any", inputs)
    assert "is plain text of 1 characters" in violation


@pytest.mark.parametrize("inputs", [{"path": "x"}, {"password": ""}, {"password": None}, {"secretName": "x"}])
def test_other_values_are_not(inputs: dict[str, Any]) -> None:
    assert list(no_plaintext_secret.check("any", inputs)) == []
