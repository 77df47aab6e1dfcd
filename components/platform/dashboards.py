"""Grafana dashboards of training and serving, made of rows of panels."""

from collections.abc import Mapping, Sequence
from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
_STEPS_PER_S = "max by (namespace) (deriv(penstock_training_step[5m]))"

Panel = tuple[str, str, str, str]
"""Title, expression, Grafana's unit, and what it is for."""

_TRAINING: Sequence[Panel] = (
    ("Step time", f"1 / ({_STEPS_PER_S} > 0)", "s", "Seconds of one optimizer step over the last five minutes"),
    ("Tokens per second", "sum(penstock_tokens_per_second)", "short", "Over all ranks"),
    ("MFU", "max(penstock_mfu)", "percentunit", "Model FLOPs utilization, attention counted in full"),
    (
        "Goodput",
        "max by (namespace) (penstock_goodput_share)",
        "percentunit",
        "Share of the run's time in steps that count, across restarts",
    ),
    (
        "Time by cause",
        'max by (namespace, cause) (penstock_run_seconds{cause!~"train|stopped"})',
        "s",
        "Time of the run that was not spent on steps that count",
    ),
    ("Loss", "penstock_training_loss", "short", "Nats per token"),
    ("Validation loss", "penstock_validation_loss", "short", "Nats per held-out token"),
    ("Gradient norm", "penstock_gradient_norm", "short", "Before clipping"),
    ("Ranks", "max(penstock_world_size)", "short", "How many take part"),
    ("Starts", "max(penstock_attempt)", "short", "Times the workers were started: each one more is a failure"),
    ("Stragglers", "topk(8, penstock_straggler_ratio)", "short", "A rank's own time over the median"),
    (
        "Steps since the newest checkpoint",
        "max(penstock_training_step) - max(penstock_checkpoint_step)",
        "short",
        "What a failure now would cost",
    ),
    ("Waiting for checkpoints", "rate(penstock_checkpoint_stall_seconds[10m])", "percentunit", "Share of the time"),
    ("Skipped batches", "increase(penstock_skipped_batches_total[1h])", "short", "That the guard refused"),
    ("XID errors", "max by (Hostname, gpu) (DCGM_FI_DEV_XID_ERRORS)", "short", "The driver's newest error code"),
    (
        "Memory rows lost",
        "max by (Hostname, gpu) (DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS)",
        "short",
        "Remapped after errors that ECC could not correct",
    ),
    ("NVLink", "sum by (Hostname) (DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL)", "MBs", "All links of a machine"),
    (
        "Fabric errors",
        (
            "sum by (instance) (rate(node_infiniband_port_errors_received_total[5m]))"
            " + sum by (instance) (rate(node_infiniband_link_downed_total[5m]))"
        ),
        "cps",
        "Packets received with an error, and links gone down",
    ),
)

_SERVING: Sequence[Panel] = (
    ("Requests running", "sum by (model_name) (vllm:num_requests_running)", "short", "In the running batch"),
    ("Requests waiting", "sum by (model_name) (vllm:num_requests_waiting)", "short", "What replicas follow"),
    (
        "Time to first token, 95%",
        "histogram_quantile(0.95, sum by (le, model_name) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
        "s",
        "From arrival",
    ),
    (
        "Between tokens, 95%",
        "histogram_quantile(0.95, sum by (le, model_name) (rate(vllm:inter_token_latency_seconds_bucket[5m])))",
        "s",
        "What a reader sees",
    ),
    (
        "Whole request, 95%",
        "histogram_quantile(0.95, sum by (le, model_name) (rate(vllm:e2e_request_latency_seconds_bucket[5m])))",
        "s",
        "From arrival to the end",
    ),
    (
        "In the queue, 95%",
        "histogram_quantile(0.95, sum by (le, model_name) (rate(vllm:request_queue_time_seconds_bucket[5m])))",
        "s",
        "Until the first batch",
    ),
    ("Tokens per second", "sum by (model_name) (rate(vllm:generation_tokens_total[1m]))", "short", "Generated"),
    ("Prompt tokens per second", "sum by (model_name) (rate(vllm:prompt_tokens_total[1m]))", "short", "Processed"),
    ("Cache in use", "max by (model_name) (vllm:kv_cache_usage_perc)", "percentunit", "Of the key-value cache"),
    (
        "Prefix cache hits",
        (
            "sum by (model_name) (rate(vllm:prefix_cache_hits_total[5m]))"
            " / sum by (model_name) (rate(vllm:prefix_cache_queries_total[5m]))"
        ),
        "percentunit",
        "Share of prompt tokens",
    ),
    ("Preemptions", "sum by (model_name) (rate(vllm:num_preemptions_total[5m]))", "cps", "Sequences put back"),
    (
        "Turned away",
        "sum by (model_name) (rate(vllm:requests_turned_away_total[5m]))",
        "reqps",
        "Answered 429: the queue was full",
    ),
    (
        "Ends by reason",
        "sum by (finished_reason) (rate(vllm:request_success_total[5m]))",
        "reqps",
        "deadline, abort and error are requests that were not answered",
    ),
)


def _dashboard(uid: str, title: str, panels: Sequence[Panel]) -> Mapping[str, Any]:
    return {
        "uid": f"penstock-{uid}",
        "title": title,
        "tags": ["penstock"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> Mapping[str, Any]:
    """Three in a row of Grafana's grid, which is 24 wide."""
    title, expression, unit, description = panel
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "gridPos": {"x": number % 3 * 8, "y": number // 3 * 8, "w": 8, "h": 8},
        "targets": [{"refId": "A", "datasource": DATASOURCE, "expr": expression}],
    }


DASHBOARDS: Mapping[str, Mapping[str, Any]] = {
    "training": _dashboard("training", "penstock: training", _TRAINING),
    "serving": _dashboard("serving", "penstock: serving", _SERVING),
}
