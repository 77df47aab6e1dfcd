"""Labs of many KWOK nodes with a scheduler as penstock installs it on them, and jobs as penstock renders them."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from components.catalog import MachineType, accelerators
from components.fabric import Collective, Fabric
from components.kubernetes.api import KubernetesApi
from components.labels import BLOCK_LABEL, POOL_LABEL, RACK_LABEL
from components.plan.cluster import NodePoolPlan, PodBinding, Taint
from components.plan.kubernetes import NAMESPACE, KubernetesFacts, SchedulerPlan
from components.plan.work import JobPlan
from components.platform.addons.kueue_config import manager_config
from components.platform.plan import plan_platform
from components.platform.request import PlatformRequest
from components.schedulers import load
from components.spec.cluster import TaintEffect
from components.spec.platform import AddonSpec, PlatformSpec
from components.spec.scheduler import QueueSpec, SchedulerKind, SchedulerSpec, TopologyRequest
from lab.charts import charts_in
from lab.control_plane import REQUESTS_PER_S
from lab.helm import HelmReleases
from lab.kwok import TAINT
from lab.lab import Lab, down, up
from lab.programs import programs_for
from lab.releases import ReleaseAsk, chart_name
from lab.shape import LabShape, plain_shape
from plugin.kubernetes.barrier import missing
from plugin.local.processes import family
from tools.lab import Tools

POOL = "kwok"
"""As plain_shape names it."""
FACTS = KubernetesFacts(version="1.36", flavour="existing", system_selector={POOL_LABEL: "process"})
"""Controllers are told their node: of a thousand the scheduler looks at some hundreds, and takes one of those."""
BARRIER_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabCluster:
    """A lab with queues that are open, or one without a scheduler beside Kubernetes' own."""

    lab: Lab
    api: KubernetesApi
    pool: NodePoolPlan
    plan: SchedulerPlan

    def job_set(self, name: str, nodes: int, **changes: Any) -> dict[str, Any]:
        """The JobSet that penstock makes of a job of so many nodes with 8 GPUs each."""
        (found,) = (one for one in self.objects(SchedulerKind.KUEUE, name, nodes, **changes) if one["kind"] == "JobSet")
        return found

    def objects(self, kind: SchedulerKind, name: str, nodes: int, **changes: Any) -> list[dict[str, Any]]:
        """The objects of such a job, the one that starts it last, without its file, which no KWOK node reads."""
        made = load(kind).render_job(_job(name, nodes, **changes), self.pool, self.plan)
        return [dict(one) for one in made if one["kind"] != "ConfigMap"]

    def processor_s(self) -> dict[str, float]:
        """Processor time of each of the lab's programs until now."""
        found: dict[str, float] = {}
        for process in family(self.lab.init):
            try:
                seen = psutil.Process(process.pid)
                used, name = seen.cpu_times(), seen.name()
            except psutil.Error:
                continue
            found[name] = found.get(name, 0.0) + used.user + used.system
        return found


@contextmanager
def cluster(
    nodes: int, queues: tuple[str, ...] = (), *, kind: SchedulerKind = SchedulerKind.KUEUE, bare: bool = False,
    limits_as_shipped: bool = False,
) -> Iterator[LabCluster]:  # fmt: skip
    """A lab of that many KWOK nodes of 8 GPUs, 16 to a rack and 4 racks to a block, one process node for controllers.

    Controllers have the client limits of the lab's own control plane, unless they are to stay `as_shipped`. A `bare`
    one has none, and no webhook.
    """
    shape = plain_shape(process=1, kwok=nodes)
    pool = _pool(nodes)
    asked = SchedulerSpec(queues=tuple(QueueSpec(name=name) for name in queues))
    plan = load(kind).plan(asked, (pool,), FACTS)
    tools = programs_for(shape)
    with running(shape, tools) as lab, KubernetesApi(lab.access()) as api:
        if not bare:
            _install(lab, api, plan, tools, {} if limits_as_shipped else _same_limits(plan))
        for name in (NAMESPACE, "bare"):
            api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for body in () if bare else (*plan.objects, *plan.opening):
            api.apply(body)
        yield LabCluster(lab=lab, api=api, pool=pool, plan=plan)


