"""Add-ons of a cluster, their order, and the platform's problems."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.errors import Problem, SpecError
from components.plan.cluster import NodePoolPlan, ResourceClaim
from components.plan.kubernetes import Concern, Owner, PlatformPlan
from components.plan.work import EntryPlan
from components.platform.catalog import ADDONS
from components.platform.plan import plan_platform
from components.platform.request import PlatformRequest
from components.platform.versions import versions
from components.schedulers import load
from components.spec.inference import AutoscalingSpec, CanarySpec, RouteSpec, ScaledBy
from components.spec.platform import KeptBy
from components.spec.scheduler import SchedulerKind, SchedulerSpec
from tests.unit.components.platform.requests import (
    EFA,
    GPUS,
    KUEUE,
    NEURON,
    PROCESSORS,
    RDMA,
    facts,
    owned,
    request,
    service,
)

STACK = "kube-prometheus-stack"
NFD = "node-feature-discovery"
IMAGE = owned(Concern.DRIVER, Concern.CONTAINER_TOOLKIT, owner=Owner.IMAGE, by="the image")
IN_CLUSTER = {"logs": KeptBy.IN_CLUSTER}
LBC = "aws-load-balancer-controller"
ENTRY = EntryPlan(
    addon="aws-load-balancer-controller",
    service_class="service.k8s.aws/nlb",
    annotations={},
    source_ranges=("10.0.0.0/8",),
)
ON_BY_SITUATION: Mapping[str, tuple[PlatformRequest, set[str]]] = {
    "processors alone": (request(PROCESSORS), {"jobset", "kueue"}),
    "GPUs": (request(GPUS), {STACK, NFD, "gpu-operator", "node-problem-detector", *KUEUE}),
    "RDMA": (request(RDMA), {STACK, NFD, "gpu-operator", "network-operator", "node-problem-detector", *KUEUE}),
    "EFA": (request(EFA), {STACK, NFD, "gpu-operator", "efa-device-plugin", "node-problem-detector", *KUEUE}),
    "Neuron": (request(NEURON), {STACK, "neuron", *KUEUE}),
    "Volcano": (request(PROCESSORS, scheduler_addons=("volcano",)), {"volcano"}),
    "KAI": (request(PROCESSORS, scheduler_addons=("kai-scheduler",)), {"kai-scheduler"}),
    "Trainer": (
        request(PROCESSORS, scheduler_addons=("kueue", "kubeflow-trainer")),
        {"kueue", "kubeflow-trainer", "jobset"},
    ),
    "Slurm": (request(PROCESSORS, scheduler_addons=("slurm",)), {"slurm", "slurm-operator"}),
    "KEDA": (
        request(PROCESSORS, service=service(autoscaling=AutoscalingSpec(max_replicas=4))),
        {"keda", STACK, *KUEUE},
    ),
    "Kubernetes' own autoscaler": (
        request(PROCESSORS, service=service(autoscaling=AutoscalingSpec(max_replicas=4, by=ScaledBy.HPA))),
        {"prometheus-adapter", STACK, *KUEUE},
    ),
    "replicas of several nodes": (
        request(PROCESSORS, service=service(nodes_per_replica=2)),
        {"leader-worker-set", *KUEUE},
    ),
    "canary": (
        request(PROCESSORS, service=service(canary=CanarySpec(path="/data/other", weight_percent=10))),
        {"gateway-api", *KUEUE},
    ),
    "route and domain": (
        request(
            PROCESSORS,
            service=service(route=RouteSpec()),
            platform={"domain": "ml.example"},
            addons={"external-dns": {"values": {"provider": {"name": "cloudflare"}}}},
        ),
        {"gateway-api", "external-dns", *KUEUE},
    ),
    "logs": (request(PROCESSORS, addons={"loki": True}), {"loki", "fluent-bit", *KUEUE}),
    "logs on a volume": (request(PROCESSORS, platform={"logs": KeptBy.IN_CLUSTER}), {"loki", "fluent-bit", *KUEUE}),
    "logs and metrics with a cloud": (
        request(
            PROCESSORS,
            facts=facts(log_output="[OUTPUT]", keeps_metrics=True),
            platform={"logs": KeptBy.CLOUD, "metrics": KeptBy.CLOUD},
        ),
        {"fluent-bit", STACK, *KUEUE},
    ),
    "a load balancer": (
        request(
            PROCESSORS,
            service=service(route=RouteSpec(), entry=ENTRY),
            facts=facts(addon_values={LBC: {"clusterName": "c", "region": "r", "vpcTags": {"stack": "c"}}}),
        ),
        {"gateway-api", LBC, *KUEUE},
    ),
    "NVSentinel": (
        request(GPUS, addons={"nvsentinel": True}),
        {STACK, NFD, "gpu-operator", "node-problem-detector", "nvsentinel", "cert-manager", *KUEUE},
    ),
    "a driver, toolkit and plugin that are there": (
        request(GPUS, facts=facts(owners=IMAGE | owned(Concern.DEVICE_PLUGIN, Concern.NODE_HEALTH))),
        {STACK, "dcgm-exporter", *KUEUE},
    ),
    "everything is somebody's": (request(RDMA, facts=facts(owners=owned(*Concern, by="Kueue"))), set()),
}


def names(plan: PlatformPlan) -> list[str]:
    return [addon.name for addon in plan.addons]


def values(asked: PlatformRequest, addon: str) -> Mapping[str, Any]:
    (found,) = [one for one in plan_platform(asked).addons if one.name == addon]
    assert found.release is not None
    return found.release.values


def problems(asked: PlatformRequest) -> dict[str, str]:
    with pytest.raises(SpecError) as refused:
        plan_platform(asked)
    return {problem.path: problem.message for problem in refused.value.problems}


@pytest.mark.parametrize("situation", ON_BY_SITUATION)
def test_what_is_on_by_default(situation: str) -> None:
    asked, expected = ON_BY_SITUATION[situation]
    assert set(names(plan_platform(asked))) == expected


@pytest.mark.parametrize("situation", ON_BY_SITUATION)
def test_each_comes_after_all_that_it_needs(situation: str) -> None:
    asked = ON_BY_SITUATION[situation][0]
    plan = plan_platform(asked)
    order = names(plan)
    assert len(order) == len(set(order))
    for addon in plan.addons:
        assert set(addon.needs) == set(ADDONS[addon.name].plan(asked).needs) & set(order)
        assert all(order.index(need) < order.index(addon.name) for need in addon.needs), addon.name


def test_every_addon_is_told_on_or_off_with_a_reason() -> None:
    plan = plan_platform(request(EFA))
    assert [decision.path for decision in plan.decisions] == [f"platform.addons.{name}" for name in ADDONS]
    assert {decision.value for decision in plan.decisions} == {"on", "off"}
    assert all(decision.reason for decision in plan.decisions)
    on = {decision.path.rsplit(".", 1)[-1]: decision.reason for decision in plan.decisions if decision.value == "on"}
    assert on == {addon.name: addon.reason for addon in plan.addons}


def test_one_that_another_needs_says_whose_it_is() -> None:
    reasons = {addon.name: addon.reason for addon in plan_platform(request(GPUS)).addons}
    assert reasons[NFD] == "gpu-operator needs it"


def test_owners_are_those_of_before_and_our_own() -> None:
    plan = plan_platform(request(EFA, facts=facts(owners=IMAGE)))
    assert plan.owners[Concern.DRIVER].owner is Owner.IMAGE
    assert plan.owners[Concern.DEVICE_PLUGIN].by == "gpu-operator"
    assert plan.owners[Concern.FABRIC_DEVICES].by == "efa-device-plugin"
    assert plan.owners[Concern.QUEUES].owner is Owner.PENSTOCK
    assert Concern.CERTIFICATES not in plan.owners


def test_what_stands_already_is_used_as_it_is() -> None:
    there = owned(Concern.QUEUES, by="Kueue") | owned(Concern.JOBSET, by="JobSet controller")
    plan = plan_platform(request(PROCESSORS, facts=facts(owners=there)))
    assert names(plan) == []
    reasons = {decision.path: decision.reason for decision in plan.decisions}
    assert reasons["platform.addons.kueue"] == "Kueue does it: it was there before"


@pytest.mark.parametrize(
    ("concern", "addon", "pool"),
    [
        (Concern.NODE_FEATURES, NFD, GPUS),
        (Concern.DCGM_EXPORTER, "dcgm-exporter", GPUS),
        (Concern.PROMETHEUS_OPERATOR, STACK, GPUS),
        (Concern.MPIJOB, "mpi-operator", PROCESSORS),
        (Concern.JOBSET, "jobset", PROCESSORS),
        (Concern.TRAINJOB, "kubeflow-trainer", PROCESSORS),
        (Concern.RAY, "kuberay-operator", PROCESSORS),
        (Concern.EXTERNAL_METRICS, "keda", PROCESSORS),
        (Concern.NODE_HEALTH, "node-problem-detector", GPUS),
        (Concern.NODE_REPAIR, "nvsentinel", GPUS),
        (Concern.GATEWAY_API, "gateway-api", PROCESSORS),
        (Concern.CERTIFICATES, "cert-manager", PROCESSORS),
    ],
)
def test_a_second_owner_is_refused(concern: Concern, addon: str, pool: Any) -> None:
    found = problems(request(pool, addons={addon: True}, facts=facts(owners=owned(concern))))
    said = found[f"platform.addons.{addon}"]
    assert f"second {concern.value}: somebody (others) does it already" in said
    assert "switch off" in said


def test_a_second_gang_scheduler_is_refused() -> None:
    asked = request(PROCESSORS, scheduler_addons=("volcano",), facts=facts(owners=owned(Concern.GANG_SCHEDULER)))
    assert "second gang scheduler" in problems(asked)["platform.addons.volcano"]


def test_a_driver_of_the_image_and_of_the_operator_is_refused() -> None:
    on = {"gpu-operator": {"values": {"driver": {"enabled": True}}}}
    said = problems(request(GPUS, addons=on, facts=facts(owners=IMAGE)))["platform.addons.gpu-operator"]
    assert "second accelerator driver: the image (image)" in said


def test_an_operators_host_engine_beside_node_repair_is_refused() -> None:
    agent = owned(Concern.DCGM, Concern.NODE_REPAIR, owner=Owner.CLOUD, by="eks-node-monitoring-agent")
    on = {"gpu-operator": {"values": {"dcgm": {"enabled": True}}}}
    said = problems(request(GPUS, addons=on, facts=facts(owners=agent)))["platform.addons.gpu-operator"]
    assert "DCGM host engine beside that of eks-node-monitoring-agent" in said
    assert "healthy nodes replaced" in said


@pytest.mark.parametrize(
    ("addons", "path", "words"),
    [
        ({"gpu-operator": {"values": {"nfd": {"enabled": True}}}}, "platform.addons.gpu-operator", NFD),
        ({"dcgm-exporter": True}, "platform.addons.dcgm-exporter", "gpu-operator and dcgm-exporter"),
        ({"karpenter": True, "cluster-autoscaler": True}, "platform.addons.cluster-autoscaler", "node autoscaler"),
        (
            {
                "fluent-bit": True,
                "opentelemetry-collector": {
                    "enabled": True,
                    "values": {"presets": {"logsCollection": {"enabled": True}}},
                },
            },
            "platform.addons.opentelemetry-collector",
            "log collection",
        ),
    ],
)
def test_two_of_ours_that_do_one_thing_are_refused(addons: Mapping[str, Any], path: str, words: str) -> None:
    assert words in problems(request(GPUS, addons=addons))[path]


def test_trainers_own_jobset_is_a_second_one() -> None:
    own = {"kubeflow-trainer": {"values": {"jobset": {"install": True}}}}
    asked = request(PROCESSORS, addons=own, scheduler_addons=("kueue", "kubeflow-trainer", "jobset"))
    assert "both be the JobSet controller" in problems(asked)["platform.addons.kubeflow-trainer"]


def test_plugins_of_different_vendors_are_no_two() -> None:
    assert {"gpu-operator", "neuron"} <= set(names(plan_platform(request(GPUS, NEURON))))


def test_nothing_is_asked_of_an_addon_that_may_not_be_there() -> None:
    forbidden = facts(refused_addons={"karpenter": "it starts machines of its own"})
    assert set(problems(request(GPUS, addons={"karpenter": True}, facts=forbidden))) == {"platform.addons.karpenter"}
    assert "platform.addons.karpenter.values.settings.clusterName" in problems(request(addons={"karpenter": True}))


def test_what_the_cloud_forbids_is_refused_by_who_asked_for_it() -> None:
    forbidden = facts(refused_addons={"kueue": "CoreWeave runs its own", "gpu-operator": "the platform runs it"})
    found = problems(request(GPUS, addons={"gpu-operator": True}, facts=forbidden))
    assert "CoreWeave runs its own; choose another kind" in found["scheduler.kind"]
    assert "must not be installed here: the platform runs it" in found["platform.addons.gpu-operator"]
    unasked = plan_platform(request(GPUS, facts=forbidden, scheduler_addons=()))
    assert "gpu-operator" not in names(unasked)


def test_one_switched_off_that_another_needs_is_refused() -> None:
    said = problems(request(GPUS, addons={NFD: False}))[f"platform.addons.{NFD}"]
    assert said == f"{NFD} is switched off, but gpu-operator needs it; switch it on"
    unneeded = request(PROCESSORS, addons={NFD: False, "gpu-operator": True})
    assert problems(unneeded)[f"platform.addons.{NFD}"] == f"{said}, or switch gpu-operator off too"
    there = facts(owners=owned(Concern.NODE_FEATURES))
    assert "gpu-operator" in names(plan_platform(request(GPUS, addons={NFD: False}, facts=there)))


def test_a_device_plugin_switched_off_is_missed_unless_the_cluster_has_its_own() -> None:
    off = {"gpu-operator": False}
    assert "nothing else brings" in problems(request(GPUS, addons=off))["platform.addons.gpu-operator"]
    there = facts(owners=owned(Concern.DEVICE_PLUGIN))
    assert "gpu-operator" not in names(plan_platform(request(GPUS, addons=off, facts=there)))
    assert "gpu-operator" not in names(plan_platform(request(PROCESSORS, addons=off)))


@pytest.mark.parametrize(
    ("concern", "addon"),
    [(Concern.GATEWAY_API, "gateway-api"), (Concern.EXTERNAL_METRICS, "kube-prometheus-stack")],
    ids=["another's gateways", "another's KEDA, and no Prometheus"],
)
def test_a_service_that_nothing_would_wake_is_refused(concern: Concern, addon: str) -> None:
    """Another's Prometheus may count; of another's gateways nobody knows what they count."""
    asleep = service(autoscaling=AutoscalingSpec(min_replicas=0, max_replicas=4), route=RouteSpec())
    found = problems(request(PROCESSORS, service=asleep, facts=facts(owners=owned(concern))))
    assert list(found) == ["inference.autoscaling.minReplicas"]
    assert f"without penstock's own {addon} nothing would wake a server" in found["inference.autoscaling.minReplicas"]
    watched = owned(Concern.PROMETHEUS_OPERATOR)
    assert "gateway-api" in names(plan_platform(request(PROCESSORS, service=asleep, facts=facts(owners=watched))))


def test_a_kubernetes_that_is_too_old_is_refused() -> None:
    said = problems(request(PROCESSORS, scheduler_addons=("slurm",), facts=facts("1.28")))
    assert said["platform.addons.slurm"] == (
        f"slurm {versions()['slurm'].version} needs Kubernetes 1.29 or newer, and this is 1.28; "
        "take a newer one, or switch slurm off"
    )


def test_all_mistakes_are_told_at_once() -> None:
    addons = {
        "gpu-opertor": True,
        "keda": {"values": {"resource": {}}},
        "cert-manager": {"values": {"crds": {"enable": True}}},
        NFD: False,
    }
    found = problems(request(GPUS, addons=addons))
    assert found["platform.addons.gpu-opertor"] == "'gpu-opertor' is not an add-on; did you mean 'gpu-operator'?"
    assert "did you mean 'resources'?" in found["platform.addons.keda.values.resource"]
    assert "did you mean 'enabled'?" in found["platform.addons.cert-manager.values.crds.enable"]
    assert f"platform.addons.{NFD}" in found


def test_keys_of_a_chart_that_is_known_by_another_version_are_in_doubt_only() -> None:
    plan = plan_platform(request(NEURON, addons={"neuron": {"values": {"monitorExporter": {"enabled": True}}}}))
    assert [warning for warning in plan.warnings if "monitorExporter" in warning]


def test_a_users_values_lie_over_ours() -> None:
    addons = {"kueue": {"values": {"controllerManager": {"replicas": 2}}}}
    kueue = next(addon for addon in plan_platform(request(PROCESSORS, addons=addons)).addons if addon.name == "kueue")
    assert kueue.release is not None
    manager = kueue.release.values["controllerManager"]
    assert manager["replicas"] == 2
    assert manager["manager"]["resources"]["limits"]["memory"] == "2Gi"


def test_a_mirror_moves_every_image() -> None:
    plan = plan_platform(request(GPUS, platform={"registryMirror": "mirror.example/hub"}))
    kueue = next(addon for addon in plan.addons if addon.name == "kueue")
    assert kueue.release is not None
    image = kueue.release.values["controllerManager"]["manager"]["image"]
    assert image["repository"] == "mirror.example/hub/registry.k8s.io/kueue/kueue"
    assert image["tag"] == "v0.18.3"


def test_controllers_stand_on_the_system_nodes() -> None:
    selector = {"penstock.dev/pool": "system"}
    for addon in plan_platform(request(GPUS, facts=facts(system_selector=selector))).addons:
        if addon.name not in ("efa-device-plugin", "node-problem-detector"):
            assert addon.release is not None
            assert str(selector) in str(addon.release.values), addon.name


def test_a_problem_reads_as_one_line() -> None:
    found = [Problem(path=path, message=said) for path, said in problems(request(GPUS, addons={NFD: False})).items()]
    assert all("\n" not in str(problem) for problem in found)


@pytest.mark.parametrize("kind", [kind for kind in SchedulerKind if kind is not SchedulerKind.PROCESS])
def test_a_scheduler_stands_on_addons_that_there_are(kind: SchedulerKind) -> None:
    addons = load(kind).plan(SchedulerSpec(), (PROCESSORS,), facts()).addons
    assert set(addons) <= set(names(plan_platform(request(PROCESSORS, scheduler_addons=addons))))


def test_kueue_lets_pods_in_that_claim_devices_which_it_does_not_count() -> None:
    def gates(*pools: NodePoolPlan) -> Mapping[str, bool]:
        manager = values(request(*pools), "kueue")["controllerManager"]
        return {row["name"]: row["enabled"] for row in manager.get("featureGates", ())}

    claims = (ResourceClaim(name="nic", template="nics"),)
    claiming = replace(GPUS, binding=replace(GPUS.binding, resource_claims=claims))
    rack = replace(GPUS, machine=replace(GPUS.machine, compute_domain=True))
    off = {"KueueDRAIntegration": False, "KueueDRARejectWorkloadsWhenDRADisabled": False}
    assert (gates(GPUS), gates(claiming), gates(rack)) == ({}, off, off)


@pytest.mark.parametrize(("given", "plugin"), [(True, "capacity"), (False, "proportion")])
def test_volcano_shares_by_nodes_where_they_are_given_and_by_weight_otherwise(*, given: bool, plugin: str) -> None:
    asked = request(GPUS, scheduler_addons=("volcano",), queues_have_nodes=given)
    config = yaml.safe_load(values(asked, "volcano")["custom"]["scheduler_config_override"])
    plugins = {one["name"] for tier in config["tiers"] for one in tier["plugins"]}
    assert plugins & {"capacity", "proportion"} == {plugin}
    assert {"preempt", "reclaim"} <= set(config["actions"].split(", "))
    (gang,) = [one for tier in config["tiers"] for one in tier["plugins"] if one["name"] == "gang"]
    assert not gang["enablePreemptable"]
    assert not gang["enableReclaimable"]
    assert "overcommit" not in plugins


@pytest.mark.parametrize(
    ("asked", "path", "words"),
    [
        (request(PROCESSORS, platform={"logs": KeptBy.CLOUD}), "platform.logs", "knows no log service of this cluster"),
        (request(GPUS, platform={"metrics": KeptBy.CLOUD}), "platform.metrics", "knows no service for metrics"),
        (
            request(PROCESSORS, platform={"logs": KeptBy.IN_CLUSTER}, addons={"fluent-bit": False}),
            "platform.logs",
            "fluent-bit, which collects them, is switched off; switch fluent-bit on",
        ),
        (
            request(
                PROCESSORS, platform={"logs": KeptBy.IN_CLUSTER}, facts=facts(owners=owned(Concern.LOGS, by="vector"))
            ),
            "platform.logs",
            "inCluster, but vector collects them already; leave this out",
        ),
        (
            request(GPUS, platform={"metrics": KeptBy.CLOUD}, facts=facts(keeps_metrics=True), addons={STACK: False}),
            "platform.metrics",
            f"{STACK}, which collects them, is switched off",
        ),
        (
            request(
                PROCESSORS, addons={"aws-load-balancer-controller": {"values": {"clusterName": "c"}, "enabled": True}}
            ),
            f"platform.addons.{LBC}.values.region",
            "the cluster's region",
        ),
    ],
)
def test_logs_metrics_and_balancers_that_nobody_would_keep_or_make_are_refused(
    asked: PlatformRequest, path: str, words: str
) -> None:
    assert words in problems(asked)[path]


def test_logs_are_forgotten_after_the_days_that_are_asked() -> None:
    kept = values(request(PROCESSORS, platform={"logs": KeptBy.IN_CLUSTER, "log_retention_days": 7}), "loki")
    assert kept["loki"]["limits_config"]["retention_period"] == "168h"
    assert kept["loki"]["compactor"]["retention_enabled"] is True
    assert kept["singleBinary"]["persistence"]["enabled"] is True


def test_logs_go_where_the_cloud_says() -> None:
    asked = request(
        PROCESSORS, platform={"logs": KeptBy.CLOUD}, facts=facts(log_output="[OUTPUT] there"), addons={"loki": True}
    )
    assert values(asked, "fluent-bit")["config"] == {"outputs": "[OUTPUT] there"}
    assert next(one for one in plan_platform(asked).addons if one.name == "fluent-bit").needs == ()
