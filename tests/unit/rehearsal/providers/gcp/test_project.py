"""A project: APIs that are off, operations one at a time, rights, what holds what, quotas and machines that lack."""

import threading
from typing import Any

import pytest

from components.errors import SpecError
from engine.provider.errors import UnfinishedError
from rehearsal.cloud.account import Status
from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.gcp.names import SERVICE
from tests.unit.rehearsal.providers.gcp.project import (
    CLUSTER,
    NETWORK,
    POOL,
    PROJECT,
    REGION,
    GcpProject,
    cluster_inputs,
    pool_inputs,
)

ACCOUNT, MEMBER = "gcp:serviceaccount/account:Account", "gcp:projects/iAMMember:IAMMember"
CONNECTION, RANGE = "gcp:servicenetworking/connection:Connection", "gcp:compute/globalAddress:GlobalAddress"
PRINCIPAL = "principal://iam.googleapis.com/projects"
LUSTRE = "gcp:lustre/instance:Instance"


def service(project: GcpProject, name: str) -> None:
    inputs = {"project": PROJECT, "service": f"{name}.googleapis.com"}
    project.cloud.create(SERVICE, name, inputs, region=REGION)


def off(name: str) -> dict[str, Any]:
    return {"existing": [{"type": SERVICE, "resource": f"*/{name}.googleapis.com", "set": {"state": "DISABLED"}}]}


def standing_with(name: str) -> GcpProject:
    """A project in which this API alone is off."""
    from rehearsal.cloud.lifecycle import SimulatedCloud
    from rehearsal.cloud.standing import otherwise
    from rehearsal.faults import FaultScript
    from rehearsal.providers.gcp.rules import RULES

    project, script = GcpProject(standing=True), FaultScript.model_validate(off(name))
    things = tuple(otherwise(RULES.standing({"gcp:project": PROJECT}), script.existing))
    project.cloud = SimulatedCloud(RULES, standing=things)
    return project


def test_an_api_that_is_off_or_was_just_switched_on_refuses_everything() -> None:
    project = standing_with("compute")
    with pytest.raises(
        CloudApiError, match=r"Error 403: compute\.googleapis\.com has not been used.*accessNotConfigured"
    ):
        project.network()
    service(project, "compute")
    with pytest.raises(CloudApiError, match="wait a few minutes for the action to propagate"):
        project.network()
    project.cloud.clock.wait(2.0)
    assert project.network().outputs["selfLink"].endswith(f"projects/{PROJECT}/global/networks/net")


def test_an_api_that_somebody_switched_on_before_answers_at_once() -> None:
    project = GcpProject(standing=True)
    service(project, "compute")
    assert project.network().status is Status.ACTIVE


def test_a_cluster_takes_one_operation_at_a_time() -> None:
    project = GcpProject()
    project.cluster()
    begun_min = project.cloud.clock.now_min
    threads = [threading.Thread(target=project.pool, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in project.cloud.account.objects() if one.token == POOL]) == 3
    assert project.cloud.clock.now_min - begun_min >= 3 * 6.0


def test_who_waits_too_long_for_a_busy_cluster_is_refused() -> None:
    project = GcpProject()
    project.cluster()
    project.cloud._busy.add("cluster tiny")
    with pytest.raises(CloudApiError, match=r"FAILED_PRECONDITION.*Please wait and try again once it is done"):
        project.pool()
    assert project.cloud.clock.now_min >= 120


def test_a_workload_pool_is_there_from_the_first_cluster_on() -> None:
    project = GcpProject()
    member = {"role": "roles/storage.objectUser", "member": f"serviceAccount:{PROJECT}.svc.id.goog[jobs/train]"}
    with pytest.raises(CloudApiError, match=rf"Identity Pool does not exist \({PROJECT}\.svc\.id\.goog\)"):
        project.make(MEMBER, "early", **member)
    project.cluster()
    assert project.make(MEMBER, "late", **member).status is Status.ACTIVE


@pytest.mark.parametrize(
    ("member", "role", "message"),
    [
        ("train@x.iam.gserviceaccount.com", "roles/viewer", "Invalid member train@x"),
        ("serviceAccount:abcdef@tiny.iam.gserviceaccount.com", "roles/viewer", "abcdef@tiny.* does not exist"),
        ("user:me@example.com", "storage.admin", "Role storage.admin is not supported"),
        (
            f"{PRINCIPAL}/{PROJECT}/locations/global/workloadIdentityPools/{PROJECT}.svc.id.goog/subject/ns/jobs/sa/a",
            "roles/viewer",
            "the project's number stands in it",
        ),
    ],
)
def test_a_member_of_no_form_or_of_nobody_is_refused(member: str, role: str, message: str) -> None:
    with pytest.raises(CloudApiError, match=message):
        GcpProject().make(MEMBER, "x", member=member, role=role)


