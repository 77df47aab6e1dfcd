"""The engines of others as Kubernetes objects, each flag, path, metric and variable held to what its package has."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.errors import SpecError
from components.estimate.stop import UNKNOWN_WRITE_MBPS
from components.fabric import Fabric
from components.plan.cluster import Mount
from components.plan.work import ServicePlan
from components.serving import render_service
from components.serving.engines import ENGINES, facts
from components.serving.pods import FORGET_S
from components.serving.scaling import QUIET_S
from components.spec.inference import (
    AutoscalingSpec,
    CanarySpec,
    EngineKind,
    InferenceSpec,
    RouteSpec,
    ScaledBy,
    ServedModel,
    ServedPrecision,
)
from components.spec.training import ModelSpec, TrainingSpec
from tests.definitions import judge
from tests.unit.components.test_serving import POOL, VOLUME, only
from workloads.plan.inference import plan_inference, service_warnings
from workloads.plan.training import plan_training

OTHERS = (EngineKind.VLLM, EngineKind.SGLANG)
FROM_HUB = ServedModel(hugging_face="meta-llama/Llama-3.1-8B-Instruct", token_secret="hugging-face")  # noqa: S106
LARGE: dict[str, Any] = {"nodes_per_replica": 2, "precision": ServedPrecision.FP8}
EVERYTHING: dict[str, Any] = {
    "max_sequences": 64,
    "max_batch_tokens": 8192,
    "accelerators_per_replica": 4,
    "precision": ServedPrecision.BF16,
    "autoscaling": AutoscalingSpec(max_replicas=2),
    "canary": CanarySpec(path="/fsx/b", weight_percent=5),
    "route": RouteSpec(),
}
ASKED = {"plain": {}, "everything": EVERYTHING, "several nodes": LARGE, "from the hub": {"model": FROM_HUB}}


def spec_of(engine: EngineKind, **asked: Any) -> InferenceSpec:
    given: dict[str, Any] = {"image": "r.example/engine:1", "model": ServedModel(path="/fsx/model")} | asked
    return InferenceSpec(engine=engine, **given)


def plan(engine: EngineKind, **asked: Any) -> ServicePlan:
    return plan_inference(spec_of(engine, **asked), [POOL], VOLUME, None, pods=True)


def render(engine: EngineKind, **asked: Any) -> tuple[Mapping[str, Any], ...]:
    return render_service(plan(engine, **asked), POOL)


def pods_of(manifests: tuple[Mapping[str, Any], ...]) -> list[Mapping[str, Any]]:
    """Templates of all pods."""
    specs = [one["spec"] for one in manifests if one["kind"] in ("Deployment", "LeaderWorkerSet")]
    groups = [spec["leaderWorkerTemplate"] for spec in specs if "leaderWorkerTemplate" in spec]
    whole = [spec["template"] for spec in specs if "template" in spec]
    return [*whole, *(group[key] for group in groups for key in ("leaderTemplate", "workerTemplate"))]


def pod_of(manifests: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = pods_of(manifests)[0]["spec"]
    return spec


def value_after(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1]


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("engine", OTHERS)
def test_every_object_is_what_its_definition_allows(engine: EngineKind, asked: dict[str, Any]) -> None:
    manifests = render(engine, **asked)
    for manifest in manifests:
        judge(manifest)
    kinds = {one["kind"] for one in manifests}
    assert {"LeaderWorkerSet" if asked is LARGE else "Deployment", "Service", "PodDisruptionBudget"} <= kinds
    assert "ConfigMap" not in kinds


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("engine", OTHERS)
def test_each_flag_is_one_of_the_engines_own_parser(engine: EngineKind, asked: dict[str, Any]) -> None:
    known = facts(engine)["flags"]
    commands = [pod["spec"]["containers"][0]["command"] for pod in pods_of(render(engine, **asked))]
    flags = {word for command in commands for word in command[1:] if word.startswith("--")}
    assert flags
    assert flags - set(known) == set()


@pytest.mark.parametrize("engine", OTHERS)
def test_a_row_holds_what_the_engine_has(engine: EngineKind) -> None:
    row, known = ENGINES[engine], facts(engine)
    assert {row.ready_path, row.live_path, "/metrics"} <= set(known["paths"])
    assert {row.waiting, row.running, row.done} <= set(known["metrics"])
    assert set(row.env) <= set(known["variables"])
    assert set(row.own_flags) <= set(known["flags"])


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("engine", OTHERS)
def test_a_flag_that_penstock_gives_is_refused_among_the_arguments(engine: EngineKind, asked: dict[str, Any]) -> None:
    """Else the second would take the place of the first, by which probes, scaling or the drain go."""
    commands = [pod["spec"]["containers"][0]["command"] for pod in pods_of(render(engine, **asked))]
    given = {word for command in commands for word in command[1:] if word.startswith("--")}
    assert given <= set(ENGINES[engine].own_flags)
    for flag in given:
        with pytest.raises(SpecError, match=rf"{flag} is given by inference\."):
            plan(engine, arguments=(f"{flag}=1",))
        with pytest.raises(SpecError, match=rf"{flag} is given by inference\."):
            plan(engine, arguments=(flag.replace("-", "_").replace("__", "--", 1), "1"))


def test_a_server_is_asked_where_its_engine_answers() -> None:
    ports = {"vllm": ("/health", "/health"), "sglang": ("/ready", "/health")}
    for engine in OTHERS:
        container = pod_of(render(engine))["containers"][0]
        paths = [container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")]
        assert tuple(paths) == ports[engine]
        assert value_after(container["command"], "--port") == str(container["ports"][0]["containerPort"])
        assert value_after(container["command"], "--host") == "0.0.0.0"  # noqa: S104


def test_vllm_is_told_how_long_it_may_drain_and_how_many_may_wait() -> None:
    pod = pod_of(render(EngineKind.VLLM, drain_s=90.5, max_sequences=64, queue_limit=10))
    command = pod["containers"][0]["command"]
    assert value_after(command, "--shutdown-timeout") == "91"
    assert pod["terminationGracePeriodSeconds"] >= FORGET_S + 91 + 5
    assert value_after(command, "--max-num-queued-reqs") == "74", "running requests count among the queued"


def test_a_start_lasts_as_long_as_its_bytes_may_take() -> None:
    """Of unknown weights, as many as the accelerators hold."""
    model = ModelSpec(layers=32, width=4096, heads=32, kv_heads=8, mlp_width=14336, vocabulary=128256)
    small, large = plan(EngineKind.VLLM), plan(EngineKind.VLLM, accelerators_per_replica=8)
    least_s = 8 * 80 * 2**30 / (UNKNOWN_WRITE_MBPS * 1e6)
    assert large.start_s - small.start_s == pytest.approx(7 / 8 * least_s, abs=2)
    assert large.start_s > least_s
    known = served(EngineKind.VLLM, model)
    assert known.start_s < small.start_s
    for service in (small, large):
        (deployment,) = (one for one in render_service(service, POOL) if one["kind"] == "Deployment")
        probe = pod_of((deployment,))["containers"][0]["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] >= service.start_s - 2
        waits = int(deployment["metadata"]["annotations"]["pulumi.com/timeoutSeconds"])
        assert waits == deployment["spec"]["progressDeadlineSeconds"] > service.start_s


def test_a_model_of_the_hub_is_kept_on_the_volume_and_its_token_is_a_reference() -> None:
    pod = pod_of(render(EngineKind.VLLM, model=FROM_HUB))
    container = pod["containers"][0]
    env = {row["name"]: row for row in container["env"]}
    assert container["command"][2] == "meta-llama/Llama-3.1-8B-Instruct"
    assert env["HF_HOME"]["value"].startswith("/fsx/")
    assert "HF_HUB_OFFLINE" not in env
    assert env["HF_TOKEN"] == {
        "name": "HF_TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "hugging-face", "key": "token"}},
    }
    assert {"name": "model", "mountPath": "/fsx"} in container["volumeMounts"]
    assert {"name": "model", "persistentVolumeClaim": {"claimName": "fsx"}} in pod["volumes"]


@pytest.mark.parametrize("engine", OTHERS)
def test_a_model_on_the_volume_is_read_and_nothing_is_fetched(engine: EngineKind) -> None:
    pod = pod_of(render(engine))
    container = pod["containers"][0]
    env = {row["name"]: row.get("value") for row in container["env"]}
    assert env["HF_HUB_OFFLINE"] == "1"
    assert env["HOME"] == "/tmp"  # noqa: S108
    assert "HF_TOKEN" not in env
    assert {"name": "model", "mountPath": "/fsx", "readOnly": True} in container["volumeMounts"]
    assert "/fsx/model" in container["command"]


def test_a_replica_has_its_accelerators_their_share_of_the_node_and_memory_to_talk_through() -> None:
    one, four = plan(EngineKind.VLLM), plan(EngineKind.VLLM, accelerators_per_replica=4)
    assert (one.shm_gib, four.shm_gib) == (0, 4)
    assert four.cpu == pytest.approx(4 * one.cpu, abs=0.1)
    pod = pod_of(render_service(four, POOL))
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert value_after(pod["containers"][0]["command"], "--tensor-parallel-size") == "4"
    assert {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "4096Mi"}} in pod["volumes"]
    assert {"name": "shm", "mountPath": "/dev/shm"} in pod["containers"][0]["volumeMounts"]  # noqa: S108


@pytest.mark.parametrize("engine", OTHERS)
def test_the_nodes_of_a_replica_find_the_first_and_are_whole_and_on_the_fabric(engine: EngineKind) -> None:
    leader, follower = pods_of(render(engine, **LARGE))
    for template in (leader, follower):
        container = template["spec"]["containers"][0]
        words = container["command"]
        assert value_after(words, "--nnodes") == "2"
        assert value_after(words, "--node-rank") == "$(LWS_WORKER_INDEX)"
        assert any("$(LWS_LEADER_ADDRESS)" in word for word in words)
        limits = container["resources"]["limits"]
        assert (limits["nvidia.com/gpu"], limits["vpc.amazonaws.com/efa"]) == ("8", "32")
        assert container["securityContext"]["capabilities"]["add"] == ["IPC_LOCK"]
    assert ("--headless" in follower["spec"]["containers"][0]["command"]) == (engine is EngineKind.VLLM)
    assert "readinessProbe" not in follower["spec"]["containers"][0]


def test_the_volume_is_mounted_once_where_the_pool_mounts_it_too() -> None:
    mounted = replace(POOL, binding=replace(POOL.binding, mounts=(Mount(volume="fsx", path="/fsx"),)))
    for template in pods_of(render_service(plan(EngineKind.VLLM, **LARGE), mounted)):
        claims = [one for one in template["spec"]["volumes"] if "persistentVolumeClaim" in one]
        assert [claim["name"] for claim in claims] == ["model"]


def test_requests_reach_the_first_node_alone_and_its_others_may_talk_to_it() -> None:
    manifests = render(EngineKind.VLLM, **LARGE)
    leader, follower = (template["metadata"]["labels"].items() for template in pods_of(manifests))
    for selector in (
        only(manifests, "Service")["spec"]["selector"],
        only(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= leader
        assert not selector.items() <= follower
    policy = only(manifests, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= follower
    among = [rule for rule in policy["ingress"] if "ports" not in rule]
    assert [rule["from"][0]["podSelector"]["matchLabels"].items() <= follower for rule in among] == [True]


@pytest.mark.parametrize("by", ScaledBy)
@pytest.mark.parametrize("engine", OTHERS)
def test_replicas_follow_the_engines_own_metrics(engine: EngineKind, by: ScaledBy) -> None:
    for asked, kind in (({}, "Deployment"), (LARGE, "LeaderWorkerSet")):
        scaling = AutoscalingSpec(max_replicas=1 if asked else 4, by=by)
        manifests = render(engine, autoscaling=scaling, **asked)
        scaled = only(manifests, {"keda": "ScaledObject", "hpa": "HorizontalPodAutoscaler"}[by])
        assert scaled["spec"]["scaleTargetRef"]["kind"] == kind
        metric = ENGINES[engine].waiting
        assert (metric if by is ScaledBy.KEDA else metric.replace(":", "_")) in json.dumps(scaled)


def test_the_last_server_stays_longer_than_one_takes_to_start() -> None:
    service = plan(
        EngineKind.SGLANG,
        accelerators_per_replica=8,
        autoscaling=AutoscalingSpec(min_replicas=0, max_replicas=1),
        route=RouteSpec(),
    )
    spec = only(render_service(service, POOL), "ScaledObject")["spec"]
    assert spec["cooldownPeriod"] >= service.start_s > QUIET_S
    assert "sglang:num_running_reqs" in spec["triggers"][1]["metadata"]["query"]


def served(engine: EngineKind, model: ModelSpec, **asked: Any) -> ServicePlan:
    """Servers of the model that a run of the same stack makes."""
    training = TrainingSpec(image="r.example/penstock:1", pool="serve")
    job, _ = plan_training(training, [POOL], VOLUME, pods=True)
    job = replace(job, config={"training": {"model": model.model_dump(mode="json", by_alias=True)}})
    spec = spec_of(engine, model=ServedModel(from_training="latest"), **asked)
    return plan_inference(spec, [POOL], VOLUME, job, pods=True)


@pytest.mark.parametrize("engine", OTHERS)
def test_a_model_that_is_being_trained_is_waited_for_by_penstocks_own_image(engine: EngineKind) -> None:
    service = served(engine, ModelSpec())
    manifests = render_service(service, POOL)
    pod = pod_of(manifests)
    (waiter,) = pod["initContainers"]
    *start, folder, link = waiter["command"]
    assert start == ["python", "-m", "workloads.serve.await_model"]
    assert (waiter["image"], folder) == ("r.example/penstock:1", service.model_folder)
    assert link in pod["containers"][0]["command"]
    assert folder not in pod["containers"][0]["command"]
    shared = [
        {mount["name"]: mount for mount in container["volumeMounts"]}["awaited"]
        for container in (waiter, pod["containers"][0])
    ]
    assert {mount["mountPath"] for mount in shared} == {link.rpartition("/")[0]}
    assert only(manifests, "Deployment")["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    for manifest in manifests:
        judge(manifest)


def test_a_trained_model_has_to_fit_and_to_be_divided() -> None:
    large = ModelSpec(layers=80, width=8192, heads=64, kv_heads=8, mlp_width=28672, vocabulary=128256)
    with pytest.raises(SpecError, match="raise it to 2"):
        served(EngineKind.VLLM, large)
    assert served(EngineKind.VLLM, large, accelerators_per_replica=2).accelerators == 2
    with pytest.raises(SpecError, match="12 heads cannot be divided by 8 accelerators of a node; 6 is right"):
        served(EngineKind.VLLM, ModelSpec(width=768, heads=12, kv_heads=4), accelerators_per_replica=8)


def test_the_image_of_another_engine_is_told() -> None:
    def told(image: str) -> list[str]:
        return list(service_warnings(spec_of(EngineKind.SGLANG, image=image), None, pods=True))

    (warning,) = told("docker.io/vllm/vllm-openai:v0.33.0")
    assert "set engine: vllm, or name an image such as docker.io/lmsysorg/sglang" in warning
    assert told("docker.io/lmsysorg/sglang:v0.5.23") == []


def test_an_argument_that_the_version_does_not_have_is_told() -> None:
    def told(engine: EngineKind, *arguments: str, pool: Any = None, **asked: Any) -> list[str]:
        return list(service_warnings(spec_of(engine, arguments=arguments, **asked), pool, pods=True))

    assert told(EngineKind.VLLM, "--max-model-len=32768", "--no-enable-prefix-caching", "--hf-overrides.a.b=-1") == []
    (warning,) = told(EngineKind.VLLM, "--max-modell-len", "32768")
    assert "vllm 0.33.0 has no --max-modell-len; did you mean '--max-model-len'?" in warning
    assert len(told(EngineKind.SGLANG, "--max-model-len=32768")) == 1
    assert told(EngineKind.VLLM, pool=replace(POOL, fabric=Fabric.HOST), **LARGE) == []
    (warning,) = told(EngineKind.VLLM, pool=POOL, **LARGE)
    assert "plain TCP" in warning
