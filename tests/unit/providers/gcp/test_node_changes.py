"""A change of nodes: what the provider of Google Cloud does with each field, and that the plan says so."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.registrations import recorded
from components.node_changes import PoolMakeup
from providers import load
from providers.gcp.node_changes import made_of
from providers.gcp.plan import GcpPlan
from rehearsal.field.facts import Effect
from rehearsal.field.rolling import classify
from rehearsal.providers.gcp.field_facts import CHANGES
from stacks.program import build
from tests.unit.providers.aws.whole_stacks import changed, planned
from tests.unit.providers.gcp.whole_stacks import SERVE, SLICES, STACK, TRAIN

POOL, CLUSTER = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster"
NAME = "gcp-test"
# GoogleCloudPlatform/magic-modules d577844 (2026-08), node_pool.go, node_config.go, cluster.go, field by field.
TABLE = {
    Effect.REPLACES: (
        "name", "cluster", "location", "initialNodeCount", "maxPodsPerNode", "placementPolicy.type",
        "placementPolicy.policyName", "placementPolicy.tpuTopology", "queuedProvisioning.enabled",
        "networkConfig.acceleratorNetworkProfile", "networkConfig.additionalNodeNetworkConfigs",
        "networkConfig.podRange", "networkConfig.subnetwork", "nodeConfig.guestAccelerators.type",
        "nodeConfig.guestAccelerators.gpuDriverInstallationConfig.gpuDriverVersion",
        "nodeConfig.guestAccelerators.gpuSharingConfig", "nodeConfig.ephemeralStorageLocalSsdConfig.localSsdCount",
        "nodeConfig.localNvmeSsdBlockConfig", "nodeConfig.secondaryBootDisks", "nodeConfig.metadata",
        "nodeConfig.minCpuPlatform", "nodeConfig.oauthScopes", "nodeConfig.serviceAccount", "nodeConfig.spot",
        "nodeConfig.preemptible", "nodeConfig.reservationAffinity.values", "nodeConfig.shieldedInstanceConfig",
        "nodeConfig.advancedMachineFeatures", "nodeConfig.hostMaintenancePolicy", "nodeConfig.maxRunDuration",
        "nodeConfig.flexStart", "nodeConfig.bootDiskKmsKey",
    ),
    Effect.ROLLS: (
        "version", "nodeConfig.machineType", "nodeConfig.diskType", "nodeConfig.diskSizeGb", "nodeConfig.imageType",
        "nodeConfig.kubeletConfig.cpuManagerPolicy", "nodeConfig.linuxNodeConfig.sysctls", "nodeConfig.gvnic",
        "nodeConfig.gcfsConfig", "nodeConfig.workloadMetadataConfig", "nodeConfig.containerdConfig",
        "nodeConfig.storagePools", "nodeConfig.resourceManagerTags", "nodeConfig.loggingVariant",
    ),
    Effect.NOTHING: (
        "nodeConfig.labels", "nodeConfig.taints", "nodeConfig.tags", "nodeConfig.resourceLabels", "nodeCount",
        "autoscaling.maxNodeCount", "management.autoRepair",
    ),
}  # fmt: skip
OF_CLUSTERS = (
    "name", "location", "network", "subnetwork", "initialNodeCount", "ipAllocationPolicy.clusterSecondaryRangeName",
    "networkingMode", "datapathProvider", "defaultMaxPodsPerNode", "privateClusterConfig.masterIpv4CidrBlock",
    "privateClusterConfig.privateEndpointSubnetwork", "enableTpu", "nodeConfig.machineType",
)  # fmt: skip


@pytest.mark.parametrize(("path", "effect"), [(path, effect) for effect, paths in TABLE.items() for path in paths])
def test_the_simulated_gke_does_with_a_field_of_a_pool_what_its_provider_does(path: str, effect: Effect) -> None:
    row = classify(CHANGES, POOL, path)
    assert row is not None
    assert row.effect is effect


@pytest.mark.parametrize("path", OF_CLUSTERS)
def test_the_simulated_gke_makes_another_cluster_for_what_it_cannot_change(path: str) -> None:
    row = classify(CHANGES, CLUSTER, path)
    assert row is not None
    assert row.effect is Effect.REPLACES


FLEX: dict[str, Any] = {
    f"{TRAIN}.capacity": "onDemand", f"{TRAIN}.zone": "us-central1-b", f"{TRAIN}.count": 0, f"{TRAIN}.maxCount": 4,
    "gcp.pools": {"train": {"flexStart": {}}},
}  # fmt: skip
ON_DEMAND: dict[str, Any] = {f"{TRAIN}.capacity": "onDemand", f"{TRAIN}.zone": "us-central1-b"}
BLOCK = "projects/my-project/reservations/h200/reservationBlocks/b1"


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        ({}, {f"{SERVE}.zone": "us-central1-c"}),
        ({}, {f"{SERVE}.capacity": "onDemand"}),
        ({}, {f"{TRAIN}.capacity.reservation.id": BLOCK}),
        ({}, {"gcp.pools": {"serve": {"driver": "latest"}}}),
        ({}, {f"{SERVE}.rootDiskGib": 300}),
        ({}, {f"{SERVE}.machineType": "g2-standard-4"}),
        ({}, {f"{SERVE}.machineType": "g2-standard-24"}),
        ({}, {f"{SERVE}.labels": {"example.com/a": "b"}}),
        ({}, {f"{SERVE}.taints": [{"key": "example.com/a"}]}),
        ({}, {"gcp.labels": {"team": "other"}}),
        ({}, {"cluster.expiresAt": "2027-12-31T00:00:00Z"}),
        ({}, {"cluster.budgetUsdPerHour": 499}),
        ({}, {f"{TRAIN}.count": 6}),
        (ON_DEMAND, {f"{TRAIN}.placement": "none"}),
        (ON_DEMAND, {f"{TRAIN}.fabric": {"none": "a test of what is not wired"}}),
        (ON_DEMAND, FLEX),
        (FLEX, {f"{TRAIN}.maxCount": 8}),
        (FLEX, {"gcp.pools.train.flexStart.maxRunHours": 24}),
        (FLEX, {"gcp.pools.train.flexStart.queued": True}),
        ({**FLEX, "gcp.pools": {"train": {"flexStart": {"queued": True}}}},
         {"gcp.pools.train.flexStart.maxRunHours": 24}),
        (SLICES, {"gcp.pools.train.topology": "4x8"}),
        (SLICES, {"storage.fileSystem": None, "storage.sharedFileSystem": {}}),
        (SLICES, {f"{TRAIN}.capacity": "spot"}),
        (SLICES, {f"{TRAIN}.count": 12}),
    ],
)  # fmt: skip
def test_the_plan_tells_of_a_change_what_the_provider_does_with_it(
    base: dict[str, Any], changes: dict[str, Any], tmp_path: Path
) -> None:
    """Each pool of the stack file before and after: by the fields that it is asked for with, and by the plan."""
    before = changed(base, STACK)
    (told, asked), (told_after, asked_after) = made(before, tmp_path), made(changed(changes, before), tmp_path)
    for name in told:
        first = next(one for one in asked if one.startswith(f"{NAME}-{name}"))
        effects = _effects(asked[first], asked_after[first]) if first in asked_after else {Effect.REPLACES}
        found = {kind for kind in WORDS.values() if getattr(told[name], kind) != getattr(told_after[name], kind)}
        assert found >= {WORDS[effect] for effect in effects}, (name, found, effects)
        assert bool(found) == bool(effects), (name, found, effects)


_MADE: dict[str, tuple[Mapping[str, PoolMakeup], Mapping[str, dict[str, Any]]]] = {}


def made(
    stack: dict[str, Any], folder: Path
) -> tuple[Mapping[str, PoolMakeup], Mapping[str, dict[str, Any]]]:  # fmt: skip
    """By pool, what the plan says it is made of; by node pool of GKE, what is asked for."""
    key = json.dumps(stack, sort_keys=True)
    if key not in _MADE:
        plan = planned(stack, folder, NAME)
        assert isinstance(plan.cluster, GcpPlan)
        rows = recorded(lambda: build(load("gcp"), plan), stack=NAME)
        _MADE[key] = made_of(plan.cluster), {row["name"]: row["object"] for row in rows if row["type"] == POOL}
    return _MADE[key]


WORDS = {Effect.ROLLS: "rolls", Effect.REPLACES: "replaces"}


def _effects(before: dict[str, Any], after: dict[str, Any]) -> set[Effect]:
    """Of the fields that differ, but for those whose change does nothing to nodes."""
    found = set()
    for path, _ in _paths(before, "") ^ _paths(after, ""):
        row = classify(CHANGES, POOL, path)
        assert row is not None
        # The provider changes a pool's zone in place; GKE then makes its nodes there, and takes the others away.
        found.add(Effect.REPLACES if path == "nodeLocations" else row.effect)
    return found - {Effect.NOTHING}


def _paths(value: Any, path: str) -> set[tuple[str, str]]:
    if isinstance(value, dict):
        return {one for key, part in value.items() for one in _paths(part, f"{path}.{key}".lstrip("."))}
    if isinstance(value, list):
        return {one for part in value for one in _paths(part, path)}
    return {(path, repr(value))}