def test_a_cluster_that_is_protected_stays() -> None:
    project = GcpProject()
    cluster = project.cluster(deletionProtection=True)
    with pytest.raises(CloudApiError, match="Cannot destroy cluster because deletion_protection is set to true"):
        project.delete(cluster)
    project.delete(project.change(cluster, deletionProtection=False))
    assert project.cloud.account.get(CLUSTER, cluster.id) is None


def test_producers_hold_a_connection_for_a_while_unless_its_peering_is_removed() -> None:
    project = GcpProject()
    network = project.network()
    project.make(RANGE, "range", purpose="VPC_PEERING", addressType="INTERNAL", prefixLength=20, network=network.id)
    given = {"network": network.id, "service": "servicenetworking.googleapis.com", "reservedPeeringRanges": ["range"]}
    connection = project.cloud.create(CONNECTION, "psa", given, region=REGION)
    lustre = {
        "project": PROJECT, "instanceId": "fast", "location": "us-central1-a", "filesystem": "fast",
        "capacityGib": "9000", "perUnitStorageThroughput": "1000", "network": network.id,
    }  # fmt: skip
    project.delete(project.cloud.create(LUSTRE, "fast", lustre, region=REGION))
    with pytest.raises(CloudApiError, match=r"Producer services .* are still using this connection"):
        project.delete(connection)
    project.delete(project.change(connection, deletionPolicy="REMOVE_PEERING"))
    assert project.cloud.account.get(CONNECTION, connection.id) is None


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"capacityGib": "9500"}, "capacityGib 9500 is not a multiple of 9000"),
        ({"perUnitStorageThroughput": "750"}, "perUnitStorageThroughput 750 is not one of 125, 250, 500, 1000"),
        ({"filesystem": "much-too-long"}, "must be 1 to 8 letters and digits"),
        ({"accessRulesOptions": {}}, "accessRulesOptions.defaultSquashMode is required"),
    ],
)
def test_a_file_system_of_no_tier_is_refused(inputs: dict[str, Any], message: str) -> None:
    project = GcpProject()
    given = {
        "project": PROJECT, "instanceId": "fast", "location": "us-central1-a", "filesystem": "fast",
        "capacityGib": "9000", "perUnitStorageThroughput": "1000", "network": project.network().id, **inputs,
    }  # fmt: skip
    with pytest.raises(CloudApiError, match=message):
        project.cloud.create(LUSTRE, "fast", given, region=REGION)


def test_what_a_network_holds_it_holds() -> None:
    project = GcpProject()
    cluster = project.cluster()
    (network,) = [one for one in project.cloud.account.objects() if one.token == NETWORK]
    with pytest.raises(CloudApiError, match="is already being used by"):
        project.delete(network)
    balancer = project.cloud.make_load_balancer(cluster)
    project.delete(cluster)
    for one in [one for one in project.cloud.account.objects() if one.token.endswith("Subnetwork")]:
        project.delete(one)
    with pytest.raises(CloudApiError, match="ForwardingRule k8s-fw-tiny"):
        project.delete(network)
    project.cloud.account.remove(balancer)
    project.delete(network)


def test_networks_with_an_rdma_profile_take_neither_firewall_nor_nat_nor_further_ranges() -> None:
    project = GcpProject()
    profile = "projects/p/global/networkProfiles/us-central1-a-vpc-roce"
    rdma = project.network("rdma", networkProfile=profile, mtu=8896)
    with pytest.raises(CloudApiError, match="VPC firewall rules are not supported"):
        project.make("gcp:compute/firewall:Firewall", "all", network=rdma.id, allows=[{"protocol": "tcp"}])
    with pytest.raises(CloudApiError, match="Cloud Router and Cloud NAT are not supported"):
        project.make("gcp:compute/router:Router", "out", network=rdma.id, region=REGION)
    with pytest.raises(CloudApiError, match="takes no secondary ranges"):
        project.subnetwork(rdma, secondaryIpRanges=[{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}])
    with pytest.raises(CloudApiError, match=r"resource\.mtu"):
        project.network("big", mtu=9000)


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"quotas": {"gpusAllRegions": 0}}, "Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: 0.0 globally"),
        (
            {"quotas": {"accelerators": [{"family": "NVIDIA_L4", "preemptible": True, "limit": 4}]}},
            "resource \"PREEMPTIBLE_NVIDIA_L4_GPUS\": request requires '8.0' and is short '4.0'",
        ),
        ({"capacity": [{"machineType": "g2-standard-48"}]}, "ZONE_RESOURCE_POOL_EXHAUSTED"),
        ({"partial": [{"resource": "train", "nodes": 1}]}, "RUNNING_WITH_ERROR"),
    ],
)
def test_a_pool_without_machines_is_there_in_an_error_state(faults: dict[str, Any], message: str) -> None:
    project = GcpProject(**faults)
    project.cluster()
    with pytest.raises(UnfinishedError) as caught:
        project.pool()
    assert message in str(caught.value)
    (pool,) = [one for one in project.cloud.account.objects() if one.token == POOL]
    assert pool.status is Status.FAILED
    assert not project.cloud.injector.unused_faults()
    with pytest.raises(CloudApiError, match="already exists"):
        project.pool()


