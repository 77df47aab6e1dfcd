"""An agent that runs one job after another: torch is imported once for a whole session of tests.

Reads a line of JSON per job, {"job": path, "worker": null or "module:function", "rendezvous": ...}, and answers with
a line: the exit code. Signals sent to it reach the agent of the job that runs, as they would reach
`python -m workloads.pretrain`.
"""

import importlib
import json
import signal
import sys
from pathlib import Path

from workloads.pretrain.agent.entry import Worker
from workloads.pretrain.agent.launch import launch


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # the run's own lines are no answers
    for line in sys.stdin:
        request = json.loads(line)
        code = launch(Path(request["job"]), worker=load(request["worker"]))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        answers.write(f"{int(code)}\n")
        answers.flush()


def load(name: str | None) -> Worker | None:
    if name is None:
        return None
    module, function = name.split(":")
    worker: Worker = getattr(importlib.import_module(module), function)
    return worker


if __name__ == "__main__":
    main()
