"""Pools that may change their size: who changes it, and the refusal where nobody does."""

from typing import Any

import pytest

from components.errors import SpecError
from components.plan.stack import StackPlan
from components.spec.stack import parse_stack
from providers import clouds, discover
from providers.aws.control_plane.eks.types import EksPlan, PodRolePlan
from providers.aws.plan import AwsPlan
from stacks.plan import plan_stack
from tests.clock import NOW

BOX = {"cores": 16, "memoryGib": 64}
SPOT = {"spot": {"fallback": "onDemand"}}


def planned(**config: Any) -> StackPlan:
    keyed = {f"penstock:{key}": value for key, value in config.items()}
    return plan_stack(discover(parse_stack(keyed, "Pulumi.mine.yaml", clouds())), "mine", NOW)


def on_aws(*pools: dict[str, Any], **parts: Any) -> StackPlan:
    cluster = {"cloud": "aws", "region": "us-west-2", "nodePools": list(pools)}
    return planned(cluster=cluster, aws={"controlPlane": {"reach": {"ssmHost": {}}}}, **parts)


def on_existing(pool: dict[str, Any], owners: dict[str, str] | None = None, **parts: Any) -> StackPlan:
    own = {"machines": {"box": BOX}, "version": "1.35", "kubeconfig": "/nowhere/config", "owners": owners or {}}
    pools = [{"name": "work", "machineType": "box", "count": 3, **pool}]
    return planned(cluster={"cloud": "existing", "nodePools": pools}, existing=own, **parts)


def work(name: str = "work", **more: Any) -> dict[str, Any]:
    return {"name": name, "machineType": "m7i.xlarge", "count": 3, **more}


def refused(make: Any) -> dict[str, str]:
    with pytest.raises(SpecError) as error:
        make()
    return {problem.path: problem.message for problem in error.value.problems}


def roles(plan: StackPlan) -> dict[str, PodRolePlan]:
    assert isinstance(plan.cluster, AwsPlan)
    assert isinstance(plan.cluster.control_plane, EksPlan)
    return {role.name: role for role in plan.cluster.control_plane.pod_roles}


def addon(plan: StackPlan, name: str) -> Any:
    assert plan.inside
    return next((one for one in plan.inside.platform.addons if one.name == name), None)


@pytest.mark.parametrize(
    "asked", [{"maxCount": 5}, {"minCount": 0}, {"minCount": 1, "maxCount": 4}, {"capacity": SPOT}]
)
def test_the_autoscaler_comes_with_a_pool_that_may_change(asked: dict[str, Any]) -> None:
    plan = on_aws(work(**asked), work("fixed"))
    assert plan.cluster.node_pools[0].grown_by == "cluster-autoscaler"
    assert not plan.cluster.node_pools[-1].grown_by
    values = addon(plan, "cluster-autoscaler").release.values
    assert values["autoDiscovery"]["clusterName"] == "mine"
    assert values["awsRegion"] == "us-west-2"
    assert values["rbac"]["serviceAccount"]["name"] == roles(plan)["autoscaler"].service_account


def test_it_stays_away_from_pools_of_a_fixed_size() -> None:
    plan = on_aws(work())
    assert addon(plan, "cluster-autoscaler") is None
    assert not roles(plan)


def test_it_may_resize_only_groups_of_its_cluster_that_may_change() -> None:
    resizing = [one for one in roles(on_aws(work(maxCount=9)))["autoscaler"].statements if one.equals]
    assert [set(one.equals) for one in resizing] == [
        {f"aws:ResourceTag/{tag}" for tag in ("k8s.io/cluster-autoscaler/mine", "penstock.dev/grows")}
    ]
    wide = [one for one in roles(on_aws(work(maxCount=9)))["autoscaler"].statements if one.resources == ("*",)]
    narrow = {action for one in wide if not one.equals for action in one.actions}
    assert all(action.partition(":")[2].startswith(("Describe", "Get")) for action in narrow)


