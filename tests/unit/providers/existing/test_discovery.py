"""Facts that a cluster shows of itself, from lists as an API server gives them."""

from typing import Any

import pytest

from components.errors import SpecError
from components.fabric import Collective, Fabric
from components.kubernetes.inventory import inventory
from components.kubernetes.quantities import quantity
from components.labels import QUARANTINE
from components.plan.kubernetes import AddonPlan, Concern, Owner, PlatformPlan
from components.spec.inference import InferenceSpec
from components.spec.stack import StackSpec, parse_stack
from components.spec.training import TrainingSpec
from providers import clouds, existing
from providers.existing.preflight import namespace_problems
from providers.existing.refusals import number
from providers.existing.seen import DiscoveredSpec, Discovery, Listing, seen_in
from providers.existing.settings import MachineSpec, SharedVolumeSpec
from stacks.plan import plan_stack
from tests.clock import NOW

GPUS = {"nvidia.com/gpu": "8", "rdma/hca_a": "1"}


def node(
    name: str, *, taints: tuple[dict[str, str], ...] = (), offered: dict[str, str] | None = None
) -> dict[str, Any]:
    capacity = {"cpu": "112", "memory": "2113929216Ki", "ephemeral-storage": "1Ti", **GPUS} | (offered or {})
    labels = {
        "node.kubernetes.io/instance-type": "h100-8",
        "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
        "network.topology.nvidia.com/leaf": "leaf-1",
    }
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": list(taints)},
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def deployment(name: str, image: str) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "main", "image": image}]}}
    return {"kind": "Deployment", "metadata": {"name": name, "namespace": "infra"}, "spec": {"template": template}}


