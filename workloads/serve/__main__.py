"""`penstock serve CONFIG_FILE`: serve one replica until SIGTERM.

Exit codes: 0 drained; 78 the user's mistake (EX_CONFIG), told in one message on stderr; anything else a failure.
"""

import argparse
import logging
import os
import socket
import sys
from pathlib import Path

from components.errors import PenstockError
from workloads.serve.config import ServeFile, read_config

EX_CONFIG = 78
DESCRIPTION = """Serves an exported model over OpenAI's HTTP API on one port, as `pulumi up`
does, until Ctrl-C or SIGTERM: running requests finish first. There is no
authentication."""
EXAMPLE = """A configuration file, with the folder of a finished run or of its export:

  {"inference": {}, "modelFolder": "/data/runs/pretrain-1a2b3c4d", "port": 8000}

or that of a stack's own server:

  penstock plan local --json | jq '.service[0].config' > serve.json
  penstock serve serve.json

Exit codes: 0 drained, 78 a file, model or port that cannot be
served, anything else a failure."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="penstock serve", description=DESCRIPTION, epilog=EXAMPLE, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("config", type=Path, metavar="CONFIG_FILE", help="which model to serve, and where (JSON)")
    path = parser.parse_args(arguments).config
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        config = read_config(path)
        listener = _listen(config)
    except PenstockError as error:
        return _refuse(str(error))
    return _serve(config, listener)


def _listen(config: ServeFile) -> socket.socket:
    """The replica's port, taken before anything slow happens."""
    host, port = config.inference.host, config.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        raise PenstockError(
            f"port: {host}:{port} cannot be listened on ({error.strerror or error}); "
            "stop the program that has it, or set inference.port (and inference.host) to another"
        ) from None
    return listener


def _serve(config: ServeFile, listener: socket.socket) -> int:
    # Imported late: torch takes seconds, and a wrong file or a port in use should be told at once.
    import uvicorn

    from workloads.serve.api import create_app
    from workloads.serve.service import Service, ServiceState

    service = Service(config)

    def end() -> None:
        server.should_exit = True

    options = uvicorn.Config(
        create_app(service, end),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        lifespan="on",
    )
    server = uvicorn.Server(options)
    server.run(sockets=[listener])
    if service.failure is not None:
        return _refuse(service.failure)
    return 1 if service.state is ServiceState.FAILED else 0


def _refuse(message: str) -> int:
    sys.stderr.write(message + "\n")
    return EX_CONFIG


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # Without waiting for threads: loading may still be under way when a replica is stopped early.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
