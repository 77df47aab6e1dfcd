"""Google's APIs as programs ask them themselves: out of the account, and changing it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rehearsal.cloud.account import Status
from rehearsal.providers.gcp.container_engine import stored_images
from rehearsal.providers.gcp.endpoint import environment
from rehearsal.providers.gcp.names import SERVICE
from tests.unit.rehearsal.providers.gcp.project import POOL, PROJECT, REGION, ZONE, GcpProject

PLACE = f"projects/{PROJECT}/locations/{REGION}"
TRAIN = f"{PLACE}/clusters/tiny/nodePools/train"
REPOSITORY = f"{PLACE}/repositories/tiny"


class Asked:
    """The endpoint of a project, as the environment of a rehearsal names it."""

    def __init__(self, project: GcpProject, env: Any) -> None:
        self.project, self._env = project, env

    def __call__(self, method: str, service: str, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
        answer = httpx.request(method, self._env[f"GOOGLE_{service.upper()}_CUSTOM_ENDPOINT"] + path, **sent)
        return answer.status_code, answer.json()


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    project = GcpProject(standing=True)
    with environment(tmp_path, {}, project.cloud, preview=False) as env:
        yield Asked(project, env)


def test_nobodys_credentials_are_at_hand_in_a_preview(tmp_path: Path) -> None:
    with environment(tmp_path, {}, GcpProject().cloud, preview=True) as env:
        assert not env["GOOGLE_OAUTH_ACCESS_TOKEN"]
        assert not [name for name in env if name.endswith("_CUSTOM_ENDPOINT")]


def test_an_api_that_was_switched_on_answers_those_who_wait(asked: Asked) -> None:
    account = asked.project.cloud.account
    thing = account.stood(SERVICE, f"{PROJECT}/compute.googleapis.com")
    assert thing
    thing.inputs["state"] = "DISABLED"
    asked.project.cloud.create(
        SERVICE, "compute", {"project": PROJECT, "service": "compute.googleapis.com"}, region=REGION
    )
    status, told = asked("GET", "compute", f"projects/{PROJECT}/regions")
    assert (status, told["error"]["details"][0]["reason"]) == (403, "SERVICE_DISABLED")
    answers = [asked("GET", "compute", f"projects/{PROJECT}/regions")[0] for _ in range(4)]
    assert answers[-1] == 200
    names = {"names": f"projects/{PROJECT}/services/compute.googleapis.com"}
    _, told = asked("GET", "service_usage", f"projects/{PROJECT}/services:batchGet", params=names)
    assert told["services"][0]["state"] == "ENABLED"


def test_what_a_zone_has_not_is_not_found(asked: Asked) -> None:
    assert asked("GET", "compute", f"projects/{PROJECT}/zones/{ZONE}/machineTypes/g2-standard-4")[0] == 200
    assert asked("GET", "compute", f"projects/{PROJECT}/zones/{ZONE}/machineTypes/g2-standard-5")[0] == 404
    assert asked("GET", "compute", f"projects/{PROJECT}/everything")[0] == 404


def test_a_pool_takes_another_size_and_range(asked: Asked) -> None:
    asked.project.cluster()
    pool = asked.project.pool()
    status, done = asked("POST", "container", f"{TRAIN}:setSize", json={"nodeCount": 0})
    assert status == 200
    assert asked("GET", "container", f"{PLACE}/operations/{done['name']}")[1] == {"status": "DONE"}
    manager = pool.outputs["instanceGroupUrls"][0].partition("/v1/")[2]
    assert asked("GET", "compute", manager)[1]["targetSize"] == 0
    asked("POST", "container", f"{TRAIN}:setAutoscaling", json={"autoscaling": {"enabled": True, "maxNodeCount": 4}})
    assert (pool.inputs["nodeCount"], pool.inputs["autoscaling"]["maxNodeCount"], pool.resized) == (0, 4, True)


def test_a_slice_takes_no_other_size(asked: Asked) -> None:
    asked.project.cluster()
    config = {"machineType": "ct6e-standard-4t", "spot": None, "diskType": "hyperdisk-balanced"}
    asked.project.pool(config=config, nodeCount=4, placementPolicy={"tpuTopology": "4x4"})
    status, told = asked("POST", "container", f"{TRAIN}:setSize", json={"nodeCount": 2})
    assert (status, told["error"]["message"]) == (400, "a TPU slice cannot be resized")


def test_a_pool_that_lacks_machines_says_why(tmp_path: Path) -> None:
    project = GcpProject(capacity=[{"machineType": "g2-standard-48", "times": "always"}])
    project.cluster()
    pool = project.pool(nodeCount=0)
    with environment(tmp_path, {}, project.cloud, preview=False) as env:
        asked = Asked(project, env)
        asked("POST", "container", f"{TRAIN}:setSize", json={"nodeCount": 2})
        _, told = asked("GET", "container", TRAIN)
    assert pool.missing == 2
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in told["conditions"][0]["message"]


def test_what_gke_left_is_found_and_goes(asked: Asked) -> None:
    balancer = asked.project.cloud.make_load_balancer(asked.project.cluster())
    _, told = asked("GET", "compute", f"projects/{PROJECT}/aggregated/forwardingRules")
    (found,) = told["items"]["global"]["forwardingRules"]
    assert found["network"].endswith("/networks/net")
    assert asked("DELETE", "compute", f"projects/p/global/forwardingRules/{balancer.id}")[0] == 200
    assert balancer not in asked.project.cloud.account.objects()


def test_images_lie_where_there_is_a_repository(asked: Asked) -> None:
    image = f"{REGION}-docker.pkg.dev/{PROJECT}/tiny/train:1"
    push = {"image": image, "built": ["amd64"]}
    assert asked("POST", "artifact_registry", "push", json=push)[0] == 403
    made = asked("POST", "artifact_registry", f"{PLACE}/repositories", params={"repositoryId": "tiny"}, json={})
    assert made[0] == 200
    assert asked("GET", "artifact_registry", REPOSITORY)[0] == 200
    assert asked("GET", "artifact_registry", f"{REPOSITORY}/packages/train/tags/1")[0] == 404
    assert asked("POST", "artifact_registry", "push", json=push)[0] == 200
    _, tag = asked("GET", "artifact_registry", f"{REPOSITORY}/packages/train/tags/1")
    digest = tag["version"].rpartition("/")[2]
    assert asked("GET", "artifact_registry", f"{REPOSITORY}/dockerImages/train@{digest}")[0] == 200
    (stored,) = stored_images(asked.project.cloud.account.store)
    assert stored == (f"{REGION}-docker.pkg.dev/{PROJECT}/tiny/train", "1", digest, ("amd64",))


def test_a_network_of_pods_is_ready_where_all_of_it_is_there() -> None:
    from rehearsal.providers.gcp.brought import why_not_ready

    project = GcpProject()
    project.cluster()
    vpc = project.network("gvnic", mtu=8896)
    project.subnetwork(vpc, "gvnic-1")
    body = {"spec": {"type": "Device", "parametersRef": {"name": "gvnic-1"}}}
    parameters = {"spec": {"vpc": "gvnic", "vpcSubnet": "gvnic-1", "deviceMode": "NetDevice"}}
    account = project.cloud.account
    assert why_not_ready(account, body, None) == "there is no GKENetworkParamSet gvnic-1"
    assert "no node has an interface" in why_not_ready(account, body, parameters)
    other = {"spec": {**parameters["spec"], "vpcSubnet": "nodes"}}
    assert "has no subnet nodes" in why_not_ready(account, body, other)
    rdma = {"spec": {**parameters["spec"], "deviceMode": "RDMA"}}
    assert "deviceMode RDMA is not that of the VPC" in why_not_ready(account, body, rdma)
    network = {"network": vpc.id, "subnetwork": f"projects/{PROJECT}/regions/{REGION}/subnetworks/gvnic-1"}
    (system,) = [project.pool("tpu", config={"machineType": "ct6e-standard-1t"}, nodeCount=1,
                              networkConfig={"additionalNodeNetworkConfigs": [network]})]  # fmt: skip
    assert (system.token, system.status) == (POOL, Status.ACTIVE)
    assert why_not_ready(account, body, parameters) == ""
