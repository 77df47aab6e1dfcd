"""A provider as the engine reaches it: a gRPC server of this process, on loopback."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc

from engine.protocol import provider_grpc

MAX_MESSAGE_BYTES = 400 << 20  # the engine's own limit, sdk/go/common/util/rpcutil
WORKERS = 256  # a create waits on a thread; the engine has no more under way than its --parallel
LIMITS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
]


def started(provider: provider_grpc.ResourceProviderServicer, *, workers: int = WORKERS) -> tuple[grpc.Server, int]:
    """The server and its port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=workers), options=LIMITS)
    provider_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


@contextmanager
def serving(provider: provider_grpc.ResourceProviderServicer) -> Iterator[int]:
    """The port, while the block runs."""
    server, port = started(provider)
    try:
        yield port
    finally:
        server.stop(grace=1).wait()
