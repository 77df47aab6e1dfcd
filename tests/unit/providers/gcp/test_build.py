"""Requests for node pools, cluster and network, as the engine is asked for them: the field's own rules of each."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.registrations import recorded
from providers import load
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build
from tests.clock import NOW

ROOT = Path(__file__).parents[4]
STACKS = ("gcp-dev", "gcp-prod", "gcp-tpu")
POOL, CLUSTER = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster"


@cache
def asked(stack: str) -> list[dict[str, Any]]:
    plan = plan_stack(read_path(ROOT / "stacks" / f"Pulumi.{stack}.yaml"), stack, NOW)
    return recorded(lambda: build(load("gcp"), plan), stack=stack)


def of_type(stack: str, token: str) -> dict[str, dict[str, Any]]:
    """Inputs by name."""
    return {one["name"]: one.get("object", {}) for one in asked(stack) if one["type"] == token}


@pytest.mark.parametrize("stack", STACKS)
def test_no_pool_is_open_to_the_reservations_of_others(stack: str) -> None:
    """Left out it is any, which spot and flex start refuse (terraform-provider-google 18341)."""
    for name, pool in of_type(stack, POOL).items():
        affinity = pool["nodeConfig"]["reservationAffinity"]
        if name == "gcp-prod-train":
            assert affinity["values"] == ["projects/my-project/reservations/h200"]
        else:
            assert affinity == {"consumeReservationType": "NO_RESERVATION"}


@pytest.mark.parametrize("stack", STACKS)
def test_every_pool_stands_in_one_zone_with_the_nodes_own_account(stack: str) -> None:
    """Counts are by zone; other rights than a node's would be those of Compute Engine's default account."""
    for pool in of_type(stack, POOL).values():
        assert len(pool["nodeLocations"]) == 1
        assert "nodeCount" not in pool or "autoscaling" not in pool
        assert "serviceAccount" in pool["nodeConfig"]
        assert pool["management"]["autoUpgrade"] is True  # a release channel refuses another word
        assert "version" not in pool


@pytest.mark.parametrize("stack", STACKS)
def test_one_pool_has_no_taint_and_those_with_accelerators_have(stack: str) -> None:
    pools = of_type(stack, POOL)
    assert pools[f"{stack}-system"].get("nodeConfig", {}).get("taints", []) == []
    keys = {name: {taint["key"] for taint in pool["nodeConfig"].get("taints", [])} for name, pool in pools.items()}
    for name in keys.keys() - {f"{stack}-system"}:
        assert keys[name] & {"nvidia.com/gpu", "google.com/tpu"}, name


@pytest.mark.parametrize("stack", STACKS)
def test_a_driver_is_gkes_own_and_always_named(stack: str) -> None:
    """Nothing between GKE's driver and none of it works, and GKE fills in its own where it is left out."""
    for pool in of_type(stack, POOL).values():
        for accelerator in pool["nodeConfig"].get("guestAccelerators", []):
            assert accelerator["gpuDriverInstallationConfig"] == {"gpuDriverVersion": "DEFAULT"}
        assert "gke-no-default-nvidia-gpu-device-plugin" not in pool["nodeConfig"].get("labels", {})


@pytest.mark.parametrize("stack", STACKS)
def test_every_node_boots_as_organizations_ask(stack: str) -> None:
    """Those of the pool that is thrown away too: constraints/compute.requireShieldedVm refuses a machine without Secure
    Boot (hashicorp-education/learn-terraform-provision-gke-cluster 8)."""
    nodes = [one["nodeConfig"] for token in (POOL, CLUSTER) for one in of_type(stack, token).values()]
    assert len(nodes) > 2
    assert all(one["shieldedInstanceConfig"]["enableSecureBoot"] is True for one in nodes)


@pytest.mark.parametrize("stack", STACKS)
def test_machines_with_accelerators_are_upgraded_without_a_spare_one(stack: str) -> None:
    for name, pool in of_type(stack, POOL).items():
        if "flexStart" in pool["nodeConfig"]:
            assert "upgradeSettings" not in pool
            assert pool["management"]["autoRepair"] is False
        elif name != f"{stack}-system":
            assert (pool["upgradeSettings"]["maxSurge"], pool["upgradeSettings"]["maxUnavailable"]) == (0, 1)


