"""Changes to the volume of a stack that is up, told before `up` waits for what never comes."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.kubernetes.api import KubernetesApi
from components.spec.stack import parse_stack
from providers import clouds
from providers.existing.plan import ExistingPlan
from providers.existing.volume_changes import volume_changes
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from stacks.plan import plan_stack
from tests.clock import NOW

NFS = {"nfs": {"server": "files.example.org", "path": "/export"}}


@pytest.fixture
def api() -> Iterator[KubernetesApi]:
    """A cluster with classes of both kinds, and the claim of a stack that is up only where a test makes it."""
    simulated = SimulatedKubernetes()
    with simulated.serving(), KubernetesApi(simulated.access) as found:
        found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "penstock"}})
        for name, grows in (("grows", True), ("fixed", False)):
            own = {"provisioner": "x", "allowVolumeExpansion": grows, "volumeBindingMode": "WaitForFirstConsumer"}
            found.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, **own})
        yield found


def up(api: KubernetesApi, gib: int = 1, storage_class: str = "", source: Mapping[str, Any] | None = None) -> None:
    """The claim as `up` has made it."""
    given = {"accessModes": ["ReadWriteMany"], "storageClassName": storage_class}
    if source:
        spec = {"capacity": {"storage": f"{gib}Gi"}, "accessModes": ["ReadWriteMany"], **source}
        metadata = {"name": "penstock-penstock-volume"}
        api.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec})
        given["volumeName"] = "penstock-penstock-volume"
    spec = {**given, "resources": {"requests": {"storage": f"{gib}Gi"}}}
    metadata = {"name": "penstock-volume", "namespace": "penstock"}
    api.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})


def changes(api: KubernetesApi, **volume: Any) -> list[str]:
    own = {"machines": {"box": {"cores": 8, "memoryGib": 32}}, "version": "1.36", "kubeconfig": "nowhere"}
    config = {
        "penstock:cluster": {"cloud": "existing", "nodePools": [{"name": "cpu", "machineType": "box"}]},
        "penstock:existing": {**own, **({"volume": volume} if volume else {})},
    }
    plan = plan_stack(parse_stack(config, "x", clouds()), "mine", NOW).cluster
    assert isinstance(plan, ExistingPlan)
    return [str(problem) for problem in volume_changes(plan, api)]


def test_a_stack_that_is_not_up_has_what_it_asks(api: KubernetesApi) -> None:
    assert changes(api, **NFS) == []
    assert changes(api, storageClass="fixed", sizeGib=4) == []


def test_a_volume_that_lies_elsewhere_is_refused(api: KubernetesApi) -> None:
    up(api, source=NFS)
    assert changes(api, **NFS) == []
    assert changes(api, **NFS, mountPath="/elsewhere") == []
    assert changes(api) == []
    for other in (
        {"nfs": {"server": "files.example.org", "path": "/another"}},
        {"hostPath": "/export"},
        {"storageClass": "grows", "sizeGib": 4},
    ):
        (told,) = changes(api, **other)
        assert told.startswith("existing.volume: is not what the running stack has (nfs files.example.org:/export)")
        assert "set it back" in told


def test_a_claim_of_a_class_grows_where_that_lets_it(api: KubernetesApi) -> None:
    up(api, 4, "grows")
    assert changes(api, storageClass="grows", sizeGib=4) == []
    assert changes(api, storageClass="grows", sizeGib=8) == []
    (told,) = changes(api, storageClass="grows", sizeGib=2)
    assert told.startswith("existing.volume.sizeGib: 2, but the running stack's claim has 4, and none shrinks; give 4")
    (told,) = changes(api, storageClass="fixed", sizeGib=4)
    assert "(storage class grows)" in told
    (told,) = changes(api, **NFS)
    assert "(storage class grows)" in told


def test_a_claim_of_a_class_that_lets_none_grow_is_refused(api: KubernetesApi) -> None:
    up(api, 4, "fixed")
    (told,) = changes(api, storageClass="fixed", sizeGib=8)
    assert "the class 'fixed' lets none grow (allowVolumeExpansion); give 4" in told
