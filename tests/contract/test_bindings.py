"""A pool's binding on every pod that is made for the pool: no builder forgets a field of it."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings

from components.plan.cluster import HostPath, PodBinding
from components.pods.bind import NETWORKS
from tests.contract.binding_cases import BINDINGS, BUILDERS, LEFT_OUT, BoundPod, pool_with
from tests.definitions import judge

Body = dict[str, Any]


def _limits(pod: BoundPod) -> Body:
    resources: Body = pod.main["resources"]
    assert resources["limits"].items() <= resources["requests"].items()
    found: Body = resources["limits"]
    return found


def _tolerated(binding: PodBinding, pod: BoundPod) -> bool:
    rows = pod.template["spec"]["tolerations"]
    return {"operator": "Exists"} in rows or all(
        {"key": one.key, "operator": "Equal", "value": one.value, "effect": one.effect.value} in rows
        for one in binding.tolerations
    )


def _source(pod: BoundPod, container: Body, path: str) -> tuple[Body, bool]:
    """Source of the volume that the container has at the path, and whether it may only read there."""
    (mount,) = [one for one in container["volumeMounts"] if one["mountPath"] == path]
    (volume,) = [one for one in pod.template["spec"]["volumes"] if one["name"] == mount["name"]]
    return {key: value for key, value in volume.items() if key != "name"}, mount.get("readOnly", False)


def _has_host_path(pod: BoundPod, container: Body, one: HostPath) -> bool:
    kind = {"type": one.kind} if one.kind else {}
    return _source(pod, container, one.mount_path) == ({"hostPath": {"path": one.path, **kind}}, one.read_only)


def _has_rights(container: Body, capabilities: tuple[str, ...], *, privileged: bool) -> bool:
    security = container.get("securityContext", {})
    may_escalate = security.get("allowPrivilegeEscalation", True)
    added = security.get("capabilities", {}).get("add", [])
    return (
        set(capabilities) <= set(added)
        and security.get("privileged", False) is privileged
        and (may_escalate or not privileged)
    )


def _sidecars(binding: PodBinding, pod: BoundPod) -> bool:
    made = {one["name"]: one for one in pod.template["spec"]["initContainers"]}
    for one in binding.sidecars:
        found = made[one.name]
        assert (found["image"], found["restartPolicy"]) == (one.image, "Always")
        assert found.get("command", []) == list(one.command)
        assert {row["name"]: row["value"] for row in found["env"]} == one.env
        assert all(_has_host_path(pod, found, path) for path in one.host_paths)
        for path in one.shared_paths:
            assert _source(pod, found, path) == _source(pod, pod.main, path) == ({"emptyDir": {}}, False)
        assert _has_rights(found, one.capabilities, privileged=one.privileged)
    return True


def _claims(binding: PodBinding, pod: BoundPod) -> bool:
    wanted = [{"name": one.name, "resourceClaimTemplateName": one.template} for one in binding.resource_claims]
    named = [{"name": one.name} for one in binding.resource_claims]
    return bool(pod.template["spec"]["resourceClaims"] == wanted and pod.main["resources"]["claims"] == named)


SHOWN: Mapping[str, Callable[[PodBinding, BoundPod], bool]] = {
    "devices": lambda binding, pod: {key: str(n) for key, n in binding.devices.items()}.items() <= _limits(pod).items(),
    "huge_pages_mib": lambda binding, pod: _limits(pod).get("hugepages-2Mi") == f"{binding.huge_pages_mib}Mi",
    "env": lambda binding, pod: (
        binding.env.items() <= {row["name"]: row.get("value") for row in pod.main["env"]}.items()
    ),
    "mounts": lambda binding, pod: all(
        _source(pod, pod.main, one.path) == ({"persistentVolumeClaim": {"claimName": one.volume}}, False)
        for one in binding.mounts
    ),
    "node_selector": lambda binding, pod: binding.node_selector.items() <= pod.template["spec"]["nodeSelector"].items(),
    "tolerations": _tolerated,
    "topology_keys": lambda _binding, _pod: True,  # for schedulers, in objects of their own
    "annotations": lambda binding, pod: binding.annotations.items() <= pod.template["metadata"]["annotations"].items(),
    "labels": lambda binding, pod: binding.labels.items() <= pod.template["metadata"]["labels"].items(),
    "host_paths": lambda binding, pod: all(_has_host_path(pod, pod.main, one) for one in binding.host_paths),
    "sidecars": _sidecars,
    "resource_claims": _claims,
    "capabilities": lambda binding, pod: _has_rights(pod.main, binding.capabilities, privileged=binding.privileged),
    "privileged": lambda binding, pod: _has_rights(pod.main, (), privileged=binding.privileged),
    "host_network": lambda binding, pod: (
        (pod.template["spec"].get("hostNetwork", False), pod.template["spec"].get("dnsPolicy"))
        == ((True, "ClusterFirstWithHostNet") if binding.host_network else (False, None))
    ),
    "image_pull_secrets": lambda binding, pod: (
        pod.template["spec"]["imagePullSecrets"] == [{"name": name} for name in binding.image_pull_secrets]
    ),
    "service_account": lambda binding, pod: pod.template["spec"]["serviceAccountName"] == binding.service_account,
}


def test_every_field_of_a_binding_is_looked_for() -> None:
    names = {one.name for one in fields(PodBinding)}
    assert set(SHOWN) == names, "a field of PodBinding that no pod is asked for, or one that is gone"
    assert frozenset[str]().union(*LEFT_OUT.values()) <= names


@pytest.mark.parametrize("builder", BUILDERS)
@settings(max_examples=20, deadline=None)
@given(binding=BINDINGS)
def test_every_pod_has_every_field_of_its_binding(builder: str, binding: PodBinding) -> None:
    pods = list(BUILDERS[builder](pool_with(binding)))
    assert pods
    for pod in pods:
        judge(pod.manifest)
        for name, shown in SHOWN.items():
            if name not in LEFT_OUT.get(builder, ()):
                assert shown(binding, pod), f"{builder}: the binding's {name} is not on the pod"


@pytest.mark.parametrize("builder", sorted(LEFT_OUT))
@settings(max_examples=5, deadline=None)
@given(binding=BINDINGS)
def test_a_share_lacks_what_it_is_said_to_leave_out(builder: str, binding: PodBinding) -> None:
    for pod in BUILDERS[builder](pool_with(binding)):
        spec, limits = pod.template["spec"], pod.main["resources"]["limits"]
        gone = {
            "devices": not binding.devices.keys() & limits.keys(),
            "huge_pages_mib": "hugepages-2Mi" not in limits,
            "env": not binding.env.keys() & {row["name"] for row in pod.main["env"]},
            "mounts": not {one.path for one in binding.mounts} & {one["mountPath"] for one in pod.main["volumeMounts"]},
            "node_selector": "nodeSelector" not in spec,
            "resource_claims": "resourceClaims" not in spec,
            "sidecars": "initContainers" not in spec,
        }
        assert {name for name, absent in gone.items() if absent} == LEFT_OUT[builder]


@pytest.mark.parametrize("builder", sorted(BUILDERS))
def test_a_pod_without_the_pools_devices_is_attached_to_no_network_of_theirs(builder: str) -> None:
    binding = PodBinding(devices={"rdma/vf": 8}, annotations={NETWORKS: "roce-0", "other": "1"})
    for pod in BUILDERS[builder](pool_with(binding)):
        wanted = "rdma/vf" in pod.main["resources"]["limits"]
        assert (NETWORKS in pod.template["metadata"]["annotations"]) is wanted
        assert pod.template["metadata"]["annotations"]["other"] == "1"


def test_a_capability_takes_none_from_a_container_that_has_all_of_its_image() -> None:
    (slurmd,) = [pod.main for pod in BUILDERS["slurm"](pool_with(PodBinding(capabilities=("SYS_NICE",))))]
    assert slurmd["securityContext"] == {"capabilities": {"add": ["SYS_NICE"]}}
