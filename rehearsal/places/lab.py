"""A stack on a lab: real controllers, pods that run, and after `up` the proof that they did what the stack is for."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import PenstockError, Problem, SpecError
from components.kubernetes.api import ApiError, KubernetesApi
from components.plan.kubernetes import NAMESPACE
from components.spec.stack import StackSpec, parse_stack
from engine.cli import Engine
from engine.process import Run
from engine.state import StackState
from lab.addons import charts
from lab.lab import Lab, down, find_lab, up
from lab.node.volumes import persistent_volume
from lab.programs import programs_for
from lab.proof import Deployed, ProofError, prove
from lab.shape import LabNode, LabShape
from providers import clouds
from providers.existing.settings import ExistingSpec, MachineSpec
from rehearsal.field.allocatable import FORMULAS, node_rows
from rehearsal.field.deployed import Surroundings
from rehearsal.field.nodes import pools_of_nodes
from rehearsal.places.place import AccountReport, RehearsalError
from rehearsal.providers.kubernetes.manifests import identity
from rehearsal.providers.kubernetes.real import applying_to
from rehearsal.providers.kubernetes.servicer import KubernetesProvider
from rehearsal.recovery import recover
from rehearsal.stack_file import settings_in

SYSTEM = "system"
"""The pool of the node that controllers run on, where the stack's own pools are for its jobs."""
STANDING = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
"""Namespaces of an empty cluster."""

OWN_MACHINES = ("bare metal", "coreweave")
"""Clouds of nodes.csv whose kubelets reserve next to nothing."""
PODS = 110
"""The most on one node, as a kubelet takes when nobody says otherwise."""

Say = Callable[[str], None]


