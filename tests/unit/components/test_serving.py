"""A service as Kubernetes objects."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.catalog import Accelerator, MachineType
from components.fabric import Collective, Fabric
from components.plan.cluster import NodePoolPlan, PodBinding, Taint, VolumePlan
from components.plan.work import ServicePlan
from components.serving import render_service
from components.spec.cluster import TaintEffect
from components.spec.inference import AutoscalingSpec, CanarySpec, InferenceSpec, RouteSpec, ScaledBy, ServedModel
from components.spec.storage import OnDestroy
from tests.definitions import judge
from workloads.plan.inference import plan_inference
from workloads.serve.config import ServeFile

CHIP = Accelerator(name="h100", vendor="nvidia", reported="H100", memory_gib=80, bf16_tflops=989)
POOL = NodePoolPlan(
    name="serve", node_count=2, min_count=2, max_count=2, fabric=Fabric.EFA, collective=Collective.NCCL,
    machine=MachineType(
        name="box", cores=192, memory_gib=2048, accelerator=CHIP, accelerator_count=8, fabric=Fabric.EFA
    ),
    binding=PodBinding(
        devices={"vpc.amazonaws.com/efa": 32, "nvidia.com/gpu": 8},
        huge_pages_mib=5120,
        env={"NCCL_SOCKET_IFNAME": "eth0"},
        node_selector={"penstock.dev/pool": "serve"},
        tolerations=(Taint(key="nvidia.com/gpu", value="present", effect=TaintEffect.NO_SCHEDULE),),
        topology_keys=("topology.kubernetes.io/zone",),
    ),
)  # fmt: skip
VOLUME = VolumePlan(path="/fsx/penstock/s", on_destroy=OnDestroy.KEEP, claim="fsx", mount_path="/fsx")
EVERYTHING: dict[str, Any] = {
    "autoscaling": AutoscalingSpec(max_replicas=8),
    "canary": CanarySpec(path="/fsx/b", weight_percent=5, replicas=2),
    "route": RouteSpec(host_name="llm.example"),
}
TO_ZERO: dict[str, Any] = {"autoscaling": AutoscalingSpec(min_replicas=0, max_replicas=4), "route": RouteSpec()}


def plan(**asked: Any) -> ServicePlan:
    spec: dict[str, Any] = {"image": "r.example/penstock:1", "model": ServedModel(path="/fsx/model")} | asked
    return plan_inference(InferenceSpec(**spec), [POOL], VOLUME, None, pods=True)


def render(**asked: Any) -> tuple[Mapping[str, Any], ...]:
    return render_service(plan(**asked), POOL)


def only(manifests: tuple[Mapping[str, Any], ...], kind: str, name: str = "") -> Any:
    (found,) = [one for one in manifests if one["kind"] == kind and name in ("", one["metadata"]["name"])]
    return found


def variants() -> Iterator[dict[str, Any]]:
    yield {}
    yield EVERYTHING
    yield {"replicas": 3, "route": RouteSpec(gateway="shared")}
    yield {"autoscaling": AutoscalingSpec(max_replicas=4, by=ScaledBy.HPA)}
    yield TO_ZERO


@pytest.mark.parametrize("asked", list(variants()), ids=["plain", "everything", "shared gateway", "hpa", "to zero"])
def test_every_object_is_what_its_definition_allows(asked: dict[str, Any]) -> None:
    manifests = render(**asked)
    for manifest in manifests:
        judge(manifest)
    assert {"ConfigMap", "Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"} <= {
        one["kind"] for one in manifests
    }


def test_the_kinds_of_a_scaled_service_behind_a_route_are_there() -> None:
    kinds = {manifest["kind"] for asked in (EVERYTHING, TO_ZERO) for manifest in render(**asked)}
    assert {"PodMonitor", "ScaledObject", "Gateway", "HTTPRoute", "EnvoyProxy"} <= kinds


def test_a_replica_takes_its_accelerator_and_nothing_of_the_fabric() -> None:
    pod = only(render(), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    limits, requests = container["resources"]["limits"], container["resources"]["requests"]
    assert limits["nvidia.com/gpu"] == requests["nvidia.com/gpu"] == "1"
    assert set(limits) == {"nvidia.com/gpu", "memory"}
    assert set(requests) == {"nvidia.com/gpu", "memory", "cpu"}
    assert pod["nodeSelector"] == {"penstock.dev/pool": "serve"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"


def test_the_servers_own_file_is_one_it_takes() -> None:
    manifests = render()
    config = only(manifests, "ConfigMap")
    file = ServeFile.model_validate_json(config["data"]["serve.json"])
    assert (file.port, file.device, file.model_folder, file.wait_for_model) == (8000, "cuda", "/fsx/model", False)
    pod = only(manifests, "Deployment")["spec"]["template"]["spec"]
    assert {"name": "config", "configMap": {"name": config["metadata"]["name"]}} in pod["volumes"]
    assert pod["containers"][0]["command"] == ["python", "-m", "workloads.serve", "/etc/penstock/serve.json"]
    assert pod["containers"][0]["ports"][0]["containerPort"] == file.port


def test_a_model_that_is_being_trained_is_waited_for_and_the_engine_does_not_wait() -> None:
    following = replace(plan(), follows_training=True)
    manifests = render_service(following, POOL)
    assert json.loads(only(manifests, "ConfigMap")["data"]["serve.json"])["waitForModel"] is True
    for kind in ("Deployment", "Service"):
        assert only(manifests, kind)["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
        assert "annotations" not in only(render(), kind)["metadata"]


def test_probes_ask_what_the_server_answers() -> None:
    """The paths and what they mean are tested against a running server in tests/workloads/serve."""
    container = only(render(), "Deployment")["spec"]["template"]["spec"]["containers"][0]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/health", "readiness": "/ready", "liveness": "/health"}


def test_there_is_time_to_drain() -> None:
    pod = only(render(drain_s=90.5), "Deployment")["spec"]["template"]["spec"]
    first = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= first + 90.5 + 5


def test_a_new_replica_comes_before_an_old_one_goes() -> None:
    spec = only(render(replicas=3), "Deployment")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["replicas"] == 3


def test_the_volume_is_read_and_not_written() -> None:
    pod = only(render(), "Deployment")["spec"]["template"]["spec"]
    (claim,) = [volume["persistentVolumeClaim"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert claim == {"claimName": "fsx", "readOnly": True}
    assert {"name": "model", "mountPath": "/fsx", "readOnly": True} in pod["containers"][0]["volumeMounts"]


@pytest.mark.parametrize("by", ScaledBy)
def test_an_autoscaler_is_alone_in_setting_the_number(by: ScaledBy) -> None:
    manifests = render(autoscaling=AutoscalingSpec(min_replicas=2, max_replicas=5, by=by))
    assert "replicas" not in only(manifests, "Deployment")["spec"]
    kind = {"keda": "ScaledObject", "hpa": "HorizontalPodAutoscaler"}[by]
    spec = only(manifests, kind)["spec"]
    assert spec["scaleTargetRef"]["name"] == only(manifests, "Deployment")["metadata"]["name"]
    assert {5, 2} <= {value for value in spec.values() if isinstance(value, int)}


def test_the_queue_of_the_model_is_counted_without_its_canary() -> None:
    query = only(render(**EVERYTHING), "ScaledObject")["spec"]["triggers"][0]["metadata"]["query"]
    pattern = re.search(r'pod=~"([^"]+)"', query)
    assert pattern is not None
    assert re.fullmatch(pattern[1], "serve-5d8f9c7b6-x2x4k")
    assert not re.fullmatch(pattern[1], "serve-canary-5d8f9c7b6-x2x4k")
    assert query.startswith("sum(vllm:num_requests_waiting{")


def test_the_gateways_proxy_wakes_the_first_server() -> None:
    """Counts of Envoy, from the docstrings of scaling.py. It has not been run behind one here."""
    manifests = render(**TO_ZERO)
    spec = only(manifests, "ScaledObject")["spec"]
    waiting, asked_for = (trigger["metadata"] for trigger in spec["triggers"])
    assert (spec["minReplicaCount"], spec["cooldownPeriod"], spec["initialCooldownPeriod"]) == (0, 900, 900)
    assert waiting["query"].startswith("sum(vllm:num_requests_waiting{")
    assert 'envoy_http_downstream_rq_xx{envoy_response_code_class="5"' in asked_for["query"]
    assert asked_for["ignoreNullValues"] == "false"
    assert (asked_for["query"].endswith(" > bool 0"), asked_for["threshold"]) == (True, "1")
    assert "replicas" not in only(manifests, "Deployment")["spec"]


def test_only_proxies_of_the_services_own_gateway_are_counted() -> None:
    manifests = render(**TO_ZERO)
    (monitor,) = [one for one in manifests if one["kind"] == "PodMonitor" and "namespaceSelector" in one["spec"]]
    gateway, own = only(manifests, "Gateway")["metadata"], monitor["metadata"]
    assert only(manifests, "PodMonitor", gateway["name"]) is not monitor
    assert monitor["spec"]["selector"]["matchLabels"] == {
        "gateway.envoyproxy.io/owning-gateway-name": gateway["name"],
        "gateway.envoyproxy.io/owning-gateway-namespace": gateway["namespace"],
    }
    query = only(manifests, "ScaledObject")["spec"]["triggers"][1]["metadata"]["query"]
    assert f'job="{own["namespace"]}/{own["name"]}"' in query


def test_the_engine_does_not_wait_for_servers_that_may_be_down() -> None:
    for kind in ("Deployment", "Service"):
        assert only(render(**TO_ZERO), kind)["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_a_canary_gets_its_share_and_a_service_of_its_own() -> None:
    manifests = render(**EVERYTHING)
    backends = only(manifests, "HTTPRoute")["spec"]["rules"][0]["backendRefs"]
    assert [(one["name"], one["weight"]) for one in backends] == [("serve", 95), ("serve-canary", 5)]
    tracks = [only(manifests, "Deployment", name) for name in ("serve", "serve-canary")]
    selectors = [deployment["spec"]["selector"]["matchLabels"] for deployment in tracks]
    services = [only(manifests, "Service", name)["spec"]["selector"] for name in ("serve", "serve-canary")]
    assert selectors == services
    assert selectors[0] != selectors[1]
    assert tracks[1]["spec"]["replicas"] == 2
    folders = [json.loads(one["data"]["serve.json"])["modelFolder"] for one in manifests if one["kind"] == "ConfigMap"]
    assert folders == ["/fsx/model", "/fsx/b"]


def test_another_weight_starts_no_server_anew() -> None:
    first, second = (
        render(**(EVERYTHING | {"canary": CanarySpec(path="/fsx/b", weight_percent=weight)})) for weight in (5, 50)
    )
    changed = [one["kind"] for one, other in zip(first, second, strict=True) if one != other]
    assert changed == ["HTTPRoute"]


def test_a_gateway_of_its_own_stays_inside_the_cluster() -> None:
    manifests = render(**EVERYTHING)
    gateway, proxy = only(manifests, "Gateway"), only(manifests, "EnvoyProxy")
    assert gateway["spec"]["infrastructure"]["parametersRef"]["name"] == proxy["metadata"]["name"]
    assert proxy["spec"]["provider"]["kubernetes"]["envoyService"]["type"] == "ClusterIP"
    assert only(manifests, "HTTPRoute")["spec"]["parentRefs"][0]["name"] == gateway["metadata"]["name"]
    shared = render(route=RouteSpec(gateway="shared"))
    assert only(shared, "HTTPRoute")["spec"]["parentRefs"][0]["name"] == "shared"
    assert not {"Gateway", "EnvoyProxy"} & {one["kind"] for one in shared}


def test_only_neighbours_gateways_and_prometheus_may_come() -> None:
    (rule,) = only(render(), "NetworkPolicy")["spec"]["ingress"]
    names = [peer["namespaceSelector"]["matchLabels"] for peer in rule["from"] if "namespaceSelector" in peer]
    assert [name["kubernetes.io/metadata.name"] for name in names] == ["monitoring", "envoy-gateway-system"]
    (container,) = only(render(), "Deployment")["spec"]["template"]["spec"]["containers"]
    assert rule["ports"] == [{"protocol": "TCP", "port": container["ports"][0]["containerPort"]}]


def test_the_service_is_made_behind_its_deployment() -> None:
    kinds = [one["kind"] for one in render()]
    assert kinds.index("ConfigMap") < kinds.index("Deployment") < kinds.index("Service")