def definition(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def listing(*nodes: dict[str, Any], **more: Any) -> Listing:
    return Listing(
        version={"gitVersion": "v1.34.2+vendor"}, kube_system={"metadata": {"uid": "uid-of-it"}}, nodes=nodes, **more
    )


def asked(seen: Discovery | None, **cluster: Any) -> StackSpec:
    pool = {"name": "train", "machineType": "h100-8", "count": 2} | cluster
    config = {"penstock:cluster": {"cloud": "existing", "nodePools": [pool]}}
    spec = parse_stack(config, "x", clouds())
    looked = DiscoveredSpec.model_construct(**dict(spec.settings or {}), seen=seen, unseen="" if seen else "it is away")
    return StackSpec.model_construct(**{**dict(spec), "settings": looked})


def messages(spec: StackSpec) -> list[str]:
    with pytest.raises(SpecError) as refused:
        existing.plan(spec, "mine", NOW)
    return [str(problem) for problem in refused.value.problems]


def test_a_pool_is_planned_as_its_nodes_are() -> None:
    taint = {"key": "team", "value": "ml", "effect": "NoSchedule"}
    plan = existing.plan(asked(seen_in(listing(node("a", taints=(taint,)), node("b", taints=(taint,))))), "mine", NOW)
    (pool,) = plan.node_pools
    assert pool.machine.accelerator is not None
    assert (pool.machine.accelerator.name, pool.machine.accelerator_count, pool.machine.cores) == ("h100", 8, 112)
    assert (pool.fabric, pool.binding.devices) == (Fabric.RDMA, {"nvidia.com/gpu": 8, "rdma/hca_a": 1})
    assert pool.binding.node_selector == {"node.kubernetes.io/instance-type": "h100-8"}
    assert [taint.key for taint in pool.binding.tolerations] == ["team"]
    assert pool.binding.topology_keys == ("network.topology.nvidia.com/leaf",)
    assert plan.kubernetes is not None
    assert plan.kubernetes.version == "1.34"


def test_a_node_that_lacks_a_device_does_not_lower_what_is_expected() -> None:
    plan = existing.plan(asked(seen_in(listing(node("a", offered={"nvidia.com/gpu": "7"}), node("b")))), "mine", NOW)
    assert plan.node_pools[0].binding.devices["nvidia.com/gpu"] == 8


def test_marks_of_the_gate_and_of_kubernetes_are_no_taints_of_a_pool() -> None:
    marks = tuple({"key": key, "value": "", "effect": "NoSchedule"} for key in (QUARANTINE, "node.kubernetes.io/x"))
    seen = seen_in(listing(node("a", taints=marks)))
    assert seen.nodes[0].taints == ()
    assert not seen.nodes[0].usable


def test_more_nodes_than_there_are_is_refused() -> None:
    (message,) = messages(asked(seen_in(listing(node("a")))))
    assert message.startswith("cluster.nodePools.train.count: 2 nodes, but 1 of the cluster's")


def test_a_gang_without_fabric_devices_needs_a_reason() -> None:
    bare = [node(name, offered={"rdma/hca_a": "0"}) for name in "ab"]
    (message,) = messages(asked(seen_in(listing(*bare))))
    assert message.startswith("cluster.nodePools.train.fabric: 2 nodes of h100-8 offer no fabric device")
    plan = existing.plan(asked(seen_in(listing(*bare)), fabric={"none": "only for trying out"}), "mine", NOW)
    assert plan.node_pools[0].fabric is Fabric.ETHERNET


def test_an_unknown_machine_type_lists_what_there_is() -> None:
    (message,) = messages(asked(seen_in(listing(node("a"), node("b"))), machineType="h100-9"))
    assert "its nodes: 2 x h100-8" in message
    assert "did you mean 'h100-8'?" in message


def test_an_unseen_cluster_that_is_not_described_is_refused_with_the_reason() -> None:
    version, machine = sorted(messages(asked(None)), reverse=True)
    assert version.startswith("existing.version: is missing")
    assert machine.startswith("cluster.nodePools.train.machineType: 'h100-8' is not described: it is away")


def test_software_of_others_is_left_to_them() -> None:
    seen = seen_in(
        listing(
            node("a"),
            workloads=[deployment("operator", "registry.local/mirror/prometheus-operator:v0.93.1")],
            definitions=[definition("clusterqueues.kueue.x-k8s.io")],
        )
    )
    assert seen.owners[Concern.PROMETHEUS_OPERATOR].owner is Owner.OTHERS
    assert seen.owners[Concern.PROMETHEUS_OPERATOR].reason == "Deployment infra/operator runs"
    assert Concern.QUEUES in seen.owners
    assert seen.owners[Concern.DEVICE_PLUGIN].reason == "nodes offer nvidia.com/gpu"
    assert Concern.CERTIFICATES not in seen.owners


def test_what_penstock_has_installed_is_not_others() -> None:
    addon = AddonPlan(name="kueue", namespace="x", release=None, does=(Concern.QUEUES,), reason="")
    note = inventory("mine", PlatformPlan(addons=(addon,), owners={}, decisions=()))
    definitions = [definition("clusterqueues.kueue.x-k8s.io")]
    assert Concern.QUEUES in seen_in(listing(node("a"), definitions=definitions)).owners
    assert Concern.QUEUES not in seen_in(listing(node("a"), definitions=definitions, inventory=note)).owners


def test_a_namespace_of_somebody_else_is_not_taken() -> None:
    own = {"app.kubernetes.io/managed-by": "penstock"}
    assert not list(namespace_problems(None, "mine"))
    assert not list(namespace_problems({"metadata": {"labels": own}}, "mine"))
    assert "did not make" in str(next(iter(namespace_problems({"metadata": {}}, "mine"))))
    other = own | {"penstock.dev/stack": "other"}
    assert "stack 'other' is already deployed to this cluster" in str(
        next(iter(namespace_problems({"metadata": {"labels": other}}, "mine")))
    )


@pytest.mark.parametrize(
    ("text", "amount"), [("96", 96.0), ("500m", 0.5), ("2Ti", 2.0**41), ("1e3", 1000.0), ("2k", 2000.0)]
)
def test_amounts(text: str, amount: float) -> None:
    assert quantity(text) == amount


def test_versions_of_vendors() -> None:
    assert number("1.29+") == (1, 29)


def rack_node(name: str, clique: str, block: str, **labels: str) -> dict[str, Any]:
    found = node(name, offered={"nvidia.com/gpu": "4"})
    found["metadata"]["labels"] |= {
        "nvidia.com/gpu.product": "NVIDIA-GB200",
        "nvidia.com/gpu.clique": clique,
        "network.topology.nvidia.com/leaf": block,
        "topology.kubernetes.io/zone": "z",
        **labels,
    }
    return found


def test_nodes_that_tell_their_nvlink_domain_are_placed_by_it() -> None:
    spec = asked(seen_in(listing(rack_node("a", "0.1", "l"), rack_node("b", "0.2", "l"))))
    (pool,) = existing.plan(spec, "s", NOW).node_pools
    assert pool.binding.topology_keys == (
        "topology.kubernetes.io/zone", "network.topology.nvidia.com/leaf", "nvidia.com/gpu.clique",
    )  # fmt: skip
    assert pool.machine.compute_domain


def test_a_level_that_cuts_an_nvlink_domain_is_none() -> None:
    spec = asked(seen_in(listing(rack_node("a", "0.1", "l1"), rack_node("b", "0.1", "l2"))))
    (pool,) = existing.plan(spec, "s", NOW).node_pools
    assert pool.binding.topology_keys == ("topology.kubernetes.io/zone", "nvidia.com/gpu.clique")


def test_a_label_that_says_nothing_is_no_level() -> None:
    spec = asked(seen_in(listing(*(rack_node(name, "no-imds-data", "l") for name in "ab"))))
    (pool,) = existing.plan(spec, "s", NOW).node_pools
    assert "nvidia.com/gpu.clique" not in pool.binding.topology_keys
    assert not pool.machine.compute_domain


def test_levels_that_not_all_nodes_carry_are_refused() -> None:
    bare = rack_node("b", "0.1", "l")
    del bare["metadata"]["labels"]["network.topology.nvidia.com/leaf"]
    spec = asked(seen_in(listing(rack_node("a", "0.1", "l"), bare)))
    box = MachineSpec(cores=112, memory_gib=2000, topology_keys=("network.topology.nvidia.com/leaf",))
    labels = {"node.kubernetes.io/instance-type": "h100-8"}
    assert spec.settings is not None
    known = spec.settings.model_copy(update={"machines": {"h100-8": box}, "pool_selectors": {"train": labels}})
    (found,) = [one for one in messages(spec.model_copy(update={"settings": known})) if "topologyKeys" in one]
    assert "1 of 2 nodes of the pool 'train' have no label network.topology.nvidia.com/leaf" in found


def marked(name: str, offered: dict[str, str], **labels: str) -> dict[str, Any]:
    """A node without whole GPUs of its own kind: what it offers in their place, and labels beside its own."""
    found = node(name, offered={"nvidia.com/gpu": "0"} | offered)
    found["metadata"]["labels"] |= {key.replace("_", "/").replace("9", "."): value for key, value in labels.items()}
    return found


def training(seen: Discovery) -> StackSpec:
    spec = asked(seen)
    volume = SharedVolumeSpec(claim="a/b", mount_path="/data")
    settings = DiscoveredSpec.model_construct(**{**dict(spec.settings or {}), "volume": volume})
    work = TrainingSpec.model_validate({"steps": 5, "nodes": 2, "image": "x:1"})
    return StackSpec.model_construct(**{**dict(spec), "settings": settings, "training": work})


def serving(seen: Discovery) -> StackSpec:
    return training(seen).model_copy(update={"training": None, "inference": InferenceSpec(image="x:1", replicas=2)})


@pytest.mark.parametrize(
    ("offered", "labels", "evidence"),
    [
        ({"nvidia.com/mig-3g.40gb": "14"}, {}, "nvidia.com/mig-3g.40gb"),
        ({"nvidia.com/gpu.shared": "80"}, {}, "nvidia.com/gpu.shared"),
        ({"nvidia.com/gpu": "56"}, {"nvidia9com_gpu.product": "NVIDIA-H100-MIG-1g.10gb"}, "NVIDIA-H100-MIG-1g.10gb"),
        ({"nvidia.com/gpu": "80"}, {"nvidia9com_gpu.sharing-strategy": "time-slicing"}, "time-slicing"),
    ],
)
def test_neither_a_gang_nor_a_server_takes_parts_of_chips(
    offered: dict[str, str], labels: dict[str, str], evidence: str
) -> None:
    seen = seen_in(listing(marked("a", offered, **labels), marked("b", offered, **labels)))
    found = [text for text in messages(training(seen)) if text.startswith("training.pool: ")]
    assert len(found) == 1
    assert evidence in found[0]
    assert "a gang needs whole ones" in found[0]
    assert existing.plan(asked(seen, fabric={"none": "a service talks to none"}), "mine", NOW).node_pools
    found = [text for text in messages(serving(seen)) if text.startswith("inference.pool: ")]
    assert len(found) == 1
    assert "sized for whole ones" in found[0]


def test_nodes_with_parts_of_chips_are_no_machines_of_processors_alone() -> None:
    (pool,) = existing.plan(
        asked(seen_in(listing(marked("a", {"nvidia.com/mig-1g.10gb": "7"}))), count=1), "mine", NOW
    ).node_pools  # fmt: skip
    assert pool.machine.accelerator is not None
    assert pool.binding.devices == {"nvidia.com/mig-1g.10gb": 7}


def test_whole_chips_are_asked_for_without_the_parts_of_others() -> None:
    mixed = {"nvidia.com/gpu": "4", "nvidia.com/mig-1g.10gb": "28"}
    plan = existing.plan(asked(seen_in(listing(marked("a", mixed))), count=1), "mine", NOW)
    assert plan.node_pools[0].binding.devices == {"nvidia.com/gpu": 4}


def test_a_device_that_pods_share_is_asked_for_once() -> None:
    shared = {"rdma/hca_a": "63", "rdma/hca_shared_devices_b": "8"}
    nodes = [node(name, offered=shared) for name in "ab"]
    devices = existing.plan(asked(seen_in(listing(*nodes))), "mine", NOW).node_pools[0].binding.devices
    assert devices == {"nvidia.com/gpu": 8, "rdma/hca_a": 1, "rdma/hca_shared_devices_b": 1}


def test_a_chip_without_a_label_of_its_product_is_said() -> None:
    bare = node("a")
    del bare["metadata"]["labels"]["nvidia.com/gpu.product"]
    plan = existing.plan(asked(seen_in(listing(bare)), count=1), "mine", NOW)
    assert any("have no label of the product" in text for text in plan.warnings)
    plan = existing.plan(asked(seen_in(listing(node("a"))), count=1), "mine", NOW)
    assert not any("label of the product" in text for text in plan.warnings)


def test_coreweave_has_a_kueue_of_its_own() -> None:
    one = node("a")
    one["metadata"]["labels"]["node.coreweave.cloud/state"] = "production"
    (told,) = messages(asked(seen_in(listing(one)), count=1))
    assert told.startswith("scheduler.kind: ")
    assert "coreweave/cks-kueue" in told
    theirs = [deployment("kueue", "registry.example/coreweave/cks-kueue:1.4.0")]
    assert existing.plan(asked(seen_in(listing(one, workloads=theirs)), count=1), "mine", NOW).node_pools


@pytest.mark.parametrize("name", ["a" * 64, "team.", "-team"])
def test_a_stack_whose_name_no_label_can_have_is_refused(name: str) -> None:
    seen = seen_in(listing(node("a")))
    with pytest.raises(SpecError, match=r"stack: .* becomes a label on the cluster"):
        existing.plan(asked(seen, count=1), name, NOW)
    assert existing.plan(asked(seen, count=1), "a" * 63, NOW).node_pools


@pytest.mark.parametrize(
    ("resource", "label", "product", "chip"),
    [
        ("amd.com/gpu", "amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM", "mi300x"),
        ("google.com/tpu", "cloud.google.com/gke-tpu-accelerator", "tpu-v5p-slice", "tpu-v5p"),
        ("google.com/tpu", "cloud.google.com/gke-tpu-accelerator", "tpu-v5-lite-podslice", "tpu-v5e"),
        ("nvidia.com/gpu", "nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3", "h100"),
    ],
)
def test_a_chip_is_known_by_the_label_of_its_product(resource: str, label: str, product: str, chip: str) -> None:
    one = node("a", offered={"nvidia.com/gpu": "0", resource: "8"})
    del one["metadata"]["labels"]["nvidia.com/gpu.product"]
    one["metadata"]["labels"][label] = product
    (pool,) = existing.plan(asked(seen_in(listing(one)), count=1), "mine", NOW).node_pools
    assert pool.machine.accelerator is not None
    assert (pool.machine.accelerator.name, pool.machine.accelerator_count) == (chip, 8)


def described(**machine: Any) -> StackSpec:
    config = {
        "penstock:cluster": {
            "cloud": "existing",
            "nodePools": [{"name": "train", "machineType": "box", "count": 1}],
        },
        "penstock:existing": {"version": "1.34", "machines": {"box": {"cores": 96, "memoryGib": 1500} | machine}},
    }
    return parse_stack(config, "x", clouds())


def test_machines_of_other_vendors_can_be_described() -> None:
    amd = existing.plan(described(accelerator="mi300x", acceleratorCount=8), "mine", NOW)
    assert amd.node_pools[0].binding.devices == {"amd.com/gpu": 8}
    assert any("built for ROCm" in warning for warning in amd.warnings)
    tpu = existing.plan(
        described(accelerator="tpu-v5e", acceleratorCount=4, devices={"google.com/tpu": 4}), "mine", NOW
    )
    assert tpu.node_pools[0].binding.devices == {"google.com/tpu": 4}
    assert tpu.node_pools[0].collective is Collective.GLOO
    spec = described(accelerator="tpu-v5e", acceleratorCount=4, devices={"google.com/tpu": 4})
    volume = SharedVolumeSpec(claim="a/b", mount_path="/data")
    assert spec.settings is not None
    run = {
        "settings": spec.settings.model_copy(update={"volume": volume}),
        "training": TrainingSpec.model_validate({"steps": 5, "image": "x:1"}),
    }
    with pytest.raises(SpecError, match=r"training\.pool: 'train' has tpu-v5e, and penstock's own workloads run on NV"):
        plan_stack(StackSpec.model_construct(**{**dict(spec), **run}), "mine", NOW)


def test_a_chip_of_another_vendor_than_its_devices_is_refused() -> None:
    (message,) = messages(described(accelerator="h100", acceleratorCount=8, devices={"amd.com/gpu": 8}))
    assert message == (
        "existing.machines.box.accelerator: 'h100' is nvidia's, and devices has amd.com/gpu; correct one of them"
    )


def test_what_may_not_be_seen_is_told_and_nothing_is_taken_from_it() -> None:
    hidden = dict.fromkeys(("StorageClass", "PersistentVolume", "Namespace"), "is forbidden")
    spec = asked(seen_in(listing(node("a"), hidden=hidden)), count=1)
    assert spec.settings is not None
    for volume in ({"storageClass": "fast", "sizeGib": 5}, {"claim": "a/b"}):
        update = {"volume": SharedVolumeSpec.model_validate(volume), "cluster_id": "12345678"}
        looked = spec.model_copy(update={"settings": spec.settings.model_copy(update=update)})
        told = [warning for warning in existing.plan(looked, "mine", NOW).warnings if "nothing is taken" in warning]
        assert len(told) == 3
        assert told[0] == "existing: StorageClass objects were not seen, and nothing is taken from that: is forbidden"
