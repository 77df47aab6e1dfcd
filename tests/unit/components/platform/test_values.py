"""Values of charts, judged by the keys that the charts have."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.platform.catalog import ADDONS
from components.platform.request import PlatformRequest
from components.platform.values import check_values, merged
from components.platform.versions import versions
from components.spec.inference import AutoscalingSpec, RouteSpec
from tests.unit.components.platform.requests import EFA, GPUS, NEURON, RDMA, facts, request, service

SYSTEM = facts(system_selector={"penstock.dev/pool": "system"})
REQUESTS: Mapping[str, PlatformRequest] = {
    "bare": request(facts=SYSTEM),
    "GPUs and RDMA": request(GPUS, RDMA, facts=SYSTEM, scheduler_addons=tuple(ADDONS)),
    "EFA and Neuron, with a mirror": request(
        EFA,
        NEURON,
        facts=SYSTEM,
        platform={"registryMirror": "mirror.example", "domain": "ml.example"},
        service=service(autoscaling=AutoscalingSpec(max_replicas=2), route=RouteSpec()),
    ),
}
DIGESTS = {
    "cert-manager": "bf080e1e42305673",
    "dcgm-exporter": "fb66bd705ae86909",
    "efa-device-plugin": "3bb999a7d9b39956",
    "external-dns": "e0a47828489ffa6a",
    "fluent-bit": "e0c54fa26e5d9c95",
    "gpu-operator": "00a6aacbdd92715b",
    "jobset": "9c63db7996c6a1fe",
    "kai-scheduler": "f397288ffcc41947",
    "karpenter": "37d36f77476a5d7e",
    "keda": "a47c70e39a31a252",
    "kube-prometheus-stack": "29092557e0ae1169",
    "leader-worker-set": "ea38a08e3871ae2f",
    "network-operator": "190647ec5fb3578a",
    "node-feature-discovery": "fc847531daa5fdf0",
    "nvidia-dra-driver": "fe7310a7dd43a104",
    "opentelemetry-collector": "6592aa652b8ed7ae",
    "prometheus-adapter": "fd2b3b7bdacaad73",
    "rook-ceph": "93896776054ebcf5",
    "slurm": "268bc0dc91cde4b6",
    "slurm-operator": "5206669137a7a564",
}
"""sha256 of the keys as sorted JSON, its first 16 digits: those of the charts at the pinned versions on 2026-11-29."""


def planned() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for situation, asked in REQUESTS.items():
        for name, addon in ADDONS.items():
            release = addon.plan(asked).release
            if release is not None:
                yield situation, name, release.values


@pytest.mark.parametrize(("situation", "name", "values"), list(planned()))
def test_our_own_values_are_keys_of_the_chart(situation: str, name: str, values: Mapping[str, Any]) -> None:
    assert [str(problem) for problem in check_values(name, values)] == []


def test_every_chart_has_its_keys_and_no_other_file_lies_there(repository: Path) -> None:
    folder = repository / "components" / "platform" / "value_keys"
    charts = {name for name, row in versions().items() if row.chart}
    assert {file.stem for file in folder.glob("*.json")} == charts


@pytest.mark.parametrize("name", DIGESTS)
def test_the_keys_are_those_of_the_chart(name: str, repository: Path) -> None:
    """A newer chart's are written by tools/value_keys.py; then its digest changes here."""
    keys = json.loads((repository / "components" / "platform" / "value_keys" / f"{name}.json").read_text())["values"]
    assert hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()[:16] == DIGESTS[name]


@pytest.mark.parametrize("name", sorted(name for name, row in versions().items() if row.chart))
def test_every_image_of_a_row_is_a_value_of_its_chart(name: str) -> None:
    for path in versions()[name].images:
        value: Any = "x"
        for step in reversed(path.split(".")):
            value = {step: value}
        assert check_values(name, value) == (), path


@pytest.mark.parametrize(
    ("addon", "values", "path", "words"),
    [
        ("kueue", {"controllerManger": {}}, "controllerManger", "did you mean 'controllerManager'?"),
        ("kueue", {"controllerManager": {"manager": {"resourcez": {}}}}, "controllerManager.manager.resourcez", "did"),
        (
            "kubeflow-trainer",
            {"crds": {"install": True}},
            "crds",
            "the chart has no such key (value {'install': True})",
        ),
        ("kubeflow-trainer", {"jobset": {"enabled": False}}, "jobset.enabled", "no such key"),
        ("gpu-operator", {"driver": {"enabled": "false"}}, "driver.enabled", "'false' is not true or false"),
        ("mpi-operator", {"image": "x"}, "", "takes no values; remove them"),
    ],
)
def test_an_unknown_key_is_told_with_its_path(addon: str, values: Mapping[str, Any], path: str, words: str) -> None:
    (problem,) = check_values(addon, values)
    assert problem.path == f"platform.addons.{addon}.values.{path}".rstrip(".")
    assert words in problem.message


@pytest.mark.parametrize(
    ("addon", "values"),
    [
        ("kueue", {"controllerManager": {"nodeSelector": {"any": "label"}}}),
        ("kueue", {"controllerManager": {"manager": {"resources": {"limits": {"example.com/x": "1"}}}}}),
        ("kube-prometheus-stack", {"grafana": {"adminPassword": "x"}}),
        ("kube-prometheus-stack", {"kube-state-metrics": {"anything": {"below": 1}}}),
        ("opentelemetry-collector", {"config": {"receivers": {"prometheus": {"config": {}}}}}),
        ("gpu-operator", {"node-feature-discovery": {"worker": {"hostNetwork": True}}}),
        ("keda", {"global": {"anything": 1}}),
    ],
)
def test_what_a_chart_leaves_open_is_open(addon: str, values: Mapping[str, Any]) -> None:
    assert check_values(addon, values) == ()


def test_layers_are_merged_as_helm_merges_them() -> None:
    ours = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}}
    assert merged(ours, {"a": {"c": [3]}, "d": 2}) == {"a": {"b": 1, "c": [3]}, "d": 2}
    assert ours["a"]["c"] == [1, 2]  # type: ignore[index]  # the layers are left as they were
