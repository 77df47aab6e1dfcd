"""The simulated pulumi-kubernetes as the engine reaches it: a gRPC server of this process, on loopback."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from components.kubernetes.kubeconfig import Access
from engine.protocol import provider_grpc
from engine.provider.server import MAX_MESSAGE_BYTES, WORKERS
from lab.releases import Releases
from rehearsal.cloud.pace import Pace
from rehearsal.providers.kubernetes.servicer import KubernetesProvider


@contextmanager
def serving(
    *, pace: Pace, releases: Callable[[Access], Releases], redirect: Access | None, crash_log: Path
) -> Iterator[tuple[int, KubernetesProvider]]:
    """(port, provider) while the block runs. Tracebacks of defects go to `crash_log`."""

    def on_crash(text: str) -> None:
        with crash_log.open("a") as file:
            file.write(text + "\n")

    limits = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ]
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS), options=limits)
    provider = KubernetesProvider(pace=pace, releases=releases, redirect=redirect, on_crash=on_crash)
    provider_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port, provider
    finally:
        server.stop(grace=1).wait()
