"""Checks that a cluster must pass before its queues open."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from components.catalog import Accelerator, MachineType
from components.estimate.floors import UNKNOWN, floor_of
from components.fabric import Collective, Fabric
from components.kubernetes.gate import gate_warnings, plan_gate
from components.plan.cluster import ClusterPlan, NodePoolPlan, PodBinding, Taint, VolumePlan
from components.plan.kubernetes import GatePlan
from components.spec.cluster import TaintEffect
from components.spec.platform import GateSpec, PlatformSpec
from components.spec.storage import OnDestroy
from tests.definitions import judge
from workloads.fabric_check.config import parse_check

IMAGE = "r.example/penstock:1"
CHIP = Accelerator(name="h100", vendor="nvidia", reported="H100", memory_gib=80, bf16_tflops=989)
VOLUME = VolumePlan(path="/fsx/penstock/s", on_destroy=OnDestroy.KEEP, claim="fsx", mount_path="/fsx")
P5 = NodePoolPlan(
    name="train", node_count=32, min_count=32, max_count=32, fabric=Fabric.EFA, collective=Collective.NCCL,
    machine=MachineType(
        name="p5.48xlarge", cores=192, memory_gib=2048, accelerator=CHIP, accelerator_count=8, fabric=Fabric.EFA
    ),
    binding=PodBinding(
        devices={"vpc.amazonaws.com/efa": 32, "nvidia.com/gpu": 8}, huge_pages_mib=5120,
        env={"NCCL_SOCKET_IFNAME": "eth0"}, node_selector={"penstock.dev/pool": "train"},
        tolerations=(Taint(key="nvidia.com/gpu", value="present", effect=TaintEffect.NO_SCHEDULE),),
    ),
)  # fmt: skip
PROCESSORS = replace(
    P5, name="cpu", node_count=2, fabric=Fabric.ETHERNET, collective=Collective.GLOO,
    machine=MachineType(
        name="c", cores=4, memory_gib=16, accelerator=None, accelerator_count=0, fabric=Fabric.ETHERNET
    ),
    binding=PodBinding(node_selector={"penstock.dev/pool": "cpu"}),
)  # fmt: skip


def gate(*pools: NodePoolPlan, image: str = IMAGE, volume: VolumePlan = VOLUME, **asked: Any) -> GatePlan:
    cluster = ClusterPlan(cloud="x", node_pools=pools or (P5,), volume=volume, scheduler="kueue")
    planned = plan_gate(PlatformSpec(gate=GateSpec(**asked)), cluster, image)
    assert planned is not None
    return planned


def container(planned: GatePlan) -> Any:
    check = planned.pools[0].check
    assert check is not None
    return check["spec"]["template"]["spec"]["containers"][0]


def test_every_node_and_every_device_is_expected() -> None:
    (pool,) = gate().pools
    assert (pool.nodes, pool.selector) == (32, {"penstock.dev/pool": "train"})
    assert pool.devices == {"vpc.amazonaws.com/efa": 32, "nvidia.com/gpu": 8}
    assert gate(timeout_s=90).timeout_s == 90


def test_nodes_of_a_reservation_to_come_are_not_expected_yet() -> None:
    (pool,) = gate(replace(P5, desired_now=0)).pools
    assert (pool.nodes, pool.check) == (0, None)


@pytest.mark.parametrize("pool", [P5, PROCESSORS], ids=["efa", "processors"])
def test_the_manifests_are_right(pool: NodePoolPlan) -> None:
    planned = gate(pool)
    assert planned.pools[0].check is not None
    assert planned.probe is not None
    judge(planned.pools[0].check)
    judge(planned.probe)


def test_the_check_takes_whole_nodes_one_pod_each() -> None:
    check = gate().pools[0].check
    assert check is not None
    spec, pod = check["spec"], check["spec"]["template"]["spec"]
    assert (spec["parallelism"], spec["completions"], spec["completionMode"]) == (32, 32, "Indexed")
    (term,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"].items() <= check["spec"]["template"]["metadata"]["labels"].items()
    limits = container(gate())["resources"]["limits"]
    assert {"vpc.amazonaws.com/efa": "32", "nvidia.com/gpu": "8", "hugepages-2Mi": "5120Mi"}.items() <= limits.items()
    assert container(gate())["securityContext"]["capabilities"]["add"] == ["IPC_LOCK"]
    assert not any("queue" in key for key in check["metadata"]["labels"])


def test_the_check_is_told_what_it_takes() -> None:
    command = container(gate())["command"]
    assert command[-2:] == ["--nodes", "32"]
    check = parse_check(command[command.index("--spec") + 1])
    assert (check.ranks_per_node, check.device, check.fabric, check.floor_gbps) == (8, "cuda", True, 300)
    assert (check.volume, check.evidence_file) == ("/fsx/.penstock-gate", "/dev/termination-log")
    on_processors = container(gate(PROCESSORS))["command"]
    check = parse_check(on_processors[on_processors.index("--spec") + 1])
    assert (check.ranks_per_node, check.device, check.fabric, check.floor_gbps) == (1, "cpu", False, 0)


def test_the_nodes_of_one_check_do_not_meet_those_of_another() -> None:
    env = {one["name"]: one for one in container(gate())["env"]}
    path = env["CHECK_ID"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert path == "metadata.labels['batch.kubernetes.io/controller-uid']"
    assert env["NCCL_SOCKET_IFNAME"]["value"] == "eth0"


def test_the_users_floor_comes_before_the_published_one() -> None:
    assert gate().pools[0].floor_gbps == 300
    assert gate(floor_gbps=420.0).pools[0].floor_gbps == 420
    assert gate(floor_gbps=420.0).pools[0].floor_source == "platform.gate.floorGbps"
    assert gate(PROCESSORS, floor_gbps=420.0).pools[0].floor_gbps == 0


def test_an_unknown_floor_is_unknown_and_says_so() -> None:
    assert floor_of("p9.48xlarge") is UNKNOWN
    other = replace(P5, machine=replace(P5.machine, name="p9.48xlarge"))
    (pool,) = gate(other).pools
    assert pool.check is not None
    assert (pool.floor_gbps, pool.floor_source) == (0, UNKNOWN.source)


@pytest.mark.parametrize(
    "options",
    [
        {"image": ""},
        {"volume": replace(VOLUME, claim="")},
        {"pool": replace(P5, fabric_waived="it serves alone")},
    ],
)
def test_without_what_it_needs_nodes_and_devices_are_still_counted(options: dict[str, Any]) -> None:
    (pool,) = gate(options.pop("pool", P5), **options).pools
    assert (pool.nodes, pool.check, pool.floor_gbps) == (32, None, 0)
    assert pool.devices


@pytest.mark.parametrize("pool", [replace(P5, node_count=1), replace(P5, collective=Collective.NEURON)])
def test_one_node_and_neuron_devices_are_not_measured(pool: NodePoolPlan) -> None:
    assert gate(pool).pools[0].check is None


def test_it_may_be_switched_off() -> None:
    cluster = ClusterPlan(cloud="x", node_pools=(P5,), volume=VOLUME, scheduler="kueue")
    assert plan_gate(PlatformSpec(gate=GateSpec(enabled=False)), cluster, IMAGE) is None


def test_the_probe_runs_and_says_why_it_cannot_write(tmp_path: Any) -> None:
    """The very program of the pod, with its paths led elsewhere."""
    probe = gate().probe
    assert probe is not None
    program = probe["spec"]["containers"][0]["command"][2]
    last = tmp_path / "last"
    for mount, code, words in ((tmp_path / "volume", 0, ""), (tmp_path / "last", 1, "cannot be written")):
        last.write_text("")
        led = program.replace("/dev/termination-log", str(tmp_path / "said")).replace("'/fsx'", repr(str(mount)))
        environment = {**os.environ, "NODE_NAME": "node-3"}
        done = subprocess.run([sys.executable, "-c", led], env=environment, capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        assert words in (tmp_path / "said").read_text()


@pytest.mark.parametrize(("users", "said"), [("1\n", ""), ("0\n", "has no interface"), (None, "kefalnd is not loaded")])
def test_the_probe_looks_whether_the_file_system_is_reached_over_the_fabric(
    users: str | None, said: str, tmp_path: Any
) -> None:
    """The very program, with its paths led elsewhere."""
    (planned,) = gate(replace(P5, file_system_module="kefalnd")).pools
    assert planned.probe is not None
    assert gate(P5).pools[0].probe is None, "the common one does"
    modules = tmp_path / "modules"
    (modules / "kefalnd").mkdir(parents=True)
    if users is not None:
        (modules / "kefalnd" / "refcnt").write_text(users)
    program = planned.probe["spec"]["containers"][0]["command"][2]
    led = program.replace("over_tcp('kefalnd')", f"over_tcp('kefalnd',pathlib.Path({str(modules)!r}))")
    led = led.replace("/dev/termination-log", str(tmp_path / "said")).replace("'/fsx'", repr(str(tmp_path / "volume")))
    environment = {**os.environ, "NODE_NAME": "node-3"}
    done = subprocess.run([sys.executable, "-c", led], env=environment, capture_output=True, check=False)
    assert done.returncode == bool(said), done.stderr
    assert said in (tmp_path / "said").read_text()


@pytest.mark.parametrize(("version", "said"), [("570.133.20", ""), ("550.54.15", "its NVIDIA driver is 550.54.15")])
def test_the_probe_looks_at_the_driver_that_accelerators_need(version: str, said: str, tmp_path: Any) -> None:
    """The very program, with its paths led elsewhere."""
    (planned,) = gate(replace(P5, min_driver="570.133.20")).pools
    assert planned.probe is not None
    told = tmp_path / "version"
    told.write_text(f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build\n")
    program = planned.probe["spec"]["containers"][0]["command"][2]
    led = program.replace("driver_below('570.133.20')", f"driver_below('570.133.20',pathlib.Path({str(told)!r}))")
    led = led.replace("/dev/termination-log", str(tmp_path / "said")).replace("'/fsx'", repr(str(tmp_path / "volume")))
    environment = {**os.environ, "NODE_NAME": "node-3"}
    done = subprocess.run([sys.executable, "-c", led], env=environment, capture_output=True, check=False)
    assert done.returncode == bool(said), done.stderr
    assert said in (tmp_path / "said").read_text()


def test_a_driver_that_nothing_looks_at_is_told() -> None:
    pool = replace(P5, min_driver="570.133.20")
    told = [
        [one for one in gate_warnings(PlatformSpec(), gate(pool, image=image), (pool,)) if "driver" in one]
        for image in (IMAGE, "")
    ]
    assert [len(one) for one in told] == [0, 1]


def test_a_file_system_on_a_fabric_that_nothing_looks_at_is_told() -> None:
    pool = replace(P5, file_system_module="kefalnd")
    told = [
        [one for one in gate_warnings(PlatformSpec(), gate(pool, image=image), (pool,)) if "file system" in one]
        for image in (IMAGE, "")
    ]
    assert [len(one) for one in told] == [0, 1]


def test_a_check_on_machines_that_nvlink_joins_has_a_domain() -> None:
    machine = replace(P5.machine, compute_domain=True)
    planned = gate(replace(P5, machine=machine), PROCESSORS)
    (domain,) = planned.objects
    judge(domain)
    check = planned.pools[0].check
    assert check is not None
    (claim,) = check["spec"]["template"]["spec"]["resourceClaims"]
    assert claim["resourceClaimTemplateName"] == domain["spec"]["channel"]["resourceClaimTemplate"]["name"]
    assert gate(replace(P5, machine=machine, desired_now=0)).objects == ()
