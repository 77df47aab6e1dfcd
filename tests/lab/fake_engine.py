#!/usr/bin/env python3
"""Stands for an engine of others: it takes the flags of the real one alone, and answers where that does.

It is put where the image has its program. Loading takes a moment: vLLM does not listen then, and SGLang is not ready.
"""

import http.server
import json
import signal
import sys
import threading
import time
from pathlib import Path

LOAD_S = 2.0


def main(engine: str, words: list[str]) -> None:
    facts = json.loads(Path(__file__).with_name("facts.json").read_text())[engine]
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    if unknown := [flag for flag in flags if flag not in facts["flags"]]:
        sys.exit(f"error: unrecognized arguments: {' '.join(unknown)}")
    port = int(words[words.index("--port") + 1])
    state = {"ready": engine == "vllm"}

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path in facts["paths"]
            is_ready = state["ready"] or self.path == "/metrics"
            self.send_response(200 if known and is_ready else 503 if known else 404)
            self.end_headers()
            self.wfile.write("\n".join(facts["metrics"]).encode() if self.path == "/metrics" else b"")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    if engine == "vllm":
        time.sleep(LOAD_S)
    server = http.server.ThreadingHTTPServer(("0.0.0.0", port), Answers)  # noqa: S104
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    if engine == "sglang":
        threading.Timer(LOAD_S, lambda: state.update(ready=True)).start()
    server.serve_forever()
    sys.stdout.write("drained\n")


if __name__ == "__main__":
    name = Path(sys.argv[0]).name
    main("vllm" if name == "vllm" else "sglang", sys.argv[1:])