@pytest.mark.parametrize("stack", STACKS)
def test_the_cluster_is_reached_by_its_name_alone(stack: str) -> None:
    """An empty block of authorized networks would lock everybody out, and a range of its own is of older clusters."""
    (cluster,) = of_type(stack, CLUSTER).values()
    assert cluster["controlPlaneEndpointsConfig"] == {
        "dnsEndpointConfig": {"allowExternalTraffic": True},
        "ipEndpointsConfig": {"enabled": False},
    }
    assert "masterAuthorizedNetworksConfig" not in cluster
    assert "masterIpv4CidrBlock" not in cluster["privateClusterConfig"]
    assert cluster["privateClusterConfig"]["enablePrivateNodes"] is True
    assert cluster["deletionProtection"] is False
    assert "networkPolicy" not in cluster  # Dataplane V2 refuses Calico's
    assert len(cluster["nodeLocations"]) == 1
    assert (cluster["nodeConfig"]["diskType"], cluster["nodeConfig"]["diskSizeGb"]) == ("pd-standard", 30)


@pytest.mark.parametrize("stack", STACKS)
def test_rights_are_given_one_by_one(stack: str) -> None:
    """A policy or a binding of a whole role would take away those of Google's own agents."""
    kinds = {one["type"] for one in asked(stack)}
    assert not [kind for kind in kinds if kind.endswith(("IAMPolicy", "IAMBinding"))]


def test_a_slice_is_a_pool_of_its_own_and_comes_for_jobs() -> None:
    pools = {name: pool for name, pool in of_type("gcp-tpu", POOL).items() if "slices" in name}
    assert list(pools) == ["gcp-tpu-slices-0", "gcp-tpu-slices-1"]
    for pool in pools.values():
        assert pool["placementPolicy"] == {"type": "COMPACT", "tpuTopology": "4x4"}
        assert pool["autoscaling"] == {"minNodeCount": 0, "maxNodeCount": 4, "locationPolicy": "ANY"}
        assert pool["nodeConfig"]["flexStart"] is True
        assert pool["nodeConfig"]["maxRunDuration"] == "604800s"
        assert pool["nodeConfig"]["diskType"] == "hyperdisk-balanced"
        assert pool["maxPodsPerNode"] == 32
    (cluster,) = of_type("gcp-tpu", CLUSTER).values()
    assert cluster["privateIpv6GoogleAccess"] == "PRIVATE_IPV6_GOOGLE_ACCESS_DISABLED"


def test_nodes_without_gpus_take_googles_modules_where_there_is_lustre() -> None:
    """Their image keeps others out, and Lustre's client is one (GKE, "Configure secure kernel module loading")."""
    signed = {"nodeKernelModuleLoading": {"policy": "ENFORCE_SIGNED_MODULES"}}
    found = {name: pool["nodeConfig"].get("linuxNodeConfig") for name, pool in of_type("gcp-prod", POOL).items()}
    assert found == {"gcp-prod-system": signed, "gcp-prod-train": None, "gcp-prod-serve": None}
    assert not any("linuxNodeConfig" in pool["nodeConfig"] for pool in of_type("gcp-tpu", POOL).values())