def test_spot_machines_are_asked_for_before_their_fallback() -> None:
    values = addon(on_aws(work(maxCount=7, capacity=SPOT)), "cluster-autoscaler").release.values
    assert values["extraArgs"]["expander"] == "priority"
    assert values["expanderPriorities"] == {
        "50": ["^eks-work-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"],
        "10": [".*"],
    }
    plain = addon(on_aws(work(maxCount=7)), "cluster-autoscaler").release.values
    assert plain["extraArgs"]["expander"] == "least-waste"


def test_a_pool_that_nobody_would_change_is_refused_with_remedies_that_hold() -> None:
    off = {"addons": {"cluster-autoscaler": False}}
    found = refused(lambda: on_aws(work(minCount=1, maxCount=4), work("spare", capacity=SPOT), platform=off))
    assert set(found) == {"cluster.nodePools.work.maxCount", "cluster.nodePools.spare.capacity.spot.fallback"}
    assert "1 to 4 nodes" in found["cluster.nodePools.work.maxCount"]
    on_aws(work(minCount=1, maxCount=4), work("spare", capacity=SPOT))
    on_aws(work(), work("spare", capacity="spot"), platform=off)


KARPENTER = {"addons": {"karpenter": True}}
GROWING: dict[str, Any] = {"count": 0, "minCount": 0, "maxCount": 5}


def node_pools(plan: StackPlan) -> dict[str, Any]:
    return {
        one["metadata"]["name"]: one["spec"] for one in addon(plan, "karpenter").objects if one["kind"] == "NodePool"
    }


def test_karpenter_starts_the_machines_of_pools_that_may_grow_in_place_of_groups() -> None:
    plan = on_aws(work(**GROWING), work("fixed"), platform=KARPENTER)
    assert isinstance(plan.cluster, AwsPlan)
    assert [pool.name for pool in plan.cluster.grouped_pools] == ["fixed"]
    assert addon(plan, "cluster-autoscaler") is None
    (pool,) = node_pools(plan).values()
    assert pool["limits"] == {"nodes": "5"}
    assert pool["template"]["metadata"]["labels"]["penstock.dev/pool"] == "work"
    assert pool["template"]["spec"]["requirements"][0]["values"] == ["m7i.xlarge"]
    assert addon(plan, "karpenter").release.values["settings"]["clusterName"] == "mine"


def test_karpenter_takes_spot_machines_before_those_of_their_fallback() -> None:
    found = node_pools(on_aws(work(**GROWING, capacity=SPOT), platform=KARPENTER))
    weights = {name: spec.get("weight", 0) for name, spec in found.items()}
    assert weights["work"] > weights["work-on-demand"]
    markets = [spec["template"]["spec"]["requirements"][1]["values"] for spec in found.values()]
    assert markets == [["spot"], ["on-demand"]]


def test_karpenter_takes_images_of_the_release_that_is_asked_and_no_machine_of_a_gang() -> None:
    kept = {"controlPlane": {"reach": {"ssmHost": {}}, "nodeRelease": "1.35.2-20260801"}}
    one = {"name": "gang", "machineType": "g6.xlarge", "fabric": {"none": "one node a replica"}, **GROWING}
    cluster = {"cloud": "aws", "region": "us-west-2", "kubernetesVersion": "1.35", "nodePools": [one]}
    plan = planned(cluster=cluster, aws=kept, platform=KARPENTER)
    first, second = addon(plan, "karpenter").objects
    assert first["spec"]["amiSelectorTerms"] == [{"alias": "al2023@v20260801"}]
    assert second["spec"]["disruption"]["consolidationPolicy"] == "WhenEmpty"
    assert {"nodes": "0", "reasons": ["Drifted"]} in second["spec"]["disruption"]["budgets"]


