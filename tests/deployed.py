"""Deployments of stacks as the present program makes them: Pulumi's mocks in the place of engine and cloud.

A resource has the inputs that the program gave, ids and outputs of the form that a cloud gives, and comes after what
the engine would make before it, its component among that.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.places import KUBECONFIG
from components.plan.images import ImagePlan
from lab.shape import LabShape
from providers import load
from rehearsal.cloud.standing import StandingThing
from rehearsal.field.deployed import BuiltResource, Deployment, MachinePool, StoredImage
from rehearsal.field.judge import facts_of
from rehearsal.field.nodes import pools_of_nodes
from rehearsal.field.reading import deployment_of
from rehearsal.places.lab import shape_of
from rehearsal.places.lookup import EXISTING
from rehearsal.providers.aws.standing import standing
from rehearsal.stack_file import config_in
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build
from tests import deployed_azure, deployed_gcp
from tests.clock import NOW
from tests.unit.providers.aws.mocks import ACCOUNT, Graph, Outputs, register, whole

UUID = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
OUTPUTS: Outputs = {
    "NodeGroup": lambda _name, asked: {
        "resources": [{"autoscalingGroups": [{"name": f"eks-{asked['nodeGroupName']}-{UUID}"}]}]
    },
    "LaunchTemplate": {"latestVersion": 7},
    "Cluster": {
        "certificateAuthority": {"data": "Q0E="}, "vpcConfig": {"clusterSecurityGroupId": "sg-1"}, "endpoint": "https://eks",
    },
    "Resource": lambda name, _asked: {
        "properties": json.dumps({
            "Id": f"pcs_{name}", "Arn": f"arn:aws:pcs:us-east-2:123456789012:cluster/{name}", "Endpoints": [],
            "ClusterArn": "arn:aws:sagemaker:us-east-2:123456789012:cluster/1",
        })
    },
    "LustreFileSystem": {"dnsName": "fs-1.fsx", "mountName": "abcd"},
    "FileSystem": {"dnsName": "fs-2.efs"},
    "Queue": lambda name, _asked: {"url": f"queue-{name}"},
    "Workspace": {"prometheusEndpoint": "https://aps-workspaces.us-east-2.amazonaws.com/workspaces/ws-1/"},
}  # fmt: skip
"""By the last part of a token, what a cloud adds that a program goes on with."""
GATE, NODE_GROUP = "penstock:kubernetes:Gate", "aws:eks/nodeGroup:NodeGroup"
NAMED = {"Role", "InstanceProfile", "Bucket", "DirectoryBucket", "Repository"}
"""Types whose id is their name."""
UNITS = {"h": 60.0, "m": 1.0, "s": 1 / 60}


def stack_deployed(file: Path, stack: str, now: datetime = NOW) -> Deployment:
    """The first `up` of the stack file under that name, of all its resources."""
    spec = read_path(file)
    plan = plan_stack(spec, stack, now)
    kubeconfig = file.with_suffix(".kubeconfig")
    kubeconfig.write_text(KUBECONFIG)
    with patch.dict(os.environ, {"KUBECONFIG": str(kubeconfig)}):
        adds = CLOUDS.get(str(spec.cluster.cloud), AMAZON)
        graph = register(lambda: build(load(spec.cluster.cloud), plan), outputs=adds.outputs, identify=adds.identify)
    facts = facts_of(spec.cluster.cloud)
    assert facts, f"{spec.cluster.cloud} is not judged"
    nodes = tuple(_nodes(shape_of(spec))) if spec.cluster.cloud == EXISTING else ()
    region = str(spec.cluster.region or "")
    config = config_in(file)
    return deployment_of(
        facts, adds.sized(built(graph, region=region)), nodes=nodes, config=config, announced=plan.warnings, now=now,
        images=tuple(adds.pushed(plan.images, stack, region)), existing=_standing(adds.standing(config)),
    )  # fmt: skip


def built(graph: Graph, *, region: str = "") -> Iterator[BuiltResource]:
    """The resources as the engine would record them, in that region."""
    for one in graph.registrations:
        given, outputs = graph.made[one.urn]
        yield BuiltResource(
            token=one.token, name=one.name, id=given, inputs=whole(one.inputs),
            outputs={**whole(outputs), **({"region": region} if region else {})},
            needs=frozenset(map(_key, (*one.needs, one.above))),
            timeouts_min={name: _minutes(text) for name, text in one.timeouts.items()},
        )  # fmt: skip


def _sized(made: Iterable[BuiltResource]) -> Iterator[BuiltResource]:
    """The resources with the sizes that the gate gives groups of EKS's, which are made without nodes."""
    resources = list(made)
    gates = [one for one in resources if one.token == GATE]
    nodes = {pool["pool"]: pool["nodes"] for gate in gates for pool in gate.inputs["pools"]}
    sizes = {
        scaler["group"]: {"minSize": int(scaler["least"]), "maxSize": int(scaler["most"]), "desiredSize": nodes[pool]}
        for gate in gates
        for pool, scaler in (gate.inputs.get("scalers") or {}).items()
        if scaler.get("kind") == "eks"
    }
    for one in resources:
        size = sizes.get(str(one.inputs.get("nodeGroupName"))) if one.token == NODE_GROUP else None
        now = one.inputs if size is None else {**one.inputs, "scalingConfig": size}
        yield replace(one, inputs=now, asked=one.inputs)