@contextmanager
def running(shape: LabShape, tools: Tools) -> Iterator[Lab]:
    """A lab in a folder of its own, gone with the block."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-bench-"))
    try:
        yield up(folder / "lab", shape, tools, stays=False)
    finally:
        down(folder / "lab")
        shutil.rmtree(folder)


def _install(
    lab: Lab, api: KubernetesApi, plan: SchedulerPlan, tools: Tools, own: Mapping[str, AddonSpec]
) -> None:  # fmt: skip
    """The add-ons of the scheduler by the real helm, with the values that the platform's plan has for them."""
    request = PlatformRequest(facts=FACTS, spec=PlatformSpec(addons=dict(own)), scheduler_addons=plan.addons)
    charts = charts_in(tools.files(module, "charts") for module in ("kueue", "jobset", "trainer", "volcano"))
    helm = HelmReleases(tools.programs["helm"], charts, lab.access(), lab.home.folder / "provider")
    for addon in plan_platform(request).addons:
        if addon.name not in plan.addons or addon.release is None:
            continue
        helm.install(
            ReleaseAsk(
                name=addon.name, namespace=addon.namespace, chart=chart_name(addon.release.chart),
                version=addon.release.version, values=addon.release.values, create_namespace=True,
                timeout_s=addon.release.timeout_s, wait=True, wait_for_jobs=False, atomic=False, skip_crds=False,
            )
        )  # fmt: skip
        end = time.monotonic() + BARRIER_S
        while waiting := missing(api, addon.crds, addon.webhooks):
            assert time.monotonic() < end, waiting
            time.sleep(0.2)


def _same_limits(plan: SchedulerPlan) -> dict[str, AddonSpec]:
    """Values by which the controllers may ask as often as the lab's scheduler and controller manager."""
    limits = {"qps": REQUESTS_PER_S, "burst": 2 * REQUESTS_PER_S}
    text = manager_config(PlatformRequest(facts=FACTS, scheduler_addons=plan.addons))
    text = yaml.safe_dump(yaml.safe_load(text) | {"clientConnection": limits}, sort_keys=False)
    rates = {f"{one}_kube_api_{key}": limit for one in ("controller", "scheduler") for key, limit in limits.items()}
    values: dict[str, dict[str, Any]] = {
        "kueue": {"managerConfig": {"controllerManagerConfigYaml": text}},
        "jobset": {"controller": {"clientConnection": limits}},
        "volcano": {"custom": rates},
    }
    return {name: AddonSpec(values=values[name]) for name in plan.addons if name in values}


def _pool(nodes: int) -> NodePoolPlan:
    machine = MachineType(
        name="kwok", cores=192, memory_gib=2048, accelerator=accelerators()["h100"], accelerator_count=8,
        fabric=Fabric.ETHERNET, fabric_gbps=100,
    )  # fmt: skip
    binding = PodBinding(
        devices={"nvidia.com/gpu": 8},
        node_selector={POOL_LABEL: POOL},
        tolerations=(Taint(key=TAINT["key"], value=TAINT["value"], effect=TaintEffect(TAINT["effect"])),),
        topology_keys=(BLOCK_LABEL, RACK_LABEL),
    )
    return NodePoolPlan(
        name=POOL, machine=machine, node_count=nodes, min_count=nodes, max_count=nodes, fabric=machine.fabric,
        collective=Collective.NCCL, binding=binding,
    )  # fmt: skip


def _job(name: str, nodes: int, **changes: Any) -> JobPlan:
    fields: dict[str, Any] = {
        "name": name, "pool": POOL, "nodes": nodes, "min_nodes": nodes, "ranks_per_node": 8,
        "program": ("-m", "workloads.pretrain"), "env": {}, "config": {}, "run_folder": "/", "identity": name,
        "grace_s": 30.0, "max_agent_restarts": 0, "memory_gib": 640.0, "image": "penstock.dev/workload:1",
        "cpu": 184.0, "pod_memory_gib": 1843.0, "topology": TopologyRequest.PREFERRED,
    }  # fmt: skip
    return JobPlan(**fields | changes)
