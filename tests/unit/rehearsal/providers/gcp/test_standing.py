"""A network of others in the simulated project, and the policies of its organization."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.gcp.endpoint import environment
from rehearsal.providers.gcp.names import ACCOUNT, CONNECTION, FILESTORE, LUSTRE
from rehearsal.providers.gcp.rules import RULES
from tests.unit.rehearsal.providers.gcp.project import CLUSTER, PROJECT, REGION, ZONE, GcpProject, cluster_inputs
from tests.unit.rehearsal.providers.gcp.test_answers import Asked

GIVEN = {"project": "host-project", "network": "shared", "subnet": "nodes", "podsRange": "pods", "servicesRange": "svc"}
NETWORK = "projects/host-project/global/networks/shared"
SUBNET = f"projects/host-project/regions/{REGION}/subnetworks/nodes"
POLICY = "gcp:orgpolicy/policy:Policy"
SECURE = {"shieldedInstanceConfig": {"enableSecureBoot": True}}


def shared(*otherwise: dict[str, Any]) -> GcpProject:
    return GcpProject(standing=True, existing_network=GIVEN, existing=list(otherwise))


def cluster(project: GcpProject) -> None:
    project.make(CLUSTER, "tiny", **cluster_inputs(NETWORK, SUBNET))


def test_a_cluster_comes_up_in_a_subnet_that_lets_it_in() -> None:
    cluster(shared())


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ({"type": "*SharedVPCServiceProject", "resource": "*", "set": {"serviceProject": "another"}},
         "is not the host project of 'tiny-project'"),
        ({"type": "*subnetworkIAMMember*", "resource": "*container-engine-robot*", "set": {"role": "roles/viewer"}},
         "container-engine-robot.iam.gserviceaccount.com: Google Compute Engine: Required 'compute.subnetworks.use'"),
        ({"type": "*subnetworkIAMMember*", "resource": "*cloudservices*", "set": {"role": "roles/viewer"}},
         "@cloudservices.gserviceaccount.com: Google Compute Engine: Required 'compute.subnetworks.use'"),
        ({"type": "gcp:projects/iAMMember*", "resource": "*", "set": {"role": "roles/viewer"}},
         "lacks roles/container.hostServiceAgentUser"),
    ],
)  # fmt: skip
def test_a_host_project_that_has_not_let_googles_agents_in_has_no_cluster(thing: dict[str, Any], words: str) -> None:
    with pytest.raises(CloudApiError, match=words):
        cluster(shared(thing))


def store(project: GcpProject, token: str, **inputs: Any) -> None:
    kinds: dict[str, dict[str, Any]] = {
        LUSTRE: {"instanceId": "fs", "filesystem": "fs", "network": NETWORK, "capacityGib": "18000",
                 "perUnitStorageThroughput": "500"},
        FILESTORE: {"tier": "ZONAL", "fileShares": {"name": "s", "capacityGb": 1024}},
    }  # fmt: skip
    project.make(token, "fs", location=ZONE, **kinds[token], **inputs)


def by(mode: str) -> dict[str, Any]:
    return {"networks": [{"network": NETWORK, "modes": ["MODE_IPV4"], "connectMode": mode}]}


def test_a_service_project_has_filestore_by_private_service_access_alone() -> None:
    store(shared(), FILESTORE, **by("PRIVATE_SERVICE_ACCESS"))
    with pytest.raises(CloudApiError, match="network project is: host-project, mismatch with instance project"):
        store(shared(), FILESTORE, **by("DIRECT_PEERING"))


@pytest.mark.parametrize(("token", "inputs"), [(LUSTRE, {}), (FILESTORE, by("PRIVATE_SERVICE_ACCESS"))])
def test_a_network_without_private_service_access_has_no_file_system(token: str, inputs: dict[str, Any]) -> None:
    store(shared(), token, **inputs)
    with pytest.raises(CloudApiError, match="has no private services connection"):
        store(shared({"type": "*:Network", "resource": "*", "set": {"peerings": []}}), token, **inputs)


def test_an_address_inside_wants_ranges_that_it_answers() -> None:
    private = {"privateClusterConfig": {"enablePrivateNodes": True, "enablePrivateEndpoint": True}}
    with pytest.raises(
        CloudApiError, match="Master authorized networks must be enabled if private endpoint is enabled"
    ):
        shared().make(CLUSTER, "tiny", **cluster_inputs(NETWORK, SUBNET, **private))
    outside = {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]}}
    with pytest.raises(CloudApiError, match="is not a reserved network"):
        shared().make(CLUSTER, "tiny", **cluster_inputs(NETWORK, SUBNET, **private, **outside))
    ranges = {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "10.0.0.0/8"}]}}
    made = shared().make(CLUSTER, "tiny", **cluster_inputs(NETWORK, SUBNET, **private, **ranges))
    assert made.outputs["privateClusterConfig"]["privateEndpoint"] == made.outputs["endpoint"] == "10.0.0.2"


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    with environment(tmp_path, {}, shared().cloud, preview=False) as env:
        yield Asked(shared(), env)


def test_the_network_answers_as_it_stands(asked: Asked) -> None:
    assert asked("GET", "compute", f"projects/{PROJECT}/getXpnHost")[1] == {"name": "host-project"}
    _, subnet = asked("GET", "compute", SUBNET)
    assert [one["rangeName"] for one in subnet["secondaryIpRanges"]] == ["pods", "svc"]
    assert asked("GET", "compute", f"{SUBNET}-two")[0] == 404
    _, rights = asked("GET", "compute", f"{SUBNET}/getIamPolicy")
    assert {one["role"] for one in rights["bindings"]} == {"roles/compute.networkUser"}
    _, whole = asked("POST", "resource_manager", "projects/host-project:getIamPolicy", json={})
    assert [one["role"] for one in whole["bindings"]] == ["roles/container.hostServiceAgentUser"]
    _, routers = asked("GET", "compute", f"projects/host-project/regions/{REGION}/routers")
    assert [(one["network"], len(one["nats"])) for one in routers["items"]] == [(NETWORK, 1)]


def test_nothing_stands_where_a_stack_makes_its_network() -> None:
    kinds = {one.token for one in RULES.standing({"gcp:project": PROJECT})}
    assert kinds == {"gcp:projects/service:Service", POLICY}


def under(constraint: str, **set_: Any) -> GcpProject:
    return GcpProject(standing=True, existing=[{"type": POLICY, "resource": f"*/{constraint}", "set": set_}])


@pytest.mark.parametrize(
    ("project", "words"),
    [
        (
            under("compute.requireShieldedVm", enforced=True),
            "Secure Boot is not enabled in the 'shielded_instance_config'",
        ),
        (under("gcp.restrictNonCmekServices", denied=["container.googleapis.com"]), "restrictNonCmekServices violated"),
    ],
)
def test_a_policy_stops_what_it_forbids_and_nothing_else(project: GcpProject, words: str) -> None:
    with pytest.raises(CloudApiError, match=words):
        project.cluster()
    under("iam.disableServiceAccountCreation", enforced=True).cluster()


def test_secure_boot_is_what_a_policy_asks_for() -> None:
    under("compute.requireShieldedVm", enforced=True).cluster(nodeConfig=SECURE)


def test_accounts_and_peerings_are_forbidden_by_their_own_policies() -> None:
    with pytest.raises(CloudApiError, match="disableServiceAccountCreation violated"):
        under("iam.disableServiceAccountCreation", enforced=True).make(ACCOUNT, "nodes", accountId="nodes-of-tiny")
    project = under("compute.restrictVpcPeering", denied=["*"])
    network = project.network()
    inputs = {"network": network.id, "service": "servicenetworking.googleapis.com", "reservedPeeringRanges": []}
    with pytest.raises(CloudApiError, match="restrictVpcPeering violated"):
        project.cloud.create(CONNECTION, "peers", inputs, region=REGION)


@pytest.mark.parametrize(
    ("set_", "told"),
    [
        ({"denied": []}, {"allValues": "ALLOW"}),
        ({"denied": ["*"]}, {"allValues": "DENY"}),
        ({"allowed": ["604800"]}, {"allowedValues": ["604800"], "deniedValues": []}),
    ],
)
def test_a_policy_is_told_as_resource_manager_tells_it(set_: dict[str, Any], told: Any, tmp_path: Path) -> None:
    project = under("storage.softDeletePolicySeconds", **set_)
    with environment(tmp_path, {}, project.cloud, preview=False) as env:
        body = {"constraint": "constraints/storage.softDeletePolicySeconds"}
        ask = Asked(project, env)
        _, answer = ask("POST", "resource_manager", f"projects/{PROJECT}:getEffectiveOrgPolicy", json=body)
    assert answer["listPolicy"] == told


def test_a_script_may_have_any_of_it_otherwise() -> None:
    (subnet,) = [one for one in shared().cloud.standing if one.token.endswith(":Subnetwork")]
    assert isinstance(subnet, StandingThing)
    assert subnet.inputs["privateIpGoogleAccess"] is True
    (other,) = [
        one for one in shared({"type": "*:Subnetwork", "resource": "*", "set": {"privateIpGoogleAccess": False}})
        .cloud.standing if one.token.endswith(":Subnetwork")
    ]  # fmt: skip
    assert other.inputs["privateIpGoogleAccess"] is False
