"""Names and addresses of Services and of the pods behind them."""

from __future__ import annotations

from typing import Any

import pytest
from dnslib import RCODE, DNSRecord  # type: ignore[import-untyped]  # it has no types

from lab.node.dns import answer
from lab.node.endpoints import Directory
from lab.node.proxy import service_places


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n"}, "spec": spec}


@pytest.fixture
def directory() -> Directory:
    """A Service `front`, and `ring`, headless, with one pod that is ready and one that is not."""
    directory = Directory()
    directory.take_service("ADDED", service("front", clusterIP="10.96.3.4"))
    for name, everyone in (("ring", False), ("all", True)):
        directory.take_service("ADDED", service(name, clusterIP="None", publishNotReadyAddresses=everyone))
        rows = [("10.88.1.2", "a", True), ("10.88.1.3", "b", everyone)]
        endpoints = [
            {"addresses": [address], "hostname": host, "conditions": {"ready": ready}} for address, host, ready in rows
        ]
        meta = {"name": f"{name}-x", "namespace": "n", "labels": {"kubernetes.io/service-name": name}}
        item = {"metadata": meta, "addressType": "IPv4", "endpoints": endpoints, "ports": [{"name": "p", "port": 80}]}
        directory.take_slice("ADDED", item)
    return directory


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("front.n.svc.cluster.local", ["10.96.3.4"]),
        ("FRONT.n.svc.cluster.local.", ["10.96.3.4"]),
        ("ring.n.svc.cluster.local", ["10.88.1.2"]),
        ("a.ring.n.svc.cluster.local", ["10.88.1.2"]),
        ("all.n.svc.cluster.local", ["10.88.1.2", "10.88.1.3"]),
        ("b.all.n.svc.cluster.local", ["10.88.1.3"]),
    ],
)
def test_names_that_are_there(directory: Directory, name: str, expected: list[str]) -> None:
    reply = DNSRecord.parse(answer(directory, DNSRecord.question(name).pack(), 512))

    assert [str(row.rdata) for row in reply.rr] == expected


@pytest.mark.parametrize(
    "name", ["b.ring.n.svc.cluster.local", "front.other.svc.cluster.local", "example.com", "front", "c.front.n.svc.x.y"]
)
def test_names_that_are_not(directory: Directory, name: str) -> None:
    reply = DNSRecord.parse(answer(directory, DNSRecord.question(name).pack(), 512))

    assert (reply.header.rcode, reply.rr) == (RCODE.NXDOMAIN, [])


def test_a_name_without_an_address_of_that_family_exists(directory: Directory) -> None:
    question = DNSRecord.question("front.n.svc.cluster.local", "AAAA").pack()

    reply = DNSRecord.parse(answer(directory, question, 512))

    assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, [])


def test_an_answer_too_long_for_a_datagram_asks_for_tcp(directory: Directory) -> None:
    rows = [{"addresses": [f"10.88.2.{number}"]} for number in range(1, 100)]
    meta = {"name": "big", "namespace": "n", "labels": {"kubernetes.io/service-name": "ring"}}
    directory.take_slice("ADDED", {"metadata": meta, "addressType": "IPv4", "endpoints": rows})
    question = DNSRecord.question("ring.n.svc.cluster.local").pack()

    assert DNSRecord.parse(answer(directory, question, 512)).header.tc == 1
    assert len(DNSRecord.parse(answer(directory, question, None)).rr) == 100


def test_what_is_no_question_gets_no_answer(directory: Directory) -> None:
    assert answer(directory, b"\x00", 512) == b""


def test_connections_go_round_among_the_ready(directory: Directory) -> None:
    turns = [directory.targets(("n", "all"), "p")[0][0] for _ in range(4)]

    assert sorted(set(turns)) == ["10.88.1.2", "10.88.1.3"]
    assert turns[0] == turns[2] != turns[1] == turns[3]
    assert directory.targets(("n", "ring"), "p") == [("10.88.1.2", 80)]
    assert directory.targets(("n", "ring"), "other") == []


def test_only_addresses_of_its_own_are_listened_on() -> None:
    ports = [{"name": "a", "port": 80, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}]

    assert service_places(service("s", clusterIPs=["10.96.1.1"], ports=ports)) == {("10.96.1.1", 80): "a"}
    assert service_places(service("s", clusterIPs=["None"], ports=ports)) == {}
    assert service_places(service("s", clusterIPs=["10.96.0.10"], ports=ports)) == {}
