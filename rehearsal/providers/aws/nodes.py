"""Derives Kubernetes nodes from the account's node groups: their number, labels, taints and devices.

Told by what the groups were made with: a managed group's own inputs, the user data of a group of one's own, HyperPod's
instance groups.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import yaml

from components.catalog import MachineType
from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import SimulatedNodes
from rehearsal.field.allocatable import offered
from rehearsal.field.deployed import MachinePool
from rehearsal.field.lnet import lacking_steps
from rehearsal.providers.aws.capacity import NODE_GROUP, SCALING_GROUP, demand, template_of
from rehearsal.providers.aws.controllers import CLUSTER
from rehearsal.providers.aws.group_facts import size_of
from rehearsal.providers.aws.kinds.cloudcontrol import RESOURCE
from rehearsal.providers.aws.lustre_facts import FABRIC_MOUNTS

HYPER_POD = "AWS::SageMaker::Cluster"
NODE_TOKENS = frozenset({CLUSTER, NODE_GROUP, SCALING_GROUP, RESOURCE})
"""Types whose creation, change and deletion change the cluster's nodes."""

EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
DEVICES = {"nvidia": "nvidia.com/gpu", "aws": "aws.amazon.com/neuron"}
"""Resource names that the vendors' device plugins give an accelerator."""
EFA = "vpc.amazonaws.com/efa"
HUGE_PAGES_MIB = 10256
"""5128 pages, which the EFA driver of EKS's images sets aside (EKS User Guide, "Manage EFA devices")."""


def nodes(account: Account) -> Iterator[SimulatedNodes]:
    """The nodes of each group. Their number is known where the group has what it asked for."""
    for thing in account.objects():
        for group in _of(account, thing):
            yield group if thing.status is Status.ACTIVE else replace(group, count=None)


def _of(account: Account, thing: Object) -> Iterator[SimulatedNodes]:
    match thing.token:
        case "aws:eks/nodeGroup:NodeGroup":
            yield _managed(account, thing)
        case "aws:autoscaling/group:Group":
            yield from _self_managed(account, thing)
        case "aws:cloudcontrol/resource:Resource" if thing.inputs["typeName"] == HYPER_POD:
            yield from _hyper_pod(thing)


def _group(thing: Object) -> str:
    """Its name, in a form that a node's name can begin with."""
    return thing.id.replace(":", "-").lower()


def _managed(account: Account, thing: Object) -> SimulatedNodes:
    inputs, asked = thing.inputs, demand(account, thing.token, thing.inputs)
    machine = asked.machine_types[0] if asked else ""
    taints = ({**one, "effect": EFFECTS[one["effect"]]} for one in inputs.get("taints") or ())
    return SimulatedNodes(
        group=_group(thing),
        count=asked.count - thing.missing if asked else 0,
        labels=_labels(machine)
        | {"eks.amazonaws.com/nodegroup": inputs["nodeGroupName"]}
        | (inputs.get("labels") or {}),
        taints=tuple(taints),
        allocatable=_allocatable(machine, _efa_devices(template_of(account, inputs))),
        modules=_modules(template_of(account, inputs)),
    )


def _self_managed(account: Account, thing: Object) -> Iterator[SimulatedNodes]:
    """Nothing where the machines are told of no cluster."""
    template = template_of(account, thing.inputs)
    told = _node_config(template.get("userData", ""))
    if not told.get("cluster"):
        return
    asked = demand(account, thing.token, thing.inputs)
    machine = asked.machine_types[0] if asked else ""
    flags = dict(flag.split("=", 1) for flag in told.get("kubelet", {}).get("flags", ()))
    yield SimulatedNodes(
        group=_group(thing),
        count=asked.count - thing.missing if asked else 0,
        labels=_labels(machine) | dict(one.split("=") for one in _listed(flags.get("--node-labels", ""))),
        taints=tuple(_taint(one) for one in _listed(flags.get("--register-with-taints", ""))),
        allocatable=_allocatable(machine, _efa_devices(template)),
        modules=_modules(template),
    )


def _hyper_pod(thing: Object) -> Iterator[SimulatedNodes]:
    for group in _instance_groups(thing):
        machine, told = group["InstanceType"].removeprefix("ml."), group.get("KubernetesConfig") or {}
        taints = ({name.lower(): value for name, value in one.items()} for one in told.get("Taints") or ())
        yield SimulatedNodes(
            group=group["InstanceGroupName"],
            count=group["InstanceCount"],
            labels=_labels(machine)
            | {"sagemaker.amazonaws.com/instance-group-name": group["InstanceGroupName"]}
            | (told.get("Labels") or {}),
            taints=tuple(taints),
            allocatable=_allocatable(machine, None),
        )


def _instance_groups(thing: Object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(thing.outputs.get("properties") or "{}").get("InstanceGroups", [])
    return found


def _node_config(user_data: str) -> Mapping[str, Any]:
    """The `spec` of nodeadm's NodeConfig, empty where the user data have none."""
    for part in message_from_bytes(base64.b64decode(user_data)).walk():
        if part.get_content_type() == "application/node.eks.aws":
            spec: Mapping[str, Any] = yaml.safe_load(str(part.get_payload()))["spec"]
            return spec
    return {}


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def _taint(text: str) -> Mapping[str, str]:
    """Of the kubelet's `key=value:effect`."""
    marked, _, effect = text.rpartition(":")
    key, _, value = marked.partition("=")
    return {"key": key, "value": value, "effect": effect}


def _labels(machine_type: str) -> dict[str, str]:
    return {"node.kubernetes.io/instance-type": machine_type} if machine_type else {}


def _efa_devices(template: Inputs) -> int:
    return sum(str(one.get("interfaceType", "")).startswith("efa") for one in template.get("networkInterfaces") or ())


def _modules(template: Inputs) -> tuple[str, ...]:
    """Lustre's driver for EFA, in use where the machine's own scripts make it so."""
    (row,) = FABRIC_MOUNTS
    return () if lacking_steps(row, str(template.get("userData") or "")) else ("kefalnd",)


def _allocatable(machine_type: str, efa_devices: int | None) -> dict[str, Any]:
    """Resources that such nodes were measured to offer, never those that the planner counts on.

    `efa_devices` None: as many as the machine can have. Nothing where no machine is asked for.
    """
    # Here, as the tables of the machine types cost a tenth of a second.
    from providers.aws.catalog import machines

    if not machine_type:
        return {}
    machine = machines()[machine_type]
    fabric = machine.max_efa if efa_devices is None else efa_devices
    pages_mib = HUGE_PAGES_MIB if fabric and not machine.compute_domain else 0
    pool = MachinePool(name="", machine_type=machine_type, huge_pages_mib=pages_mib)
    offer = offered("aws", pool, size_of(machine_type))
    memory = f"{offer.memory_ki}Ki" if offer else f"{machine.memory_gib}Gi"
    cpu = f"{offer.cpu_m}m" if offer and offer.cpu_m else machine.cores
    pages = {"hugepages-2Mi": f"{pages_mib}Mi"} if pages_mib else {}
    return {"cpu": cpu, "memory": memory, **_accelerators(machine), **({EFA: fabric} if fabric else {}), **pages}


def _accelerators(machine: MachineType) -> dict[str, int]:
    return {DEVICES[machine.accelerator.vendor]: machine.accelerator_count} if machine.accelerator else {}
