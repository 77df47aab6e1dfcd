"""A run whose nodes are pods answers Prometheus while it trains: on the address that the pod has."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.workloads.pretrain.runs import PATIENCE_S, REPOSITORY, make_run

ADDRESS = "127.0.0.2"
"""In the place of a pod's: another than that on which a machine of its own would be heard."""


def test_a_pod_of_a_run_is_scraped_on_its_own_address(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path, texts)
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    job = json.loads(run.job.read_text())
    job["training"]["steps"] = 100_000
    run.job.write_text(json.dumps(job | {"metricsPort": port}))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "POD_IP": ADDRESS}
    agent = subprocess.Popen(
        [sys.executable, "-m", "workloads.pretrain", str(run.job)], cwd=REPOSITORY, env=environment
    )
    try:
        assert steps_shown(port, agent) >= 1
        with socket.socket() as loopback:
            assert loopback.connect_ex(("127.0.0.1", port)) != 0
    finally:
        agent.terminate()
        agent.wait(PATIENCE_S)


def steps_shown(port: int, agent: "subprocess.Popen[bytes]") -> float:
    """The step that is shown once there is one; 0 when the run ends before."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and agent.poll() is None:
        try:
            text = httpx.get(f"http://{ADDRESS}:{port}/metrics").text
        except httpx.TransportError:
            text = ""
        shown = [float(line.split()[1]) for line in text.splitlines() if line.startswith("penstock_training_step ")]
        if shown and shown[0]:
            return shown[0]
        time.sleep(0.2)
    return 0.0