def test_rdma_has_a_network_of_its_profile_with_a_subnet_for_each_card() -> None:
    networks = of_type("gcp-prod", "gcp:compute/network:Network")
    (rdma,) = [one for one in networks.values() if "networkProfile" in one]
    assert rdma["networkProfile"] == "projects/my-project/global/networkProfiles/us-central1-b-vpc-roce"
    assert {one["mtu"] for one in networks.values()} == {8896}
    train = of_type("gcp-prod", POOL)["gcp-prod-train"]
    subnets = [one["subnetwork"] for one in train["networkConfig"]["additionalNodeNetworkConfigs"]]
    assert subnets == ["gcp-prod-gvnic-us-central1-b", *(f"gcp-prod-rdma-{card}-us-central1-b" for card in range(8))]
    firewalls = of_type("gcp-prod", "gcp:compute/firewall:Firewall")
    assert list(firewalls) == ["gcp-prod-network-lustre"]  # a network with a profile takes none
    objects = of_type("gcp-prod", "kubernetes:networking.gke.io/v1:Network")
    assert sorted(one["metadata"]["name"] for one in objects.values()) == [
        "gvnic-1", *(f"rdma-{card}" for card in range(8))
    ]  # fmt: skip
    assert all(one["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready" for one in objects.values())


def test_what_is_reserved_is_asked_for_with_its_nodes_and_never_sized_by_the_gate() -> None:
    pools = of_type("gcp-prod", POOL)
    assert pools["gcp-prod-train"]["nodeCount"] == 16
    assert "placementPolicy" not in pools["gcp-prod-train"]
    (gate,) = of_type("gcp-prod", "penstock:kubernetes:Gate").values()
    assert list(gate["scalers"]) == ["serve"]


def test_a_bucket_keeps_deleted_objects_once() -> None:
    """Soft delete would keep every old version a second time, at full price."""
    (bucket,) = of_type("gcp-dev", "gcp:storage/bucket:Bucket").values()
    assert bucket["softDeletePolicy"] == {"retentionDurationSeconds": 0}
    assert bucket["location"] == "US-CENTRAL1"


def test_a_way_out_gives_ports_as_they_are_needed() -> None:
    (nat,) = of_type("gcp-dev", "gcp:compute/routerNat:RouterNat").values()
    assert nat["enableDynamicPortAllocation"] is True
    assert nat["maxPortsPerVm"] == 65536


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_cluster_has_for_life_is_said_from_the_first_day(stack: str) -> None:
    """Another way to names rolls all nodes; components that are left out are added by GKE, and seen as a change."""
    (cluster,) = of_type(stack, CLUSTER).values()
    assert cluster["dnsConfig"] == {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "CLUSTER_SCOPE"}
    assert cluster["addonsConfig"]["httpLoadBalancing"] == {"disabled": False}
    assert {"STORAGE", "HPA", "POD", "CADVISOR", "KUBELET"} <= {*cluster["monitoringConfig"]["enableComponents"]}


@pytest.mark.parametrize("stack", STACKS)
def test_nodes_with_accelerators_alone_keep_their_version_until_its_support_ends(stack: str) -> None:
    kept = {name for name, pool in of_type(stack, POOL).items() if "maintenancePolicies" in pool}
    assert kept == of_type(stack, POOL).keys() - {f"{stack}-system"}
    (policy,) = of_type(stack, POOL)[min(kept)]["maintenancePolicies"]
    assert policy == {"exclusionUntilEndOfSupports": [{"enabled": True}]}


@pytest.mark.parametrize("stack", STACKS)
def test_another_way_in_replaces_nothing_inside(stack: str) -> None:
    """Without a name of the cluster's, another host in the kubeconfig is another cluster (pulumi-kubernetes 4019)."""
    (provider,) = of_type(stack, "pulumi:providers:kubernetes").values()
    assert provider["clusterIdentifier"]


def test_a_file_system_that_is_kept_is_deleted_by_nobody_and_found_by_its_driver() -> None:
    (lustre,) = of_type("gcp-prod", "gcp:lustre/instance:Instance").values()
    (volume,) = of_type("gcp-prod", "kubernetes:core/v1:PersistentVolume").values()
    assert lustre["deletionPolicy"] == "PREVENT"
    assert volume["spec"]["csi"]["volumeHandle"] == f"my-project/{lustre['location']}/{lustre['instanceId']}"
    assert volume["spec"]["csi"]["volumeAttributes"]["filesystem"] == lustre["filesystem"]
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


def test_machines_that_attach_hyperdisk_alone_have_a_class_of_it() -> None:
    found = {
        stack: {
            one["parameters"]["type"] for one in of_type(stack, "kubernetes:storage.k8s.io/v1:StorageClass").values()
        }
        for stack in ("gcp-dev", "gcp-prod")
    }
    assert found == {"gcp-dev": {"pd-balanced"}, "gcp-prod": {"pd-balanced", "hyperdisk-balanced"}}
