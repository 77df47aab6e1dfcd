"""A small server that keeps the server's contract: ready after a while, drained by SIGTERM, 78 for a mistake."""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REFUSED = 78
config = json.loads(Path(sys.argv[1]).read_text())
behaviour = config["inference"].get("behaviour", "")
ready_at = time.monotonic() + config["inference"].get("loadS", 0.2)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1.0)
        ready = time.monotonic() >= ready_at and not stopping
        self.send_response(200 if self.path != "/ready" or ready else 503)
        self.end_headers()
        self.wfile.write(json.dumps({"pid": os.getpid(), "model": config["modelFolder"]}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        sys.stderr.write(f"{format % args}\n")


class Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the requests that run


if behaviour == "refuse":
    sys.stderr.write("serve.json: 1 problem, nothing was created\n  modelFolder: there is no model\n")
    sys.exit(REFUSED)
if behaviour == "crash":
    sys.stderr.write("the weights are upside down\n")
    sys.exit(1)
stopping: list[int] = []  # no Event, which a handler may not set
signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "stubborn" else lambda number, _: stopping.append(number))
server = Server(("127.0.0.1", config["port"]), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
while not stopping:
    time.sleep(0.02)
server.shutdown()
server.server_close()