def _standing(things: Iterable[StandingThing]) -> tuple[BuiltResource, ...]:
    """The network that the stack file names, and what else stands there, as a rehearsal's account has it."""
    return tuple(
        BuiltResource(token=one.token, name=one.id, id=one.id, inputs=one.inputs, outputs={**one.inputs, **one.outputs})
        for one in things
    )


def _pushed(images: Iterable[ImagePlan], stack: str, region: str) -> Iterator[StoredImage]:
    """Images of the account's registries as they are there once penstock or the user has pushed them."""
    for one in images:
        registry = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/{stack}" if one.is_the_stacks else one.registry
        yield StoredImage(
            name=f"{registry}/{one.repository}", tag=one.tag, digest=one.digest, architectures=tuple(one.architectures)
        )


def identity(kind: str, name: str) -> str:
    """The id of a resource by the last part of its type."""
    return name if kind in NAMED else f"{kind.lower()}-{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Additions of a cloud to what it is asked for, and the sizes and images that it then has."""

    outputs: Outputs
    identify: Callable[[str, str], str]
    sized: Callable[[Iterable[BuiltResource]], Iterator[BuiltResource]]
    pushed: Callable[[Iterable[ImagePlan], str, str], Iterator[StoredImage]]
    standing: Callable[[Mapping[str, Any]], Iterable[StandingThing]] = standing


AMAZON = Cloud(outputs=OUTPUTS, identify=identity, sized=_sized, pushed=_pushed)
GOOGLE = Cloud(
    outputs=deployed_gcp.OUTPUTS, identify=deployed_gcp.identity, sized=deployed_gcp.sized, pushed=deployed_gcp.pushed
)
MICROSOFT = Cloud(
    outputs=deployed_azure.OUTPUTS, identify=deployed_azure.identity, sized=deployed_azure.sized,
    pushed=deployed_azure.pushed, standing=deployed_azure.standing,
)  # fmt: skip
CLOUDS = {"gcp": GOOGLE, "azure": MICROSOFT}


def _key(urn: str) -> str:
    """As BuiltResource.key."""
    *_, types, name = urn.split("::", 3)
    return f"{types.rpartition('$')[2]} {name}"


def _minutes(text: str) -> float:
    """`1h30m` as 90."""
    return sum(float(count) * UNITS[unit] for count, unit in re.findall(r"([\d.]+)([hms])", text))


def _nodes(shape: LabShape) -> Iterator[MachinePool]:
    """Pools of the nodes as they would tell of themselves."""
    bodies = [
        {"metadata": {"name": one.name, "labels": one.all_labels()}, "spec": {"taints": list(one.taints)},
         "status": {"allocatable": dict(one.allocatable)}}
        for one in (*shape.process, *shape.kwok)
    ]  # fmt: skip
    return pools_of_nodes(bodies, ())
