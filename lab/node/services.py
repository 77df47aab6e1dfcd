"""One process for the whole lab: Services at their addresses, and their names."""

from __future__ import annotations

import asyncio
import contextlib

from components.kubernetes.api import ApiError, Object, UnreachableError
from components.kubernetes.kubeconfig import Access
from lab.node.client import Client, Mirror
from lab.node.dns import DNS_ADDRESS, serve_names
from lab.node.endpoints import Directory
from lab.node.proxy import Proxy

RETRY_S = 0.5


async def run_services(access: Access) -> None:
    """Does not return."""
    client, directory = Client(access), Directory()
    proxy = Proxy(directory)
    await serve_names(directory)

    def take_service(event: str, item: Object) -> None:
        directory.take_service(event, item)
        proxy.follow(item, gone=event == "DELETED")

    Mirror(client, "v1", "Service", take_service)
    Mirror(client, "discovery.k8s.io/v1", "EndpointSlice", directory.take_slice)
    await _reserve_dns_address(client)
    await asyncio.Event().wait()


async def _reserve_dns_address(client: Client) -> None:
    """A Service of the name that clusters know it by, so that no other is given its address."""
    ports = [{"name": "dns", "protocol": "UDP", "port": 53}, {"name": "dns-tcp", "protocol": "TCP", "port": 53}]
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {"clusterIP": DNS_ADDRESS, "ports": ports},
    }  # fmt: skip
    while True:
        with contextlib.suppress(UnreachableError):
            try:
                await client.ask(client.api.create, service)
                return
            except ApiError as error:
                if error.status in (409, 422):  # it is there
                    return
        await asyncio.sleep(RETRY_S)