class LabPlace:
    """One rehearsal's lab. `say` is told how far a proof is."""

    now_min = 0.0

    def __init__(
        self, lab: Lab, provider: KubernetesProvider, env: Mapping[str, str], mount_path: str, say: Say
    ) -> None:
        self.lab = lab
        self.env = env
        self._provider = provider
        self._mount_path = mount_path
        self._say = say

    def recover(self, engine: Engine, stack: str, state: StackState) -> tuple[str, ...]:
        """Goes on after an engine that was interrupted: see rehearsal.recovery."""
        with KubernetesApi(self.lab.access()) as api:
            return recover(engine, stack, state, None, _Standing(api))

    def follow(self, run: Run) -> None:
        pass

    def note_retained(self, state: StackState) -> None:
        pass

    def injected(self, phase: str) -> tuple[str, ...]:
        return ()

    def after(self, phase: str, state: StackState) -> tuple[str, ...]:
        """The proof, once the stack is up."""
        if phase != "up":
            return ()
        with KubernetesApi(self.lab.access()) as api:
            try:
                return prove(api, Deployed.of(state), _on_host(self.lab, api, self._mount_path), self._say)
            except ProofError as error:
                logs = self._keep_logs()
                raise RehearsalError(f"{error}; the pods' logs are in {logs}") from None

    def push_images(self, stack_file: Path) -> tuple[str, ...]:
        """A lab's nodes pull nothing."""
        return ()

    def surroundings(self) -> Surroundings:
        """The lab's own nodes, by its API server."""
        with KubernetesApi(self.lab.access()) as api:
            return Surroundings(nodes=tuple(pools_of_nodes(api.list("v1", "Node"), api.list("v1", "Pod"))))

    def resized(self) -> Mapping[str, Mapping[str, Any]]:
        """None: its nodes are what they are."""
        return {}

    def _keep_logs(self) -> Path:
        """Keeps the pods' logs, where the end of the lab does not take them along."""
        kept = self.lab.home.folder.parent.with_name(f"{self.lab.home.folder.parent.name}-logs")
        shutil.rmtree(kept, ignore_errors=True)
        pods = self.lab.home.nodes / "pods"
        for log in pods.glob("*/*.log"):  # beside them lie volumes, with sockets and whatever else a pod makes
            place = kept / log.relative_to(pods)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(log, place)
        return kept

    def report(self) -> AccountReport:
        with KubernetesApi(self.lab.access()) as api:
            left = tuple(_leftovers(api))
            kept = tuple(_definitions(api))
        return AccountReport(
            requests_by_oracle={"real API server": self._provider.requests}, requests_by_operation={}, uncovered=(),
            unused_faults=(), left=left, kept_on_purpose=kept,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Standing:
    """Objects on the lab, for rehearsal.recovery."""

    api: KubernetesApi

    def find(self, token_kind: tuple[str, str], namespace: str, name: str) -> str:
        """The id of the object of that apiVersion and kind, "" where there is none."""
        try:
            found = self.api.get(*token_kind, name, namespace)
        except ApiError:
            return ""  # the kind itself is not there
        return identity(found) if found else ""


@contextmanager
def on_lab(file: Path, home: Path, say: Say) -> Iterator[LabPlace]:
    """The lab that the stack file's pools ask for, up while the block runs and as long as its folder `home` is there.

    A state whose lab is gone is forgotten: what it describes went with the lab.
    """
    spec = _spec(file)
    shape = shape_of(spec)
    tools = programs_for(shape)
    if find_lab(home / "lab") is None:
        shutil.rmtree(home, ignore_errors=True)
    lab = up(home / "lab", shape, tools, say=say)
    with applying_to(None, helm=tools.programs["helm"], charts=charts(tools), home=home / "provider") as (
        port,
        provider,
    ):
        env = {"KUBECONFIG": str(lab.kubeconfig), "PULUMI_DEBUG_PROVIDERS": f"kubernetes:{port}"}
        yield LabPlace(lab, provider, env, _mount_path(spec), say)


def take_lab_down(home: Path) -> None:
    """No process of a rehearsal's lab is left; fine where there is none."""
    down(home / "lab")


def shape_of(spec: StackSpec) -> LabShape:
    """A node for each of the stack's, and one for controllers.

    Pools with accelerators are KWOK nodes, whose pods only say that they run; the others run theirs.
    """
    settings = spec.settings
    if not isinstance(settings, ExistingSpec):
        raise PenstockError("a lab is an existing cluster: the stack file's cluster.cloud must be `existing`")
    process = [LabNode(name=SYSTEM, pool=SYSTEM)]
    kwok: list[LabNode] = []
    for pool in spec.cluster.node_pools:
        machine = settings.machines.get(pool.machine_type)
        if machine is None:
            message = f"the lab has to know what a {pool.machine_type!r} is; describe it under existing.machines"
            raise SpecError([Problem(path=f"cluster.nodePools.{pool.name}.machineType", message=message)])
        taints = tuple({"key": one.key, "value": one.value, "effect": str(one.effect)} for one in pool.taints)
        nodes = [
            LabNode(
                name=f"{pool.name}-{index}", pool=pool.name, labels=_labels(pool.machine_type, machine), taints=taints,
                allocatable=_allocatable(machine),
            )
            for index in range(pool.count)
        ]  # fmt: skip
        (kwok if machine.accelerator_count else process).extend(nodes)
    return LabShape(process=tuple(process), kwok=tuple(kwok))


def _labels(machine_type: str, machine: MachineSpec) -> dict[str, str]:
    levels = dict.fromkeys(machine.topology_keys, "lab")  # the nodes of a lab are near each other
    return {"node.kubernetes.io/instance-type": machine_type, **levels, **machine.labels}


def _allocatable(machine: MachineSpec) -> dict[str, str]:
    """Offer that the stack file states, else the least that own machines of that memory were measured to have."""
    devices = {name: str(count) for name, count in machine.devices.items()}
    offer = {"cpu": str(machine.cores), "memory": f"{_offered_ki(machine.memory_gib)}Ki"}
    if machine.allocatable:
        offer |= {name: str(value) for name, value in machine.allocatable.model_dump().items()}
    return {**offer, "pods": str(PODS), **devices}


def _offered_ki(nominal_gib: float) -> int:
    """The formula of a kubelet that reserves nothing, and no more than any measured row of so much memory."""
    measured = [
        row.allocatable_memory_ki
        for (cloud, _), rows in node_rows().items()
        for row in rows
        if cloud in OWN_MACHINES and row.nominal_memory_gib == nominal_gib and not row.hugepages_2mi_mib
    ]
    return max(0, min([FORMULAS["bare metal"](nominal_gib, PODS), *filter(None, measured)]))


def _mount_path(spec: StackSpec) -> str:
    volume = spec.settings.volume if isinstance(spec.settings, ExistingSpec) else None
    return volume.mount_path if volume else "/"


def _spec(file: Path) -> StackSpec:
    content = settings_in(file)
    return parse_stack(content.get("config") or {}, file.name, clouds())


def _on_host(lab: Lab, api: KubernetesApi, mount_path: str) -> Callable[[str], Path]:
    """Place of a path of the volume on this machine."""

    def place(path: str) -> Path:
        for volume in api.list("v1", "PersistentVolume"):
            spec = volume["spec"]
            if spec["claimRef"]["namespace"] == NAMESPACE:
                return persistent_volume(spec, lab.home.nodes).path / Path(path).relative_to(mount_path)
        raise RehearsalError("the stack made no volume")

    return place


def _leftovers(api: KubernetesApi) -> Iterator[str]:
    """Objects that an empty cluster does not have."""
    yield from (f"Namespace {name}" for name in _names(api, "v1", "Namespace") if name not in STANDING)
    yield from (f"PersistentVolume {name}" for name in _names(api, "v1", "PersistentVolume"))


def _definitions(api: KubernetesApi) -> Iterator[str]:
    """Those that Helm leaves, as all that lie in a chart's folder `crds`: everybody's objects would go with them."""
    for name in _names(api, "apiextensions.k8s.io/v1", "CustomResourceDefinition"):
        if not name.endswith(".kwok.x-k8s.io"):
            yield f"CustomResourceDefinition {name}, as Helm leaves it"


def _names(api: KubernetesApi, api_version: str, kind: str) -> list[str]:
    return [one["metadata"]["name"] for one in api.list(api_version, kind)]
