"""Endpoints behind each Service, by its EndpointSlices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from components.kubernetes.api import Object

SERVICE_LABEL = "kubernetes.io/service-name"
Key = tuple[str, str]
"""(namespace, name) of a Service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEndpoint:
    """One address behind a Service."""

    address: str
    ready: bool
    hostname: str
    ports: tuple[tuple[str, int], ...]
    """(name of the Service's port, number there)."""


class Directory:
    """All Services and their endpoints, as the API server told last."""

    def __init__(self) -> None:
        self._services: dict[Key, Object] = {}
        self._slices: dict[Key, dict[str, list[ServiceEndpoint]]] = defaultdict(dict)
        self._turn: dict[Key, int] = defaultdict(int)

    def take_service(self, event: str, item: Object) -> None:
        key = (item["metadata"]["namespace"], item["metadata"]["name"])
        if event == "DELETED":
            self._services.pop(key, None)
            self._turn.pop(key, None)
        else:
            self._services[key] = item

    def take_slice(self, event: str, item: Object) -> None:
        meta = item["metadata"]
        key = (meta["namespace"], (meta.get("labels") or {}).get(SERVICE_LABEL, ""))
        if event == "DELETED" or item.get("addressType") != "IPv4":
            self._slices[key].pop(meta["name"], None)
            if not self._slices[key]:
                del self._slices[key]
        else:
            self._slices[key][meta["name"]] = list(_endpoints(item))

    def service(self, key: Key) -> Object | None:
        return self._services.get(key)

    def endpoints(self, key: Key) -> list[ServiceEndpoint]:
        """All of them, ready or not."""
        return [one for rows in self._slices.get(key, {}).values() for one in rows]

    def targets(self, key: Key, port: str) -> list[tuple[str, int]]:
        """(address, number) of each ready endpoint for that port of the Service, the next in turn first."""
        found = [
            (one.address, number)
            for one in self.endpoints(key)
            if one.ready
            for name, number in one.ports
            if name == port
        ]
        if not found:
            return []
        self._turn[key] += 1
        start = self._turn[key] % len(found)
        return found[start:] + found[:start]


def _endpoints(item: Object) -> Iterator[ServiceEndpoint]:
    ports = tuple((row.get("name") or "", row["port"]) for row in item.get("ports") or () if row.get("port"))
    for row in item.get("endpoints") or ():
        ready = (row.get("conditions") or {}).get("ready") is not False
        for address in row["addresses"]:
            yield ServiceEndpoint(address=address, ready=ready, hostname=row.get("hostname") or "", ports=ports)
