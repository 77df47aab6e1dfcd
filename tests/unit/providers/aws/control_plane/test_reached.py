"""The way to a cluster that is there already, looked at from this machine."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.errors import Problem
from providers.aws.control_plane.eks.reached import missing_programs, reached_problems
from providers.aws.control_plane.eks.types import EksPlan, InsideReach, PublicReach
from rehearsal.cloud.authority import Authority
from rehearsal.cloud.store import Store
from tests.unit.providers.aws.control_plane.stacks import planned, stack

OFFICE = "203.0.113.0/24"


def plan() -> EksPlan:
    made = planned(stack())
    assert isinstance(made, EksPlan)
    return made


class Account:
    """Answers of EC2 and Systems Manager about one host."""

    def __init__(self, state: str | None, *, runs: bool = True) -> None:
        self._state, self._runs = state, runs
        self.filters: list[Any] = []

    def describe_instances(self, Filters: Any) -> dict[str, Any]:  # noqa: N803 (AWS's own name)
        self.filters = Filters
        return {"Reservations": [{"Instances": [{"InstanceId": "i-1"}]}] if self._runs else []}

    def describe_instance_information(self, Filters: Any) -> dict[str, Any]:  # noqa: N803 (AWS's own name)
        known = [{"InstanceId": "i-1", "PingStatus": self._state}] if self._state else []
        return {"InstanceInformationList": known}


def told(decided: EksPlan, endpoint: str, account: Account | None = None, **access: Any) -> list[Problem]:
    found = {"endpoint": endpoint, "resourcesVpcConfig": access}
    return list(reached_problems(decided, found, "aws-test", lambda _service: account))


@pytest.fixture(scope="module")
def open_endpoint() -> Iterator[str]:
    """The address of a server that speaks TLS."""
    context = Authority(Store(None)).context_for("127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    context.wrap_socket(server.accept()[0], server_side=True).close()
                except (ssl.SSLError, ConnectionError):
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def shut_endpoint() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"https://127.0.0.1:{server.getsockname()[1]}"


def test_a_public_endpoint_that_leaves_this_machine_out_is_told(open_endpoint: str, shut_endpoint: str) -> None:
    public = replace(plan(), reach=PublicReach(cidrs=(OFFICE,)))
    there: dict[str, Any] = {"endpointPublicAccess": True, "publicAccessCidrs": [OFFICE]}
    assert told(public, open_endpoint, **there) == []
    (problem,) = told(public, shut_endpoint, **there)
    assert problem.path == "aws.controlPlane.reach.publicCidrs"
    assert "not this machine; add the range that it comes from" in problem.message
    assert not problem.stops
    other: dict[str, Any] = {"endpointPublicAccess": True, "publicAccessCidrs": ["8.8.8.0/24"]}
    assert told(public, shut_endpoint, **other) == [], "this `up` opens it"


def test_a_private_endpoint_that_is_not_reached_from_here_is_told(open_endpoint: str, shut_endpoint: str) -> None:
    inside = replace(plan(), reach=InsideReach(cidrs=()))
    assert told(inside, open_endpoint) == []
    (problem,) = told(inside, shut_endpoint)
    assert (problem.path, problem.stops) == ("aws.controlPlane.reach.inside", False)
    assert "run pulumi inside the network" in problem.message


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account("Online"), ""),
        (Account("ConnectionLost"), "i-1 is ConnectionLost to Systems Manager"),
        (Account(None), "i-1 is not known to Systems Manager"),
        (Account(None, runs=False), "no host of the stack runs"),
    ],
)
def test_the_host_is_asked_for_at_systems_manager(account: Account, words: str, shut_endpoint: str) -> None:
    found = told(plan(), shut_endpoint, account)
    assert [one.path for one in found] == (["aws.controlPlane.reach.ssmHost"] if words else [])
    assert all(words in one.message and not one.stops for one in found)
    assert {"Name": "tag:penstock:stack", "Values": ["aws-test"]} in account.filters


def test_a_cluster_that_is_not_there_yet_is_not_looked_for() -> None:
    assert list(reached_problems(plan(), {}, "aws-test", lambda _service: None)) == []


def test_programs_that_the_kubeconfig_calls_are_missed_with_their_remedy() -> None:
    host, public = plan(), replace(plan(), reach=PublicReach(cidrs=(OFFICE,)))

    def only(*there: str) -> Any:
        return lambda name: f"/bin/{name}" if name in there else None

    assert list(missing_programs(host, only("aws", "session-manager-plugin"))) == []
    assert list(missing_programs(public, only("aws"))) == []
    (plugin,) = missing_programs(host, only("aws"))
    assert plugin.path == "aws.controlPlane.reach.ssmHost"
    assert "Install the Session Manager plugin" in plugin.message
    (command,) = missing_programs(public, only())
    assert "install the AWS command line" in command.message
