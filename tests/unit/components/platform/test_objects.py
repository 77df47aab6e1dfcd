"""Objects that add-ons bring beside their charts, dashboards and alerts."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.plan.kubernetes import NAMESPACE
from components.platform.addons.kueue_config import manager_config
from components.platform.alerts import GROUPS
from components.platform.catalog import ADDONS
from components.platform.dashboards import DASHBOARDS
from components.platform.request import PlatformRequest
from components.spec.inference import AutoscalingSpec
from tests.definitions import judge
from tests.unit.components.platform.requests import GPUS, RDMA, facts, request, service
from tools.lab import folder_of, missing
from workloads.pretrain.record.metrics import PrometheusMetrics
from workloads.serve.metrics import Metrics

ASKED = request(GPUS, RDMA, facts=facts(system_selector={"pool": "system"}), scheduler_addons=tuple(ADDONS))
OTHERS = {
    "DCGM_FI_DEV_XID_ERRORS",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
    "DCGM_FI_DEV_ROW_REMAP_FAILURE",
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
    "node_infiniband_port_errors_received_total",
    "node_infiniband_link_downed_total",
}
"""Of dcgm-exporter (etc/default-counters.csv) and of the node exporter (its infiniband collector)."""


def expressions() -> Iterator[str]:
    for dashboard in DASHBOARDS.values():
        for panel in dashboard["panels"]:
            yield from (target["expr"] for target in panel["targets"])
    for rules in GROUPS.values():
        yield from (rule["expr"] for rule in rules)


def exported(folder: Path) -> set[str]:
    """Every name that training and serving really show."""

    class Idle:
        running = waiting = preemptions = prefix_queries = prefix_hits = 0
        cache_usage = 0.0

    training, serving = PrometheusMetrics(folder / "metrics.prom"), Metrics("model")
    serving.watch(Idle())
    training.write(now=True)
    text = (folder / "metrics.prom").read_text() + serving.text().decode()
    return set(re.findall(r"^([a-z0-9_:]+)(?:\{| )", text, re.MULTILINE)) | set(
        re.findall(r"^# TYPE ([a-z0-9_:]+) ", text, re.MULTILINE)
    )


def test_every_metric_that_is_asked_for_is_exported(tmp_path: Path) -> None:
    known = exported(tmp_path)
    asked = {name for text in expressions() for name in re.findall(r"(?:penstock_|vllm:|DCGM_|node_)\w+", text)}
    assert len(asked) > 20
    assert {name for name in asked - OTHERS if {name, name.removesuffix("_bucket")}.isdisjoint(known)} == set()


def test_a_dashboard_is_json_with_panels_of_their_own() -> None:
    manifests = [one for one in ADDONS["kube-prometheus-stack"].plan(ASKED).manifests if one["kind"] == "ConfigMap"]
    assert len(manifests) == 2
    for manifest in manifests:
        assert manifest["metadata"]["labels"]["grafana_dashboard"] == "1"
        (text,) = manifest["data"].values()
        dashboard = json.loads(text)
        ids = [panel["id"] for panel in dashboard["panels"]]
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
        assert len(set(ids)) == len(set(places)) == len(dashboard["panels"]) >= 10


def test_metrics_outlive_a_pod_where_there_are_disks() -> None:
    disks = {"kind": "StorageClass", "metadata": {"name": "fast"}}

    def prometheus(**fields: Any) -> dict[str, Any]:
        release = ADDONS["kube-prometheus-stack"].plan(request(GPUS, facts=facts(**fields))).release
        assert release is not None
        spec: dict[str, Any] = release.values["prometheus"]["prometheusSpec"]
        return spec

    there = prometheus(storage_class=disks)
    claim = there["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert int(claim["resources"]["requests"]["storage"].removesuffix("Gi")) > int(
        there["retentionSize"].removesuffix("GiB")
    )
    assert "storageClassName" not in claim
    assert "storageSpec" not in prometheus()


def test_an_alert_says_what_it_means() -> None:
    alerts = [rule for rules in GROUPS.values() for rule in rules]
    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    for rule in alerts:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["expr"].count("(") == rule["expr"].count(")")


BY_HAND = ("gateway-api", "kube-prometheus-stack", "mpi-operator", "network-operator")
"""Add-ons that have more than a chart."""


def test_only_these_have_more_than_a_chart() -> None:
    plans = {name: addon.plan(ASKED) for name, addon in ADDONS.items()}
    assert tuple(sorted(name for name, plan in plans.items() if plan.manifests or plan.objects)) == BY_HAND


@pytest.mark.parametrize("name", BY_HAND)
def test_objects_are_what_their_definitions_allow(name: str) -> None:
    plan = ADDONS[name].plan(ASKED)
    for manifest in (*plan.manifests, *plan.objects):
        judge(manifest)


def test_only_penstocks_own_namespace_is_queued() -> None:
    config = yaml.safe_load(manager_config(request(GPUS, start_timeout_s=120)))
    assert config["managedJobsNamespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
    assert config["waitForPodsReady"]["timeout"] == "120s"
    assert "limit" not in str(config["waitForPodsReady"]).lower()


def test_pods_wait_for_kueue_only_where_leader_worker_sets_may_queue() -> None:
    """They are admitted as groups of pods: without `pod` Kueue does not start; with it no pod starts without Kueue."""
    asked = request(GPUS, addons={"leader-worker-set": True})
    frameworks = yaml.safe_load(manager_config(asked))["integrations"]["frameworks"]
    assert frameworks.index("pod") < frameworks.index("leaderworkerset.x-k8s.io/leaderworkerset")
    assert "pod" not in yaml.safe_load(manager_config(request(GPUS)))["integrations"]["frameworks"]


def test_kueue_itself_takes_the_configuration(tmp_path: Path) -> None:
    """The pinned program reads it strictly and judges it, before it looks for an API server."""
    if missing(["kueue"]):
        pytest.skip("the lab's Kueue is not built on this machine (penstock lab up builds it)")
    program = folder_of("kueue") / "bin" / "kueue"
    file = tmp_path / "config.yaml"
    for text, taken in ((manager_config(ASKED), True), (manager_config(ASKED).replace("timeout:", "timeuot:"), False)):
        file.write_text(text)
        run = subprocess.run(
            [str(program), f"--config={file}", f"--kubeconfig={tmp_path / 'none'}"],
            capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path,
        )  # fmt: skip
        assert ("Unable to" not in run.stdout + run.stderr) == taken
        assert "Initializing" in run.stderr + run.stdout or not taken


def test_a_scaled_service_is_read_once() -> None:
    stack = ADDONS["kube-prometheus-stack"]
    scaled = request(GPUS, service=service(autoscaling=AutoscalingSpec(max_replicas=2)))

    def monitors(asked: PlatformRequest) -> list[str]:
        return [one["metadata"]["name"] for one in stack.plan(asked).objects if one["kind"] == "PodMonitor"]

    assert monitors(request(GPUS, service=service())) == ["penstock-jobs", "penstock-services"]
    assert monitors(scaled) == ["penstock-jobs"]