def test_a_node_of_karpenters_has_no_more_room_than_it_counts_on() -> None:
    """16 GiB less 7.5 %, 255 MiB and 11 MiB for each of 58 pods, and 100 MiB."""
    found = on_aws(work(**GROWING), platform=KARPENTER).cluster.node_pools[0].node_allocatable
    grouped = on_aws(work(**GROWING)).cluster.node_pools[0].node_allocatable
    assert found is not None
    assert grouped is not None
    assert found.memory_gib < grouped.memory_gib
    assert found.memory_gib * 1024 == pytest.approx(16 * 1024 * 0.925 - 255 - 11 * 58 - 100, abs=2)


def test_a_class_of_karpenters_in_a_network_without_a_way_out_takes_prices_that_it_has() -> None:
    network = {"nat": "none"}
    cluster = {"cloud": "aws", "region": "us-west-2", "network": network, "nodePools": [work(**GROWING)]}
    aws = {"controlPlane": {"reach": {"publicCidrs": ["8.8.8.0/24"]}}, "registry": {"repositories": ["a"]}}
    plan = planned(cluster=cluster, aws=aws, platform={**KARPENTER, "registryMirror": "hub.corp.net/m"})
    assert isinstance(plan.cluster, AwsPlan)
    assert "sqs" in plan.cluster.network.interface_endpoints
    assert addon(plan, "karpenter").release.values["settings"]["isolatedVPC"] is True


def test_external_dns_gets_a_role_with_its_zone() -> None:
    role = roles(on_aws(work(), platform={"domain": "llm.example.com"}))["dns"]
    assert (role.namespace, role.service_account) == ("external-dns", "external-dns")
    assert role.statements[0].actions == ("route53:ChangeResourceRecordSets",)
    off = {"domain": "llm.example.com", "addons": {"external-dns": False}}
    assert not roles(on_aws(work(), platform=off))


def test_external_dns_is_refused_until_its_zone_is_there() -> None:
    provider = {"provider": {"name": "cloudflare"}}
    asked = {"enabled": True, "values": provider}
    (told,) = refused(lambda: on_existing({}, platform={"addons": {"external-dns": asked}})).items()
    assert told[0] == "platform.domain"
    assert "in a zone of yours alone; give it, or switch external-dns off" in told[1]
    assert list(refused(lambda: on_aws(work(), platform={"addons": {"external-dns": True}}))) == ["platform.domain"]
    asked = {"enabled": True, "values": {**provider, "domainFilters": ["llm.example.com"]}}
    assert addon(on_existing({}, platform={"addons": {"external-dns": asked}}), "external-dns")


def test_an_existing_cluster_that_nothing_grows_keeps_its_size() -> None:
    (path,) = refused(lambda: on_existing({"minCount": 2, "maxCount": 6}))
    assert path == "cluster.nodePools.work.maxCount"
    assert list(refused(lambda: on_existing({"minCount": 2}))) == ["cluster.nodePools.work.minCount"]
    told = on_existing({"minCount": 2, "maxCount": 6}, {"node autoscaler": "the platform team's"})
    assert told.cluster.node_pools[0].grown_by == "the platform team's"
    assert not on_existing({}).cluster.node_pools[0].grown_by


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("cluster-autoscaler", {"autoDiscovery": {"clusterName": "theirs"}}),
        ("cluster-autoscaler", {"autoscalingGroups": [{"name": "g", "minSize": 1, "maxSize": 5}]}),
        ("karpenter", {"settings": {"clusterName": "theirs"}}),
        ("topograph", {"provider": {"name": "infiniband-k8s"}}),
        ("opentelemetry-collector", {"config": {"exporters": {"otlp": {"endpoint": "traces.example.com:4317"}}}}),
        ("external-dns", {"provider": {"name": "cloudflare"}}),
    ],
)
def test_an_addon_that_would_do_nothing_is_refused_until_its_value_is_there(name: str, values: dict[str, Any]) -> None:
    def make(values: dict[str, Any]) -> StackPlan:
        zone = {"domain": "llm.example.com"} if name == "external-dns" else {}
        return on_existing({}, platform={"addons": {name: {"enabled": True, "values": values}}, **zone})

    (path,) = refused(lambda: make({}))
    assert path.startswith(f"platform.addons.{name}.values.")
    assert addon(make(values), name)
