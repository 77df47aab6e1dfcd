"""Stand-in for the AWS command line: it finds one host, forwards ports to a server of this machine, gives a token.

How it behaves stands in the file `behaviour.json` of its folder; what it was asked is added to `asked.jsonl`, and each
session to `sessions` with its process.
"""

import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
TOKEN = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1", "status": {"token": "t"}}


def main(words: list[str]) -> int:
    told = json.loads((FOLDER / "behaviour.json").read_text())
    asked = {"words": words, "key": os.environ.get("AWS_ACCESS_KEY_ID", "")}
    with (FOLDER / "asked.jsonl").open("a") as file:
        file.write(json.dumps(asked) + "\n")
    if "get-token" in words:
        sys.stdout.write(json.dumps(TOKEN))
        return 0
    if "describe-instances" in words:
        sys.stdout.write(json.dumps(told["hosts"]))
        return 0
    sessions = FOLDER / "sessions"
    started = len(sessions.read_text().splitlines()) if sessions.exists() else 0
    with sessions.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if started < told.get("refused", 0):
        sys.stderr.write(told["refusal"])
        return 254
    forward(json.loads(words[words.index("--parameters") + 1]), told["server"])
    return 0


def forward(parameters: dict[str, list[str]], server: int) -> None:
    assert parameters["portNumber"] == ["443"]
    with socket.create_server(("127.0.0.1", int(parameters["localPortNumber"][0]))) as listening:
        while True:
            near, _ = listening.accept()
            threading.Thread(target=serve, args=(near, server), daemon=True).start()


def serve(near: socket.socket, server: int) -> None:
    with near, suppress(OSError), socket.create_connection(("127.0.0.1", server)) as far:
        threading.Thread(target=copy, args=(far, near), daemon=True).start()
        copy(near, far)
        time.sleep(0.1)


def copy(reads: socket.socket, writes: socket.socket) -> None:
    with suppress(OSError):
        while data := reads.recv(65536):
            writes.sendall(data)
    with suppress(OSError):
        writes.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
