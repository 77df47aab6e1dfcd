"""Prometheus alert rules."""

from collections.abc import Mapping, Sequence
from typing import Any

Rule = Mapping[str, Any]


def _rule(alert: str, expression: str, wait: str, severity: str, summary: str) -> Rule:
    """Told when the expression has held for `wait`."""
    return {
        "alert": alert,
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity, "product": "penstock"},
        "annotations": {"summary": summary},
    }


GROUPS: Mapping[str, Sequence[Rule]] = {
    "training": (
        _rule(
            "PenstockTrainingStands",
            "max by (namespace) (changes(penstock_training_step[15m])) == 0",
            "5m",
            "critical",
            "No step was done for a quarter of an hour, while the accelerators are paid for",
        ),
        _rule(
            "PenstockStraggler",
            "max by (namespace, rank) (penstock_straggler_ratio) > 1.3",
            "10m",
            "warning",
            "Rank {{ $labels.rank }} takes {{ $value | humanize }} times the median: every other rank waits for it",
        ),
        _rule(
            "PenstockCheckpointOld",
            "(max by (namespace) (penstock_training_step) - max by (namespace) (penstock_checkpoint_step))"
            " / (max by (namespace) (deriv(penstock_training_step[10m])) > 0) > 7200",
            "10m",
            "warning",
            "The newest checkpoint is {{ $value | humanizeDuration }} of training old: a failure now would cost that",
        ),
        _rule(
            "PenstockMfuDropped",
            "max by (namespace) (penstock_mfu) < 0.7 * max by (namespace) (max_over_time(penstock_mfu[6h]))",
            "15m",
            "warning",
            "Model FLOPs utilization is under seven tenths of what it was",
        ),
        _rule(
            "PenstockGoodputLow",
            "max by (namespace) (penstock_goodput_share) < 0.8 and max by (namespace) (penstock_training_step) > 0",
            "30m",
            "warning",
            "Only {{ $value | humanizePercentage }} of the run's time was spent on steps that count;"
            " penstock_run_seconds tells what the rest went to",
        ),
        _rule(
            "PenstockRestarts",
            "max by (namespace) (changes(penstock_attempt[1h])) > 3",
            "1m",
            "warning",
            "The workers were started more than three times in an hour",
        ),
        _rule(
            "PenstockBatchesSkipped",
            "increase(penstock_skipped_batches_total[1h]) > 10",
            "1m",
            "warning",
            "The guard has refused more than ten batches in an hour",
        ),
    ),
    "accelerators": (
        _rule(
            "PenstockXid",
            "max by (Hostname, gpu) (changes(DCGM_FI_DEV_XID_ERRORS[5m])) > 0",
            "0m",
            "warning",
            "The driver reports an XID error on {{ $labels.Hostname }}, accelerator {{ $labels.gpu }}",
        ),
        _rule(
            "PenstockMemoryFailing",
            "max by (Hostname, gpu) (DCGM_FI_DEV_ROW_REMAP_FAILURE) > 0",
            "0m",
            "critical",
            "{{ $labels.Hostname }}, accelerator {{ $labels.gpu }}: a memory row cannot be remapped; replace the node",
        ),
        _rule(
            "PenstockFabricErrors",
            "sum by (instance) (increase(node_infiniband_link_downed_total[1h])) > 0",
            "0m",
            "warning",
            "A fabric link of {{ $labels.instance }} has gone down in the last hour",
        ),
    ),
    "serving": (
        _rule(
            "PenstockFirstTokenSlow",
            "histogram_quantile(0.95, sum by (le, model_name) (rate(vllm:time_to_first_token_seconds_bucket[5m]))) > 5",
            "10m",
            "warning",
            "{{ $labels.model_name }}: one request of twenty waits more than 5 s for its first token",
        ),
        _rule(
            "PenstockQueueLong",
            "sum by (model_name) (vllm:num_requests_waiting)"
            " > 4 * sum by (model_name) (vllm:num_requests_running) + 16",
            "10m",
            "warning",
            "{{ $labels.model_name }}: far more requests wait than run; the next ones will be answered 429",
        ),
        _rule(
            "PenstockRequestsTurnedAway",
            "sum by (model_name) (rate(vllm:requests_turned_away_total[5m])) > 0",
            "5m",
            "warning",
            "{{ $labels.model_name }}: {{ $value | humanize }} requests a second are answered 429: the queue is full",
        ),
        _rule(
            "PenstockRequestsLost",
            'sum by (model_name) (rate(vllm:request_success_total{finished_reason=~"deadline|error"}[5m]))'
            " / sum by (model_name) (rate(vllm:request_success_total[5m])) > 0.05",
            "5m",
            "critical",
            "{{ $labels.model_name }}: one request of twenty ends without an answer",
        ),
    ),
}
