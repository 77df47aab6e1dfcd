"""Metrics of a run: a line of JSON for each step, and the newest values for Prometheus."""

import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server, write_to_textfile

from workloads.pretrain.folder import json_lines
from workloads.pretrain.record.ledger import Goodput

log = logging.getLogger(__name__)

PORT_VARIABLE = "PENSTOCK_METRICS_PORT"
ADDRESS_VARIABLE = "POD_IP"
"""Of a pod; on a machine of its own metrics are heard on loopback alone."""
LOOPBACK = "127.0.0.1"
TEXTFILE_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsListener:
    """Server of the newest values for Prometheus."""

    address: str
    port: int


def listener(port: int | None) -> MetricsListener | None:
    """Of a job file's port, on the pod's own address; else of the variable's, on loopback; None where none is asked."""
    if port is not None:
        return MetricsListener(address=os.environ.get(ADDRESS_VARIABLE) or LOOPBACK, port=port)
    if asked := os.environ.get(PORT_VARIABLE):
        return MetricsListener(address=LOOPBACK, port=int(asked))
    return None


def serve(registry: CollectorRegistry, at: MetricsListener | None) -> None:
    """GET /metrics until the process ends. A port that somebody has is told: a run does not end for its metrics."""
    if at is None:
        return
    try:
        start_http_server(at.port, addr=at.address, registry=registry)
    except OSError as error:
        log.warning("no metrics on %s:%d: %s", at.address, at.port, error.strerror)


class MetricsLog:
    """metrics.jsonl: a line is in the file when `add` returns, also if the process is killed then."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("a", buffering=1)
        # A killed writer may have left half a line; the next one must not continue it.
        if self._stream.tell() and not path.read_bytes().endswith(b"\n"):
            self._stream.write("\n")

    def add(self, **values: object) -> None:
        self._stream.write(json.dumps({"time": time.time()} | values) + "\n")


def last_step(path: Path) -> int:
    """The highest step a run has ever done, by its metrics."""
    return max(
        (step for line in json_lines(path) if "loss" in line and isinstance(step := line["step"], int)), default=0
    )


class PrometheusMetrics:
    """The newest values: as a text file for a node exporter, and over HTTP where that is asked for."""

    def __init__(self, textfile: Path, at: MetricsListener | None = None) -> None:
        self._textfile, self._written = textfile, 0.0
        self._registry = registry = CollectorRegistry()
        self.step = Gauge("penstock_training_step", "Optimizer steps done", registry=registry)
        self.loss = Gauge("penstock_training_loss", "Nats per token of the last step", registry=registry)
        self.validation_loss = Gauge("penstock_validation_loss", "Nats per held-out token", registry=registry)
        self.bits_per_byte = Gauge("penstock_validation_bits_per_byte", "Of held-out text", registry=registry)
        self.gradient_norm = Gauge("penstock_gradient_norm", "Before clipping", registry=registry)
        self.learning_rate = Gauge("penstock_learning_rate", "Of the last step", registry=registry)
        self.tokens_per_s = Gauge("penstock_tokens_per_second", "Over all ranks", registry=registry)
        self.mfu = Gauge("penstock_mfu", "Model FLOPs utilization, attention counted in full", registry=registry)
        self.world_size = Gauge("penstock_world_size", "Ranks", registry=registry)
        self.attempt = Gauge("penstock_attempt", "Times the workers were started", registry=registry)
        self.checkpoint_step = Gauge("penstock_checkpoint_step", "Of the newest checkpoint", registry=registry)
        self.checkpoint_stall = Gauge(
            "penstock_checkpoint_stall_seconds", "Training time spent waiting for checkpoints", registry=registry
        )
        self.best_interval = Gauge(
            "penstock_checkpoint_best_interval_seconds", "Between checkpoints: what loses the least", registry=registry
        )
        self.skipped = Counter("penstock_skipped_batches", "Batches the guard refused", registry=registry)
        self.straggler = Gauge("penstock_straggler_ratio", "Own time over the median", ["rank"], registry=registry)
        self._seconds = Gauge(
            "penstock_run_seconds", "Time of the run by what it was spent on", ["cause"], registry=registry
        )
        self._goodput = Gauge(
            "penstock_goodput_share", "Time in steps that count, of all but what was stopped", registry=registry
        )
        self._lost_steps = Gauge("penstock_lost_steps", "Optimizer steps done more than once", registry=registry)
        self._tokens = Gauge("penstock_trained_tokens", "Tokens of the steps that count", registry=registry)
        self.tracker_waiting = Gauge(
            "penstock_tracker_waiting_bytes", "Of metrics.jsonl, not sent yet", ["tracker"], registry=registry
        )
        self.tracker_refused = Gauge(
            "penstock_tracker_refused_lines", "Lines a tracker did not take", ["tracker"], registry=registry
        )
        serve(registry, at)

    def account(self, goodput: Goodput, tokens_per_step: int) -> None:
        """The run's time so far, across restarts."""
        for kind, seconds in goodput.seconds.items():
            self._seconds.labels(cause=kind.value).set(seconds)
        self._goodput.set(goodput.share)
        self._lost_steps.set(goodput.lost_steps)
        self._tokens.set(goodput.steps * tokens_per_step)

    def write(self, now: bool = False) -> None:
        """Replace the text file when the last one is old, or `now`."""
        if now or time.monotonic() - self._written >= TEXTFILE_EVERY_S:
            self._written = time.monotonic()
            write_to_textfile(str(self._textfile), self._registry)