def test_quotas_of_another_market_or_region_do_not_count() -> None:
    other = {"family": "NVIDIA_L4", "preemptible": True, "region": "us-east1", "limit": 0}
    project = GcpProject(quotas={"accelerators": [{"family": "NVIDIA_L4", "limit": 0}, other], "networks": 1})
    project.cluster()
    assert project.pool().status is Status.ACTIVE
    with pytest.raises(CloudApiError, match="Quota 'NETWORKS' exceeded"):
        project.network("second")


def test_a_limit_that_google_does_not_have_is_refused() -> None:
    with pytest.raises(SpecError, match=r"quotas\.vpcs"):
        GcpProject(quotas={"vpcs": 1})


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"nodeCount": 3}, False),
        ({"autoscaling": {"minNodeCount": 0, "maxNodeCount": 4}}, False),
        ({"version": "1.36"}, False),
        ({"nodeConfig": {"labels": {"a": "b"}}}, False),
        ({"nodeConfig": {"machineType": "g2-standard-96"}}, False),
        ({"nodeConfig": {"diskSizeGb": 300}}, False),
        ({"nodeConfig": {"metadata": {"expires": "2026"}}}, True),
        ({"nodeConfig": {"serviceAccount": "other@x"}}, True),
        ({"nodeConfig": {"guestAccelerators": [{"type": "nvidia-l4", "count": 4}]}}, True),
        ({"nodeConfig": {"flexStart": True}}, True),
        ({"placementPolicy": {"type": "COMPACT"}}, True),
        ({"networkConfig": {"acceleratorNetworkProfile": "auto"}}, True),
        ({"maxPodsPerNode": 64}, True),
        ({"name": "other"}, True),
    ],
)
def test_a_change_replaces_a_pool_or_not(change: dict[str, Any], replaces: bool) -> None:
    project = GcpProject()
    project.cluster()
    before = {**project.pool().inputs}
    config = {**before["nodeConfig"], **change.get("nodeConfig", {})}
    after = {**before, **change, "nodeConfig": config}
    found = project.cloud.difference(POOL, "x", before, after)
    assert bool(found.replacing) is replaces


def test_multi_networking_is_decided_when_the_cluster_is_made() -> None:
    project = GcpProject()
    cluster = project.cluster(enableMultiNetworking=False)
    with pytest.raises(CloudApiError, match="can only be set when the cluster is made"):
        project.change(cluster, enableMultiNetworking=True)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"networkPolicy": {"enabled": True}}, "Enabling NetworkPolicy for clusters with DatapathProvider"),
        ({"datapathProvider": "LEGACY_DATAPATH"}, "Multi-networking requires Dataplane V2"),
        ({"resourceLabels": {"penstock-expires": "2026-12-01T00:00Z"}}, "Invalid resource label"),
        ({"initialNodeCount": 0}, "initial_node_count must be greater than zero"),
    ],
)
def test_a_cluster_that_gke_refuses(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(CloudApiError, match=message):
        GcpProject().cluster(**inputs)


def test_the_forms_of_the_tests_hold_no_unknown_input() -> None:
    from rehearsal.cloud.sdk_types import problems_of
    from rehearsal.providers.gcp.rules import RULES

    known, pool = RULES.signature(CLUSTER), RULES.signature(POOL)
    assert known
    assert pool
    assert not list(problems_of(known, {"name": "tiny", "project": PROJECT, **cluster_inputs("n", "s")}))
    assert not list(problems_of(pool, {"name": "train", "project": PROJECT, **pool_inputs()}))
