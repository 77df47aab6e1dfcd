"""Variables that keep proxies away from loopback."""

import pytest

from components.loopback import exempt_loopback

ALL = "127.0.0.1,localhost,::1"


def test_without_a_proxy_nothing_is_set() -> None:
    assert exempt_loopback({"no_proxy": "internal", "PATH": "/bin"}) == {}


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "grpc_proxy"])
def test_any_proxy_has_loopback_exempt_in_both_cases(name: str) -> None:
    assert exempt_loopback({name: "http://proxy:3128"}) == {"no_proxy": ALL, "NO_PROXY": ALL}


def test_what_the_user_exempts_stays_exempt() -> None:
    env = {"http_proxy": "http://proxy:3128", "no_proxy": "internal, localhost", "NO_PROXY": ".example"}
    both = "internal,localhost,.example,127.0.0.1,::1"
    assert exempt_loopback(env) == {"no_proxy": both, "NO_PROXY": both}


def test_grpc_knows_no_star() -> None:
    assert exempt_loopback({"http_proxy": "http://proxy:3128", "no_proxy": "*"}) == {"no_grpc_proxy": ALL}


def test_grpcs_own_list_is_added_to() -> None:
    env = {"https_proxy": "http://proxy:3128", "no_grpc_proxy": "internal"}
    assert exempt_loopback(env)["no_grpc_proxy"] == f"internal,{ALL}"
