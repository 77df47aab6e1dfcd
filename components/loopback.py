"""Loopback without a proxy: what penstock starts on this machine speaks to the rest of it directly."""

from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")


def exempt_loopback(env: Mapping[str, str]) -> dict[str, str]:
    """The variables to add to `env` so that no proxy in it stands before loopback; none where it names no proxy.

    What the user exempts stays exempt. Libraries read either case of `no_proxy`; gRPC knows no `*` in it, and prefers
    `no_grpc_proxy`. Source: doc/environment_variables.md of gRPC.
    """
    if not any(env.get(name) or env.get(name.upper()) for name in PROXIES):
        return {}
    given = _entries(env.get("no_proxy", "")) + _entries(env.get("NO_PROXY", ""))
    added: dict[str, str] = {}
    if "*" not in given:
        added = dict.fromkeys(("no_proxy", "NO_PROXY"), _list(given))
    if "*" in given or "no_grpc_proxy" in env:
        added["no_grpc_proxy"] = _list(_entries(env.get("no_grpc_proxy", "")))
    return added


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _list(given: list[str]) -> str:
    return ",".join(dict.fromkeys([*given, *LOOPBACK]))
