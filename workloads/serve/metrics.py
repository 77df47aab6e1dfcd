"""Prometheus metrics under the names of vLLM's V1 engine, so that its dashboards and autoscaling rules work.

Names, units and labels: vLLM docs, design/metrics.md. Beyond its reasons for a finished request (stop, length, abort,
error) there are two more: deadline and shutdown. One counter vLLM has not: of the requests that were turned away.
"""

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from workloads.serve.sequence import Finish, Sequence

FIRST_TOKEN_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0)
TOKEN_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0)
REQUEST_S = (0.01, 0.05, 0.1, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0)
TOKENS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
LABELS = ("model_name", "engine")


class Load(Protocol):
    """Load that the engine reports when it is scraped."""

    @property
    def running(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def cache_usage(self) -> float: ...
    @property
    def preemptions(self) -> int: ...
    @property
    def prefix_queries(self) -> int: ...
    @property
    def prefix_hits(self) -> int: ...


@dataclass(slots=True)
class ServedTotals:
    """Each is counted by one thread alone: the engine's where nothing else is said."""

    prompt_tokens: int = 0
    generation_tokens: int = 0
    finished: Tally[str] = field(default_factory=Tally)
    turned_away: int = 0
    """Counted where requests come in, before the engine has heard of them."""


class Metrics:
    """The latency histograms and totals of one server, and their text form."""

    def __init__(self, model_name: str) -> None:
        self.registry = CollectorRegistry()
        self.totals = ServedTotals()
        self._labels = (model_name, "0")
        self._first_token = self._histogram("time_to_first_token_seconds", "Time to first token.", FIRST_TOKEN_S)
        self._token = self._histogram("inter_token_latency_seconds", "Time between two tokens.", TOKEN_S)
        self._per_token = self._histogram(
            "request_time_per_output_token_seconds", "Mean time per token of a request after its first.", TOKEN_S
        )
        self._request = self._histogram("e2e_request_latency_seconds", "Time from arrival to the end.", REQUEST_S)
        self._queue = self._histogram("request_queue_time_seconds", "Time from arrival to the first batch.", REQUEST_S)
        self._prompt = self._histogram("request_prompt_tokens", "Prompt tokens of a request.", TOKENS)
        self._generation = self._histogram("request_generation_tokens", "Generated tokens of a request.", TOKENS)

    def watch(self, load: Load) -> None:
        """Report this engine's load from now on."""
        self.registry.register(_LoadCollector(load, self.totals, self._labels))

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def turned_away(self) -> None:
        """A request was answered 429."""
        self.totals.turned_away += 1

    def token(self, sequence: Sequence, now: float) -> None:
        """`sequence` got a token; call before `last_token` is set to now."""
        self.totals.generation_tokens += 1
        if sequence.last_token is not None:
            self._token.observe(now - sequence.last_token)
            return
        self.totals.prompt_tokens += len(sequence.prompt)
        self._first_token.observe(now - sequence.arrived)

    def finished(self, sequence: Sequence, reason: Finish, now: float) -> None:
        self.totals.finished[reason.value] += 1
        self._request.observe(now - sequence.arrived)
        self._prompt.observe(len(sequence.prompt))
        self._generation.observe(sequence.generated)
        if sequence.admitted is not None:
            self._queue.observe(sequence.admitted - sequence.arrived)
        if sequence.first_token is not None and sequence.generated > 1:
            self._per_token.observe((now - sequence.first_token) / (sequence.generated - 1))

    def _histogram(self, name: str, documentation: str, buckets: tuple[float, ...]) -> Histogram:
        histogram = Histogram(f"vllm:{name}", documentation, LABELS, buckets=buckets, registry=self.registry)
        return histogram.labels(*self._labels)


class _LoadCollector(Collector):
    """Reads the engine when it is scraped, so that counting costs the engine nothing."""

    def __init__(self, load: Load, totals: ServedTotals, labels: tuple[str, str]) -> None:
        self._load, self._totals, self._labels = load, totals, labels

    def collect(self) -> Iterator[Metric]:
        load, totals = self._load, self._totals
        yield self._gauge("num_requests_running", "Requests in the running batch.", load.running)
        yield self._gauge("num_requests_waiting", "Requests that wait for a place.", load.waiting)
        yield self._gauge("kv_cache_usage_perc", "Share of the cache's blocks in use; 1 is all.", load.cache_usage)
        yield self._counter("prefix_cache_queries", "Prompt tokens looked up in the cache.", load.prefix_queries)
        yield self._counter("prefix_cache_hits", "Prompt tokens found in the cache.", load.prefix_hits)
        yield self._counter("num_preemptions", "Sequences that gave their blocks up.", load.preemptions)
        yield self._counter("prompt_tokens", "Prompt tokens processed.", totals.prompt_tokens)
        yield self._counter("generation_tokens", "Tokens generated.", totals.generation_tokens)
        finished = CounterMetricFamily(
            "vllm:request_success", "Requests that ended, by reason.", labels=(*LABELS, "finished_reason")
        )
        for reason in Finish:
            finished.add_metric((*self._labels, reason.value), totals.finished[reason.value])
        yield finished
        yield self._counter("requests_turned_away", "Requests answered 429: the queue was full.", totals.turned_away)

    def _gauge(self, name: str, documentation: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"vllm:{name}", documentation, labels=LABELS)
        family.add_metric(self._labels, value)
        return family

    def _counter(self, name: str, documentation: str, value: float) -> Metric:
        family = CounterMetricFamily(f"vllm:{name}", documentation, labels=LABELS)
        family.add_metric(self._labels, value)
        return family
