"""Requests to Google's APIs: what their own descriptions forbid."""

from typing import Any

import pytest

from engine.provider.values import Unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.store import Store
from rehearsal.providers.gcp.oracles import DiscoveryOracle

ORACLE = DiscoveryOracle(Store())
POOLS = "projects.locations.clusters.nodePools.create"
CLUSTER = "projects/p/locations/us-central1/clusters/c"
LUSTRE = {"parent": "projects/p/locations/us-central1-a", "instanceId": "fast"}


def pool(**config: Any) -> dict[str, Any]:
    return {"parent": CLUSTER, "body": {"nodePool": {"name": "train", "config": config}}}


@pytest.mark.parametrize(
    ("service", "operation", "request_", "message"),
    [
        (
            "compute",
            "networks.insert",
            {"project": "my-p", "body": {"name": "Net"}},
            "name: 'Net' does not have the form",
        ),
        ("compute", "networks.insert", {"body": {"name": "net"}}, "project is required and missing"),
        ("compute", "networks.insert", {"project": "my-p", "body": {"mtu": 8896}}, "name is required and missing"),
        (
            "compute",
            "networks.insert",
            {"project": "my-p", "body": {"name": "net", "mtu": "big"}},
            "mtu: 'big' is not an",
        ),
        (
            "compute",
            "networks.insert",
            {"project": "my-p", "body": {"name": "net", "selfLink": "x"}},
            "selfLink is the service's own to fill in",
        ),
        ("compute", "networks.make", {"project": "my-p"}, "the API compute has no method networks.make"),
        ("container", POOLS, pool(taints=[{"effect": "NoSchedule"}]), "taints[0].effect: 'NoSchedule' is not one of"),
        ("container", POOLS, pool(machine="g2"), "nodePool.config.machine is unknown"),
        ("container", POOLS, pool(diskSizeGb=True), "nodePool.config.diskSizeGb: True is not an integer"),
        ("container", POOLS, {"parent": "c", "body": {"nodePool": {}}}, "parent: 'c' does not have the form"),
        ("container", POOLS, {"parent": CLUSTER, "body": {}}, "nodePool is required and missing"),
        (
            "container",
            POOLS,
            pool(accelerators=[{"gpuDriverInstallationConfig": {"gpuDriverVersion": "NEWEST"}}]),
            "gpuDriverVersion: 'NEWEST' is not one of",
        ),
        ("lustre", "projects.locations.instances.create", {**LUSTRE, "body": {"capacity": 1}}, "capacity is unknown"),
        (
            "lustre",
            "projects.locations.instances.create",
            {**LUSTRE, "body": {"capacityGib": "many"}},
            "capacityGib: 'many' is not a whole number",
        ),
    ],
)
def test_what_a_description_forbids_is_refused(
    service: str, operation: str, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(CloudApiError) as caught:
        ORACLE.check(service, operation, request_)
    assert message in str(caught.value)


def test_numbers_of_64_bits_and_what_a_preview_does_not_know_pass() -> None:
    accelerators = [{"acceleratorCount": 4, "acceleratorType": Unknown()}]
    sent = ORACLE.check("container", POOLS, pool(accelerators=accelerators, labels=Unknown(), spot=None))
    assert "spot" not in sent["body"]["nodePool"]["config"]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(CloudApiError) as caught:
        ORACLE.check("container", POOLS, pool(machine="g2", diskSizeGb="x"))
    assert "machine is unknown" in str(caught.value)
    assert "diskSizeGb: 'x' is not an integer" in str(caught.value)
