"""Nodes whose pods start at different times."""

import socket
import threading
import time

import psutil
import pytest

from workloads.pretrain.agent import meeting
from workloads.pretrain.agent.meeting import await_meeting

FOREIGN = "127.1.2.3"
"""Loopback, but none of the addresses that an interface is said to have."""


def test_the_node_that_keeps_the_store_does_not_wait() -> None:
    began = time.monotonic()
    assert await_meeting("127.0.0.1:9", within_s=3600) is None
    assert time.monotonic() - began < 1800


def test_a_node_waits_for_the_one_that_keeps_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "TRY_EVERY_S", 0.05)
    with socket.socket() as place:
        place.bind((FOREIGN, 0))
        listening = threading.Event()

        def listen() -> None:
            listening.set()
            place.listen()

        timer = threading.Timer(0.5, listen)
        timer.start()
        assert await_meeting(f"{FOREIGN}:{place.getsockname()[1]}", within_s=3600) is False
        assert listening.is_set()
        timer.join()


def test_a_name_that_dns_does_not_know_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "TRY_EVERY_S", 0.01)
    resolve, asked = socket.getaddrinfo, []

    def late(host: str, *rest: object, **options: object) -> object:
        asked.append(host)
        if len(asked) < 3:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve("127.0.0.1", 9)

    monkeypatch.setattr(socket, "getaddrinfo", late)
    assert await_meeting("run-node-0-0.run:29400", within_s=3600) is None
    assert len(asked) == 3


def test_the_wait_has_an_end() -> None:
    assert await_meeting(f"{FOREIGN}:9", within_s=0.2) is None


def test_the_node_of_an_address_keeps_the_store_whatever_its_host_name_is() -> None:
    addresses = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family is socket.AF_INET and not entry.address.startswith("127.")
    ]
    if not addresses:
        pytest.skip("this machine has no address but loopback")
    with socket.socket() as place:
        place.bind((addresses[0], 0))
        rendezvous = f"{addresses[0]}:{place.getsockname()[1]}"
        assert await_meeting(rendezvous, within_s=3600) is True
        place.listen()
        assert await_meeting(rendezvous, within_s=3600) is False
