"""Additions of Google Cloud to the resources that a stack asks it for, and the sizes and images that it then has."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from components.plan.images import ImagePlan
from rehearsal.field.deployed import BuiltResource, StoredImage
from tests.unit.providers.aws.mocks import Outputs

PROJECT, REGION = "my-project", "us-central1"
LINK = "https://www.googleapis.com/compute/v1/"
GATE, NODE_POOL = "penstock:kubernetes:Gate", "gcp:container/nodePool:NodePool"
PATHS = {
    "Network": f"projects/{PROJECT}/global/networks",
    "Subnetwork": f"projects/{PROJECT}/regions/{REGION}/subnetworks",
}
"""Beginning of the ids of a type."""


def identity(kind: str, name: str) -> str:
    """The id of a resource by the last part of its type and its name in the program."""
    return f"{PATHS.get(kind, kind.lower())}/{name}"


def _email(account: str) -> str:
    return f"{account}@{PROJECT}.iam.gserviceaccount.com"


def _named(endpoints: Mapping[str, Any], name: str) -> dict[str, Any]:
    by_name = {**endpoints["dnsEndpointConfig"], "endpoint": f"{name}.gke.goog"}
    return {**endpoints, "dnsEndpointConfig": by_name}


def _kubernetes(name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "controlPlaneEndpointsConfig": _named(asked["controlPlaneEndpointsConfig"], name),
        "masterAuth": {"clusterCaCertificate": "Q0E="},
    }


def _slurm(asked: Mapping[str, Any]) -> dict[str, Any]:
    """With the machines that people log in to."""
    slurm, place = asked["orchestrator"]["slurm"], f"projects/{PROJECT}/locations/{asked['location']}/clusters"
    login = slurm["loginNodes"]
    first = f"projects/{PROJECT}/zones/{login['zone']}/instances/{asked['clusterId']}-login-001"
    there = {**login, "instances": [{"instance": first}]}
    return {"name": f"{place}/{asked['clusterId']}", "orchestrator": {"slurm": {**slurm, "loginNodes": there}}}


def _linked(kind: str) -> Any:
    return lambda name, asked: {"selfLink": f"{LINK}{identity(kind, asked.get('name', name))}"}


OUTPUTS: Outputs = {
    "Network": _linked("Network"),
    "Subnetwork": _linked("Subnetwork"),
    "Account": lambda _name, asked: {
        "email": _email(asked["accountId"]), "member": f"serviceAccount:{_email(asked['accountId'])}"
    },
    "Bucket": lambda name, _asked: {"name": name, "projectNumber": 123456789012},
    "Cluster": lambda name, asked: _slurm(asked) if "clusterId" in asked else _kubernetes(name, asked),
    "NodePool": lambda name, _asked: {
        "instanceGroupUrls": [f"{LINK}projects/{PROJECT}/zones/us-central1-a/instanceGroupManagers/gke-{name}-grp"]
    },
    "Instance": lambda _name, asked: {
        "mountPoint": "10.1.0.2@tcp:/fast",
        "networks": [{**one, "ipAddresses": ["10.1.0.3"]} for one in asked.get("networks", ())],
    },
}  # fmt: skip
"""By the last part of a token, what the cloud adds that a program goes on with."""


def sized(made: Iterable[BuiltResource]) -> Iterator[BuiltResource]:
    """The resources with the sizes that the gate gives pools, which are made without nodes."""
    resources = list(made)
    gates = [one for one in resources if one.token == GATE]
    nodes = {pool["pool"]: pool["nodes"] for gate in gates for pool in gate.inputs["pools"]}
    scalers: Mapping[str, str] = {
        scaler["group"]: pool for gate in gates for pool, scaler in (gate.inputs.get("scalers") or {}).items()
    }
    for one in resources:
        pool = scalers.get(str(one.inputs.get("name"))) if one.token == NODE_POOL else None
        now = one.inputs if pool is None else {**one.inputs, "nodeCount": nodes[pool]}
        yield replace(one, inputs=now, asked=one.inputs)


def pushed(images: Iterable[ImagePlan], stack: str, region: str) -> Iterator[StoredImage]:
    """Images of the project's registries as they are there once penstock or the user has pushed them."""
    for one in images:
        registry = f"{region}-docker.pkg.dev/{PROJECT}/{stack}" if one.is_the_stacks else one.registry
        yield StoredImage(
            name=f"{registry}/{one.repository}", tag=one.tag, digest=one.digest, architectures=tuple(one.architectures)
        )
