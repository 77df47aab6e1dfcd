"""The simulated AWS as the engine reaches it: a gRPC server of this process, on loopback."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from engine.protocol import provider_grpc
from rehearsal.cloud.lifecycle import Cloud
from rehearsal.cloud.servicer import AwsProvider

MAX_MESSAGE_BYTES = 400 << 20  # the engine's own limit, sdk/go/common/util/rpcutil
WORKERS = 256  # a create waits on a thread; the engine has no more under way than its --parallel


@contextmanager
def serving(cloud: Cloud, *, crash_log: Path) -> Iterator[int]:
    """The port, while the block runs. Tracebacks of defects go to `crash_log`."""
    limits = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ]

    def on_crash(text: str) -> None:
        with crash_log.open("a") as file:
            file.write(text + "\n")

    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS), options=limits)
    provider_grpc.add_ResourceProviderServicer_to_server(AwsProvider(cloud, on_crash=on_crash), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        cloud.clock.idle()
        server.stop(grace=1).wait()
