"""Decisions about stacks on GCP: nodes by the time, what replaces them, who does what inside, and ranges."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.plan.kubernetes import Concern, Owner
from components.plan.stack import StackPlan
from components.pods.bind import replica_share
from components.schedulers.kueue.topology import levels
from providers.gcp.network.plan import addresses_of_pods
from providers.gcp.node_changes import made_of
from providers.gcp.plan import GcpPlan
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.unit.providers.aws.whole_stacks import changed, planned, write
from tests.unit.providers.gcp.whole_stacks import BLOCK, SERVE, SLICES, STACK, TRAIN
from tests.unit.providers.gcp.wrong_stacks import FLEX


def plan_of(folder: Path, **changes: Any) -> StackPlan:
    return planned(changed(changes, STACK), folder, "gcp-test")


def cluster_of(folder: Path, **changes: Any) -> GcpPlan:
    found = plan_of(folder, **changes).cluster
    assert isinstance(found, GcpPlan)
    return found


@pytest.mark.parametrize(
    ("now", "nodes"), [("2026-12-01", 0), ("2027-01-05", 4), ("2027-01-04T11:29:59", 0), ("2027-01-18T11:29:59", 4)]
)
def test_a_block_has_its_nodes_while_it_lasts(now: str, nodes: int, tmp_path: Path) -> None:
    file = write(changed({f"{TRAIN}.capacity": BLOCK}, STACK), tmp_path, "gcp-test")
    plan = plan_stack(read_path(file), "gcp-test", datetime.fromisoformat(now).replace(tzinfo=UTC))
    pool = plan.cluster.node_pools[0]
    assert pool.desired_now == nodes
    assert any("run `up` again" in warning for warning in plan.warnings) == (nodes == 0)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({f"{SERVE}.zone": "us-central1-c"}, "replaces"),
        ({f"{SERVE}.capacity": "onDemand"}, "replaces"),
        ({"gcp.pools": {"serve": {"driver": "latest"}}}, "replaces"),
        ({"cluster.network": {"cidr": "172.16.0.0/12"}}, "replaces"),
        ({f"{SERVE}.rootDiskGib": 300}, "rolls"),
        ({f"{SERVE}.machineType": "g2-standard-4"}, "rolls"),
        ({f"{SERVE}.labels": {"example.com/a": "b"}}, ""),
        ({f"{SERVE}.taints": [{"key": "example.com/a"}]}, ""),
        ({f"{SERVE}.minCount": 0}, ""),
        ({"cluster.expiresAt": "2027-12-31T00:00:00Z"}, ""),
        ({"gcp.labels": {"team": "other"}}, ""),
    ],
)
def test_a_change_takes_nodes_away_as_the_provider_of_google_cloud_does(
    changes: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    """By magic-modules, node_pool.go and node_config.go: fields that make another pool, and those that roll nodes."""
    before, after = made_of(cluster_of(tmp_path))["serve"], made_of(cluster_of(tmp_path, **changes))["serve"]
    found = {name for name in ("rolls", "replaces") if getattr(before, name) != getattr(after, name)}
    assert found == ({kind} if kind else set())


def test_gke_has_the_driver_and_nothing_of_nvidias_is_installed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert plan.inside is not None
    owners = plan.inside.platform.owners
    for concern in (
        Concern.DRIVER,
        Concern.DEVICE_PLUGIN,
        Concern.DCGM_EXPORTER,
        Concern.NODE_AUTOSCALER,
        Concern.LOGS,
    ):
        assert owners[concern].owner is Owner.CLOUD, concern
    installed = {addon.name for addon in plan.inside.platform.addons}
    assert not installed & {
        "gpu-operator",
        "dcgm-exporter",
        "cluster-autoscaler",
        "node-feature-discovery",
        "fluent-bit",
    }


def test_queues_count_no_interfaces_that_gke_adds_to_pods(tmp_path: Path) -> None:
    inside = plan_of(tmp_path).inside
    assert inside is not None
    (kueue,) = [addon for addon in inside.platform.addons if addon.name == "kueue"]
    assert kueue.release is not None
    config = yaml.safe_load(kueue.release.values["managerConfig"]["controllerManagerConfigYaml"])
    assert "networking.gke.io.networks" in config["resources"]["excludeResourcePrefixes"]


def test_a_reserved_pool_is_placed_by_its_labels_and_slices_never(tmp_path: Path) -> None:
    train = cluster_of(tmp_path).node_pools[0]
    assert [key.rpartition("-")[2] for key in levels(train)[:-1]] == ["block", "subblock", "host"]
    spot = cluster_of(tmp_path, **{f"{TRAIN}.capacity": "spot", f"{TRAIN}.zone": "us-central1-b"}).node_pools[0]
    assert (spot.compact, len(levels(spot))) == (True, 4)
    apart = {f"{TRAIN}.capacity": "spot", f"{TRAIN}.zone": "us-central1-b", f"{TRAIN}.placement": "none"}
    assert len(levels(cluster_of(tmp_path, **apart).node_pools[0])) == 1
    slices = cluster_of(tmp_path, **SLICES).node_pools[0]
    assert levels(slices) == ()


def test_two_slices_are_two_pools_under_one_label(tmp_path: Path) -> None:
    pool = cluster_of(tmp_path, **SLICES).node_pools[0]
    assert [(group.name, group.nodes, group.most) for group in pool.groups] == [("train-0", 4, 4), ("train-1", 4, 4)]
    selector = pool.binding.node_selector
    assert selector["cloud.google.com/gke-tpu-topology"] == "4x4"
    assert selector["cloud.google.com/gke-tpu-accelerator"] == "tpu-v6e-slice"


def test_a_server_takes_no_interface_of_the_fabric(tmp_path: Path) -> None:
    binding = cluster_of(tmp_path).node_pools[0].binding
    assert "networking.gke.io/interfaces" in binding.annotations
    assert replica_share(binding, {"nvidia.com/gpu": 1}, "").annotations == {}


@pytest.mark.parametrize(("pods", "addresses"), [(110, 256), (64, 128), (32, 64), (16, 32), (15, 32), (8, 16)])
def test_a_node_takes_twice_its_pods_rounded_up(pods: int, addresses: int, tmp_path: Path) -> None:
    """The table of GKE's page "Flexible Pod CIDR"."""
    pool = cluster_of(tmp_path).node_pools[1]
    assert addresses_of_pods(replace(pool, max_pods=pods)) == addresses


