"""Laws of every scheduler of a Kubernetes: nothing of a job or of its pool's binding is lost or replaced."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.catalog import MachineType, accelerators
from components.errors import SpecError, UnsupportedError
from components.fabric import Fabric
from components.plan.cluster import NodePoolPlan, Taint
from components.plan.kubernetes import NAMESPACE, Manifest, SchedulerPlan
from components.plan.work import JobPlan, ServicePlan
from components.schedulers import load
from components.schedulers.slurm.plan import refuse_held
from components.schedulers.slurm.render import sbatch
from components.spec.cluster import TaintEffect
from components.spec.scheduler import Priority, QueueSpec, SchedulerKind, SchedulerSpec, TopologyRequest
from tests.contract.binding_cases import BINDINGS, PODS
from tests.contract.scheduler_cases import BINDING, FACTS, H100, ON_KUBERNETES, gangs, job, pool
from tests.definitions import judge
from workloads.pretrain.exits import ExitCode


def plan_of(kind: SchedulerKind, *pools: NodePoolPlan, **spec: Any) -> SchedulerPlan:
    return load(kind).plan(SchedulerSpec(**spec), pools or (pool(),), FACTS)


def render(kind: SchedulerKind, one: JobPlan, on: NodePoolPlan) -> tuple[Manifest, ...]:
    return load(kind).render_job(one, on, plan_of(kind, on))


def template(kind: SchedulerKind, one: JobPlan, on: NodePoolPlan) -> dict[str, Any]:
    ((count, found),) = gangs(render(kind, one, on))
    assert count == one.nodes
    return found


@pytest.mark.parametrize("kind", ON_KUBERNETES)
def test_queues_are_objects_of_their_kinds(kind: SchedulerKind) -> None:
    queues = () if kind is SchedulerKind.SLURM else (QueueSpec(name="a", nodes={"train": 3}), QueueSpec(name="b"))
    found = plan_of(kind, queues=queues)
    for manifest in (*found.objects, *found.opening):
        judge(manifest)
    assert found.kind == kind
    assert found.addons


@pytest.mark.parametrize("kind", PODS)
@pytest.mark.parametrize("topology", TopologyRequest)
def test_a_job_is_objects_of_their_kinds(kind: SchedulerKind, topology: TopologyRequest) -> None:
    for manifest in render(kind, job(topology=topology), pool()):
        judge(manifest)
        assert manifest["metadata"]["namespace"] == NAMESPACE


@pytest.mark.parametrize("kind", PODS)
def test_the_pod_has_all_that_the_job_and_the_binding_say(kind: SchedulerKind) -> None:
    spec = template(kind, job(), pool())["spec"]
    (container,) = spec["containers"]
    assert container["image"] == "registry.example/penstock:1"
    assert spec["nodeSelector"] == BINDING.node_selector
    taint = {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
    assert taint in spec["tolerations"]
    assert spec["terminationGracePeriodSeconds"] == 45
    assert spec["automountServiceAccountToken"] is False
    limits, requests = (container["resources"][side] for side in ("limits", "requests"))
    wanted = {"nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "32", "hugepages-2Mi": "5120Mi", "memory": "1887437Mi"}
    assert limits == wanted
    assert requests == {**wanted, "cpu": "184000m"}
    env = {item["name"]: item.get("value") for item in container["env"]}
    assert env["NCCL_SOCKET_IFNAME"] == "eth0"
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["shm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "65536Mi"}
    assert "shm" in mounts.values()
    for path, claim in {"/fsx": "file-system", "/shared": "shared-file-system"}.items():
        assert volumes[mounts[path]]["persistentVolumeClaim"] == {"claimName": claim}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["IPC_LOCK"]}


@pytest.mark.parametrize("kind", PODS)
def test_the_pod_finds_the_jobs_file(kind: SchedulerKind) -> None:
    one = job()
    manifests = render(kind, one, pool())
    ((_count, found),) = gangs(manifests)
    (file,) = [manifest for manifest in manifests if manifest["kind"] == "ConfigMap"]
    assert json.loads(file["data"]["job.json"]) == one.config
    assert {"name": "job-file", "configMap": {"name": file["metadata"]["name"]}} in found["spec"]["volumes"]
    assert file["metadata"]["name"] == manifests[-1]["metadata"]["name"]


@pytest.mark.parametrize("kind", PODS)
def test_other_content_has_another_name(kind: SchedulerKind) -> None:
    def name(one: JobPlan) -> str:
        return str(render(kind, one, pool())[-1]["metadata"]["name"])

    long = job(name="a" * 40)
    assert name(job()) == name(job())
    assert name(job()) != name(job(grace_s=60.0))
    assert name(job()) != name(job(image="registry.example/penstock:2"))
    # JobSet's pods: `-node-0-`, four digits, and five random characters after a dash; 63 in all.
    assert len(name(long)) <= 63 - len("-node-0-1023-abcde")
    assert long.identity[:8] in name(long)


@pytest.mark.parametrize("kind", PODS)
def test_without_a_fabric_nothing_more_is_allowed(kind: SchedulerKind) -> None:
    found = template(kind, job(), pool(fabric=Fabric.ETHERNET))
    assert found["spec"]["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("kind", PODS)
def test_a_job_that_no_queue_can_hold_is_refused(kind: SchedulerKind) -> None:
    found = plan_of(kind, queues=(QueueSpec(name="a", nodes={"train": 1}, borrow=False), QueueSpec(name="b")))
    with pytest.raises(SpecError, match=r"training\.nodes: 2 nodes, but the queue 'a' can never have more than 1"):
        load(kind).render_job(job(queue="a"), pool(), found)
    with pytest.raises(SpecError, match=r"training\.queue: there are several queues; choose one of a, b"):
        load(kind).render_job(job(), pool(), found)
    with pytest.raises(SpecError, match=r"training\.queue: 'bb' is not a queue of this stack; did you mean 'b'"):
        load(kind).render_job(job(queue="bb"), pool(), found)


def test_another_taint_is_another_flavor_to_which_the_queue_moves() -> None:
    """Made before the queue names it, and called as before where nothing of it is fixed."""

    def planned(taint: str, least: int = 4) -> tuple[list[str], list[str]]:
        toleration = Taint(key=taint, value="", effect=TaintEffect.NO_SCHEDULE)
        on = pool(binding=replace(BINDING, tolerations=(toleration,)), min_count=least)
        found = plan_of(SchedulerKind.KUEUE, on).objects
        (queue,) = [one for one in found if one["kind"] == "ClusterQueue"]
        (group,) = queue["spec"]["resourceGroups"]
        kinds = [one["kind"] for one in found]
        assert kinds.index("ResourceFlavor") < kinds.index("ClusterQueue")
        flavors = [one["metadata"]["name"] for one in found if one["kind"] == "ResourceFlavor"]
        return flavors, [one["name"] for one in group["flavors"]]

    for case in ("a", "b"):
        flavors, named = planned(case)
        assert flavors == named
    assert planned("a") != planned("b")
    assert planned("a", least=1) == planned("b", least=1) == (["penstock-train"], ["penstock-train"])


@pytest.mark.parametrize("kind", PODS)
@pytest.mark.parametrize(("keys", "why"), [((), "have no topology labels; use"), (BINDING.topology_keys[:1], "zone's")])
def test_nearness_is_not_required_of_nodes_that_do_not_tell_where_they_are(
    kind: SchedulerKind, keys: tuple[str, ...], why: str
) -> None:
    bare = pool(binding=replace(BINDING, topology_keys=keys))
    with pytest.raises(SpecError, match=rf"training\.topology: 'required', but nodes of the pool 'train' .*{why}"):
        render(kind, job(topology=TopologyRequest.REQUIRED), bare)
    render(kind, job(topology=TopologyRequest.PREFERRED), bare)
    render(kind, job(topology=TopologyRequest.REQUIRED), pool())


@pytest.mark.parametrize(
    "on", [pool(), pool(min_count=1), pool(binding=replace(BINDING, topology_keys=BINDING.topology_keys[:1]))]
)
def test_slurm_is_told_of_no_switches(on: NodePoolPlan) -> None:
    """Kueue is named where it takes the same."""
    required = job(topology=TopologyRequest.REQUIRED)
    with pytest.raises(SpecError, match=r"training\.topology: 'required', but Slurm .* preferred or none") as told:
        render(SchedulerKind.SLURM, required, on)
    assert render(SchedulerKind.SLURM, job(topology=TopologyRequest.PREFERRED), on)
    try:
        render(SchedulerKind.KUEUE, required, on)
    except SpecError:
        assert "kueue" not in str(told.value)
    else:
        assert "or the scheduler kueue" in str(told.value)


@pytest.mark.parametrize("kind", PODS)
def test_only_a_gang_that_is_to_be_near_is_warned_of_its_place(kind: SchedulerKind) -> None:
    def warned(one: JobPlan, **on: Any) -> list[str]:
        return list(load(kind).placement_warnings(one, pool(**on)))

    preferred = job(topology=TopologyRequest.PREFERRED)
    of_volcano, of_kueue = kind is SchedulerKind.VOLCANO, kind in ADMITTED
    assert bool(warned(preferred)) is of_volcano
    assert bool(warned(preferred, min_count=1)) is (of_volcano or of_kueue)
    for none in (job(), job(nodes=1, topology=TopologyRequest.PREFERRED)):
        assert warned(none, min_count=1) == []
    assert warned(preferred, min_count=1, binding=replace(BINDING, topology_keys=())) == []


@pytest.mark.parametrize("kind", ON_KUBERNETES)
def test_a_scheduler_that_the_cloud_forbids_is_refused(kind: SchedulerKind) -> None:
    addon = plan_of(kind).addons[-1]
    forbidden = replace(FACTS, refused_addons={addon: "the cloud brings its own"})
    with pytest.raises(SpecError, match=r"scheduler.kind: .* cannot be installed .*the cloud brings its own"):
        load(kind).plan(SchedulerSpec(), (pool(),), forbidden)
    with pytest.raises(SpecError, match=r"scheduler.kind: .* needs a Kubernetes cluster"):
        load(kind).plan(SchedulerSpec(), (pool(),), None)


@pytest.mark.parametrize("kind", [kind for kind in PODS if kind is not SchedulerKind.VOLCANO])
def test_only_an_elastic_scheduler_takes_a_gang_that_may_shrink(kind: SchedulerKind) -> None:
    with pytest.raises(SpecError, match=r"training.minNodes: 1 of 2 nodes, .* use the scheduler volcano"):
        render(kind, job(min_nodes=1), pool())


def test_volcano_starts_an_elastic_gang_with_its_least() -> None:
    made = render(SchedulerKind.VOLCANO, job(min_nodes=1), pool())[-1]["spec"]
    assert (made["minAvailable"], made["tasks"][0]["replicas"]) == (1, 2)
    assert {policy["action"] for policy in made["policies"]} == {"TerminateJob", "RestartPod", "CompleteJob"}


def test_mpi_says_what_runs_training() -> None:
    with pytest.raises(SpecError, match="use kueue, trainer"):
        render(SchedulerKind.MPI, job(), pool())


def test_exit_codes_are_those_of_the_program() -> None:
    from components.schedulers import exits

    assert (exits.REFUSED, exits.GAVE_UP, exits.PREEMPTED) == (ExitCode.REFUSED, ExitCode.GAVE_UP, ExitCode.PREEMPTED)


@pytest.mark.parametrize("kind", PODS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_gang_asks_for_its_nodes_times_the_binding(kind: SchedulerKind, data: st.DataObject) -> None:
    binding = data.draw(BINDINGS)
    nodes = data.draw(st.integers(1, 1024))
    on = pool(binding=binding, min_count=nodes, node_count=nodes, max_count=nodes)
    env = {**data.draw(st.dictionaries(st.just("A_JOBS_OWN"), st.text(max_size=3))), **binding.env}
    one = job(nodes=nodes, env=env, priority=data.draw(st.sampled_from(Priority)))
    ((count, found),) = gangs(render(kind, one, on))
    (container,) = found["spec"]["containers"]
    total = {key: int(value) * count for key, value in container["resources"]["limits"].items() if "/" in key}
    assert total == {key: value * nodes for key, value in binding.devices.items()}
    assert container["resources"]["limits"].items() <= container["resources"]["requests"].items()
    shown = {item["name"]: item["value"] for item in container["env"] if "value" in item}
    assert env.items() <= shown.items()
    assert binding.node_selector.items() <= found["spec"]["nodeSelector"].items()
    asked = {(item["key"], item.get("value"), item["effect"]) for item in found["spec"]["tolerations"]}
    assert {(taint.key, taint.value, str(taint.effect)) for taint in binding.tolerations} <= asked


@pytest.mark.parametrize("kind", PODS)
def test_a_clash_of_environments_is_an_error_of_ours(kind: SchedulerKind) -> None:
    with pytest.raises(AssertionError, match="disagree on \\['NCCL_SOCKET_IFNAME'\\]"):
        render(kind, job(env={"NCCL_SOCKET_IFNAME": "lo"}), pool())


ADMITTED = (SchedulerKind.KUEUE, SchedulerKind.TRAINER, SchedulerKind.KUBERAY, SchedulerKind.MPI)


@pytest.mark.parametrize("kind", ADMITTED)
def test_a_scheduler_whose_jobs_kueue_admits_refuses_more_pools_than_a_queue_takes(kind: SchedulerKind) -> None:
    pools = [replace(pool(), name=f"train-{number}") for number in range(65)]
    assert plan_of(kind, *pools[:64]).queues
    with pytest.raises(SpecError, match="65 pools; a Kueue queue takes 64"):
        plan_of(kind, *pools)


@pytest.mark.parametrize("kind", ADMITTED)
def test_kueue_counts_the_nodes_of_a_pool_that_comes_later(kind: SchedulerKind) -> None:
    later = replace(pool(), desired_now=0)
    found = plan_of(kind, later)
    (flavor,) = [one for one in found.objects if one["kind"] == "ResourceFlavor"]
    assert flavor["spec"]["topologyName"]
    (warning,) = found.warnings
    assert warning.startswith("cluster.nodePools.train: has no nodes yet. Its jobs wait in their queue")
    assert plan_of(kind, pool()).warnings == ()


@pytest.mark.parametrize("kind", ADMITTED)
def test_the_plan_says_by_what_kueue_places(kind: SchedulerKind) -> None:
    def decided(on: NodePoolPlan) -> tuple[str, str]:
        (one,) = plan_of(kind, on).decisions
        assert one.path == "scheduler.topology.train"
        return one.value, one.reason

    bare = replace(BINDING, topology_keys=())
    assert decided(pool())[0] == "zone > network-node-layer-1 > network-node-layer-2 > network-node-layer-3 > hostname"
    assert decided(pool(binding=bare)) == ("hostname", "its nodes have no labels of wider domains")
    assert decided(pool(min_count=1)) == ("none", "Kueue counts only nodes that are there, and this pool's come and go")


@pytest.mark.parametrize("kind", PODS)
def test_no_pod_of_a_gang_may_be_moved_by_an_autoscaler(kind: SchedulerKind) -> None:
    found = template(kind, job(), pool())["metadata"]["annotations"]
    assert found["karpenter.sh/do-not-disrupt"] == "true"
    assert found["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"


GB200 = MachineType(
    name="p6e-gb200.36xlarge", cores=144, memory_gib=960, accelerator=accelerators()["gb200"], accelerator_count=4,
    fabric=Fabric.EFA, compute_domain=True,
)  # fmt: skip
CLIQUE = "nvidia.com/gpu.clique"


def rack(nodes: int) -> NodePoolPlan:
    keys = ("topology.kubernetes.io/zone", CLIQUE)
    binding = replace(BINDING, devices={"nvidia.com/gpu": 4}, topology_keys=keys)
    return pool(machine=GB200, binding=binding, node_count=nodes, min_count=nodes, max_count=nodes)


@pytest.mark.parametrize("kind", PODS)
def test_a_gang_whose_accelerators_span_machines_has_a_domain_of_its_own(kind: SchedulerKind) -> None:
    manifests = render(kind, job(nodes=9), rack(18))
    for manifest in manifests:
        judge(manifest)
    (domain,) = [one for one in manifests if one["kind"] == "ComputeDomain"]
    made = domain["spec"]["channel"]["resourceClaimTemplate"]["name"]
    assert manifests.index(domain) < len(manifests) - 1
    ((_count, found),) = gangs(manifests)
    (claim,) = found["spec"]["resourceClaims"]
    assert claim["resourceClaimTemplateName"] == made
    assert found["spec"]["containers"][0]["resources"]["claims"] == [{"name": claim["name"]}]
    alone = render(kind, job(nodes=1), rack(18))
    assert "ComputeDomain" not in [one["kind"] for one in alone]
    assert "resourceClaims" not in gangs(alone)[0][1]["spec"]


def test_a_gang_that_requires_nvlink_is_taken_apart_into_even_parts() -> None:
    def asked(nodes: int, topology: TopologyRequest = TopologyRequest.REQUIRED) -> dict[str, str]:
        marks = template(SchedulerKind.KUEUE, job(nodes=nodes, topology=topology), rack(72))["metadata"]["annotations"]
        return {key.rpartition("/")[2]: value for key, value in marks.items() if key.startswith("kueue.")}

    assert asked(18) == {"podset-required-topology": CLIQUE}
    assert asked(32) == {"podset-slice-required-topology": CLIQUE, "podset-slice-size": "16"}
    assert asked(54) == {"podset-slice-required-topology": CLIQUE, "podset-slice-size": "18"}
    assert asked(32, TopologyRequest.PREFERRED) == {"podset-preferred-topology": CLIQUE}
    with pytest.raises(SpecError, match=r"training\.nodes: 37, .* 18 nodes at most; take 36 or 39"):
        asked(37)


@pytest.mark.parametrize("kind", [SchedulerKind.VOLCANO, SchedulerKind.KAI])
def test_a_scheduler_that_cannot_take_a_gang_apart_refuses_one_larger_than_its_domain(kind: SchedulerKind) -> None:
    render(kind, job(nodes=18, topology=TopologyRequest.REQUIRED), rack(36))
    with pytest.raises(SpecError, match=r"training\.topology: 'required' within one NVLink domain, which has 18 nodes"):
        render(kind, job(nodes=36, topology=TopologyRequest.REQUIRED), rack(36))


def slurm_nodes(spec: SchedulerSpec, *pools: NodePoolPlan) -> dict[str, Manifest]:
    plan = load(SchedulerKind.SLURM).plan(spec, pools, FACTS)
    assert not plan.objects, "made before the gate, they would keep its check off the devices"
    return {body["metadata"]["name"]: body for body in plan.opening}


@pytest.mark.parametrize(("most", "warned"), [(4, 0), (8, 1)])
def test_slurm_tells_of_nodes_that_it_never_asks_for(most: int, warned: int) -> None:
    found = plan_of(SchedulerKind.SLURM, pool(max_count=most)).warnings
    told = "cluster.nodePools.train: may have 8 nodes, and Slurm never asks for more than the 4"
    assert [text.startswith(told) for text in found] == [True] * warned


def test_slurms_nodes_have_what_their_batch_script_asks_for() -> None:
    on = pool()
    body = slurm_nodes(SchedulerSpec(), on)["train"]
    judge(body)
    slurmd = body["spec"]["slurmd"]
    mounted = {one["mountPath"] for one in slurmd["volumeMounts"]}
    assert {"/dev/shm", "/fsx"} <= mounted  # noqa: S108  # mounts in a pod
    assert body["spec"]["replicas"] == 4
    assert int(slurmd["resources"]["limits"]["memory"].removesuffix("Mi")) <= on.room.memory_gib * 1024
    script = sbatch(job(), on, "pretrain-1")
    assert "--mem=0\n" in script
    assert "--container-image='registry.example#penstock:1'" in script
    assert "Gres=gpu:8" in body["spec"]["extraConf"]


@pytest.mark.parametrize(
    ("image", "asked"),
    [
        ("python:3.12", "python:3.12"),
        ("acme/trainer:2", "acme/trainer:2"),
        ("localhost/t:1", "'localhost#t:1'"),
        ("hub.example:5000/a/b@sha256:0f", "'hub.example:5000#a/b@sha256:0f'"),
    ],
)
def test_slurms_container_plugin_is_told_the_registry(image: str, asked: str) -> None:
    assert f" --container-image={asked} " in sbatch(job(image=image), pool(), "x")


def test_slurm_has_only_the_nodes_that_its_queue_names() -> None:
    other = pool(name="serve", node_count=3, min_count=3, max_count=3)
    spec = SchedulerSpec(queues=(QueueSpec(name="default", nodes={"train": 3}),))
    assert {name: body["spec"]["replicas"] for name, body in slurm_nodes(spec, pool(), other).items()} == {"train": 3}
    service = ServicePlan(
        name="chat", pool="serve", program=(), env={}, config={}, ports=(8000,), host="", state_folder="",
        model_folder="", follows_training=False, drain_s=1.0, accelerators=1,
    )  # fmt: skip
    refuse_held(service, other, load(SchedulerKind.SLURM).plan(spec, (pool(), other), FACTS))
    with pytest.raises(UnsupportedError, match="'chat' finds no room on the pool 'serve': Slurm's own pods"):
        refuse_held(service, other, load(SchedulerKind.SLURM).plan(SchedulerSpec(), (pool(), other), FACTS))


def test_slurm_refuses_chips_that_its_nodes_do_not_find() -> None:
    chip = replace(H100, name="trn2.48xlarge", accelerator=accelerators()["trainium2"])
    with pytest.raises(UnsupportedError, match=r"NVIDIA's chips alone.*trn2\.48xlarge"):
        slurm_nodes(SchedulerSpec(), pool(machine=chip))


@pytest.mark.parametrize(
    ("nodes", "topology", "asked"),
    [
        (256, TopologyRequest.PREFERRED, {"mode": "soft"}),
        (257, TopologyRequest.PREFERRED, None),
        (257, TopologyRequest.REQUIRED, {"mode": "hard", "highestTierAllowed": 3}),
    ],
)
def test_volcano_looks_for_close_nodes_as_long_as_that_takes_seconds(
    nodes: int, topology: TopologyRequest, asked: dict[str, object] | None
) -> None:
    large = pool(node_count=nodes, min_count=nodes, max_count=nodes)
    (made,) = (
        one for one in render(SchedulerKind.VOLCANO, job(nodes=nodes, topology=topology), large) if one["kind"] == "Job"
    )
    assert made["spec"].get("networkTopology") == asked
    (warned,) = load(SchedulerKind.VOLCANO).placement_warnings(job(nodes=nodes, topology=topology), large)
    assert ("more than 256 nodes" in warned) is (asked is None)


COMMAND = ("python3", "-m", "torchtitan.train")
TAKES_COMMANDS = [kind for kind in PODS if kind is not SchedulerKind.KUBERAY]


@pytest.mark.parametrize("kind", TAKES_COMMANDS)
def test_a_command_is_started_by_the_agent_that_comes_with_its_file(kind: SchedulerKind) -> None:
    one = job(command=COMMAND, program=(), image="r.example/titan:1")
    manifests = render(kind, one, pool())
    for manifest in manifests:
        judge(manifest)
    (files,) = [one["data"] for one in manifests if one["kind"] == "ConfigMap"]
    compile(files["agent.py"], "agent.py", "exec")
    ((_, found),) = gangs(manifests)
    container = found["spec"]["containers"][0]
    first, agent, file, *rest = container["command"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}["job-file"]
    assert (first, agent, file) == ("python3", f"{mounted}/agent.py", f"{mounted}/job.json")
    assert rest[0] == "--rendezvous"
    assert {"NODE_RANK", "POD_IP"} <= {row["name"] for row in container["env"]}
    usual = template(kind, job(), pool())["spec"]["containers"][0]
    same = ("resources", "securityContext", "env")
    assert {key: container[key] for key in same} == {key: usual[key] for key in same}, "the same fabric and devices"


@pytest.mark.parametrize("kind", [SchedulerKind.KUBERAY, SchedulerKind.SLURM])
def test_a_command_is_refused_where_penstocks_own_agent_is_started(kind: SchedulerKind) -> None:
    with pytest.raises(UnsupportedError, match=rf"training.engine: command, but {kind} starts penstock's own trainer"):
        render(kind, job(command=COMMAND, program=()), pool())