def test_load_balancers_are_gkes_own_and_inside_unless_asked(tmp_path: Path) -> None:
    facts = cluster_of(tmp_path).kubernetes
    assert facts is not None
    assert facts.balancers is not None
    assert (facts.balancers.addon, facts.balancers.service_class) == ("", "")
    assert facts.balancers.internal == {"networking.gke.io/load-balancer-type": "Internal"}
    asked = {"inference": {"pool": "serve", "model": {"path": "/fsx/m"}, "route": {"loadBalancer": {"internal": {}}}}}
    plan = plan_of(tmp_path, **asked)
    (proxy,) = [one for one in plan.service if one["kind"] == "EnvoyProxy"]
    service = proxy["spec"]["provider"]["kubernetes"]["envoyService"]
    assert "loadBalancerClass" not in service
    assert service["annotations"] == {"networking.gke.io/load-balancer-type": "Internal"}


@pytest.mark.parametrize(("timeout_s", "warned"), [(900, True), (1800, False)])
def test_a_job_whose_machines_take_long_is_told_of_its_timeout(timeout_s: int, warned: bool, tmp_path: Path) -> None:
    """A slice takes five to ten minutes when there is one; a job that is put back before never starts."""
    plan = plan_of(tmp_path, **FLEX, scheduler={"startTimeoutS": timeout_s})
    assert any("goes back to its queue" in warning for warning in plan.warnings) is warned


def test_accelerators_of_a_block_need_no_quota(tmp_path: Path) -> None:
    """Of a reservation by the calendar (Compute Engine, "Consumption options"); those of another one count."""
    held, block = (
        [need.code for need in cluster_of(tmp_path, **changes).quotas] for changes in ({}, {f"{TRAIN}.capacity": BLOCK})
    )
    assert [code for code in held if code.endswith("NVIDIA_H200")]
    assert not [code for code in block if code.endswith("NVIDIA_H200")]
