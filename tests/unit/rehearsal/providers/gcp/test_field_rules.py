"""Field rules of Google Cloud: a small stack that breaks none, and one change that breaks each."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rehearsal.field.deployed import BuiltResource, Deployment
from rehearsal.field.reading import deployment_of
from rehearsal.field.rules import findings
from rehearsal.providers.gcp.field_facts import FACTS
from rehearsal.providers.gcp.node_marks import memory_rows

P, REGION, ZONE = "tiny-project", "us-central1", "us-central1-a"
NET, SUBNET = f"projects/{P}/global/networks/net", f"projects/{P}/regions/{REGION}/subnetworks/nodes"
EMAIL = f"tiny-nodes@{P}.iam.gserviceaccount.com"
TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
TPU_TOLERATION = {"key": "google.com/tpu", "operator": "Exists"}

Resources = dict[str, tuple[str, dict[str, Any], dict[str, Any]]]


def stack(**changed: Mapping[str, Any] | None) -> Deployment:
    """The stack with members of resources changed, by dotted path; None is without it."""
    resources: Resources = {
        "net": ("compute/network:Network", {"name": "net", "mtu": 8896}, {"id": NET}),
        "nodes": (
            "compute/subnetwork:Subnetwork",
            {
                "name": "nodes", "network": NET, "privateIpGoogleAccess": True,
                "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}],
            },
            {"id": SUBNET},
        ),
        "out": ("compute/routerNat:RouterNat", {"name": "out"}, {}),
        "account": ("serviceaccount/account:Account", {"accountId": "tiny-nodes"}, {"email": EMAIL}),
        "role": (
            "projects/iAMMember:IAMMember",
            {"role": "roles/container.defaultNodeServiceAccount", "member": f"serviceAccount:{EMAIL}"}, {},
        ),
        "pulls": (
            "projects/iAMMember:IAMMember",
            {"role": "roles/artifactregistry.reader", "member": f"serviceAccount:{EMAIL}"}, {},
        ),
        "cluster": (
            "container/cluster:Cluster",
            {
                "name": "tiny", "location": REGION, "nodeLocations": [ZONE], "removeDefaultNodePool": True,
                "subnetwork": SUBNET, "ipAllocationPolicy": {"clusterSecondaryRangeName": "pods"},
                "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}},
                "gatewayApiConfig": {"channel": "CHANNEL_DISABLED"},
                "monitoringConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "DCGM"]},
            },
            {},
        ),
        "system": ("container/nodePool:NodePool", pool("system", "e2-standard-4"), {}),
        "train": (
            "container/nodePool:NodePool",
            pool("train", "g2-standard-48", taints=[TAINT], guestAccelerators=[
                {"type": "nvidia-l4", "count": 4, "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"}}
            ]) | {"upgradeSettings": {"maxSurge": 0, "maxUnavailable": 1}},
            {},
        ),
    }  # fmt: skip
    for name, change in changed.items():
        if change is None:
            del resources[name]
        elif name in resources:
            for path, value in change.items():
                put(resources[name][1], path.split("."), value)
        else:
            inputs = {key: value for key, value in change.items() if key not in ("token", "outputs")}
            resources[name] = (change["token"], inputs, dict(change.get("outputs", {})))
    return deployment_of(FACTS, [built(name, *one) for name, one in resources.items()])


def built(name: str, token: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> BuiltResource:
    token = token if token.startswith("kubernetes:") else f"gcp:{token}"
    told = {"name": name, **outputs}
    return BuiltResource(token=token, name=name, id=str(outputs.get("id", name)), inputs=inputs, outputs=told)


def pool(name: str, machine: str, **config: Any) -> dict[str, Any]:
    nodes = {"machineType": machine, "serviceAccount": EMAIL, **config}
    return {
        "name": name, "cluster": "tiny", "location": REGION, "nodeLocations": [ZONE], "nodeCount": 2,
        "maxPodsPerNode": 32, "nodeConfig": nodes,
    }  # fmt: skip


def put(body: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {})
    body[path[-1]] = value


def told(deployment: Deployment) -> list[str]:
    return [f"{one.rule}, {one.subject}: {one.message}" for one in findings(deployment)]


def release(chart: str, space: str = "gpu", **values: Any) -> dict[str, Any]:
    return {"token": "kubernetes:helm.sh/v3:Release", "chart": chart, "namespace": space, "values": values}


def thing(kind: str, **body: Any) -> dict[str, Any]:
    meta = body.pop("metadata", {"name": "x", "namespace": "jobs"})
    return {"token": f"kubernetes:v1:{kind}", "kind": kind, "metadata": meta, **body}


def job(kind: str = "Job", *, limits: Mapping[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    asked = limits or {"nvidia.com/gpu": "4", "memory": "100Gi", "cpu": "20"}
    tolerations = [{"key": "nvidia.com/gpu", "operator": "Exists"}, TPU_TOLERATION]
    pod = {
        "containers": [{"name": "main", "image": "python:3.12", "resources": {"limits": asked, "requests": asked}}],
        "tolerations": tolerations, **spec,
    }  # fmt: skip
    stays = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    return thing(kind, apiVersion="batch/v1", spec={"template": {"metadata": {"annotations": stays}, "spec": pod}})


SLICE = {
    "token": "container/nodePool:NodePool",
    **pool("slice", "ct6e-standard-4t", taints=[{**TAINT, "key": "google.com/tpu"}]),
    "placementPolicy": {"tpuTopology": "2x4"}, "upgradeSettings": {"maxSurge": 0, "maxUnavailable": 1},
}  # fmt: skip
NO_IPV6 = {"privateIpv6GoogleAccess": "PRIVATE_IPV6_GOOGLE_ACCESS_DISABLED"}
TRAIN = {"cloud.google.com/gke-nodepool": "train"}
RANGE = {"token": "compute/globalAddress:GlobalAddress", "purpose": "VPC_PEERING", "prefixLength": 24}
EGRESS = {
    "policyTypes": ["Egress"],
    "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 443}]}],
}


def test_a_small_stack_breaks_no_rule() -> None:
    quota = thing(
        "ResourceQuota", metadata={"name": "critical", "namespace": "gpu"},
        spec={"scopeSelector": {"matchExpressions": [{"values": ["system-node-critical"]}]}},
    )  # fmt: skip
    whole = stack(
        job=job(), quota=quota, dra=release("nvidia-dra-driver-gpu"), slice=SLICE, cluster=NO_IPV6,
        host=job("JobSet", limits={"google.com/tpu": 4}),
    )  # fmt: skip
    assert told(whole) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"system": {"nodeConfig.taints": [{**TAINT, "key": "a"}]}}, "system pool: fewer than 2 nodes without taints"),
        ({"system": {"nodeConfig.spot": True}}, "system pool: fewer than 2 nodes without taints"),
        ({"system": {"nodeCount": 1}}, "system pool: fewer than 2 nodes without taints"),
        (
            {"nodes": {"secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/25"}]}},
            "need 256 addresses of pods, and 10.4.0.0/25 has 128: IP_SPACE_EXHAUSTED",
        ),
        ({"cluster": {"nodeLocations": None}}, "a node in each of three zones, 300 GB of SSD_TOTAL_GB"),
        ({"cluster": {"clusterAutoscaling": {"enabled": True}}}, "node auto-provisioning is on"),
        ({"train": {"upgradeSettings": {"maxSurge": 1}}}, "pool train: an upgrade starts one more g2-standard-48"),
        ({"train": {"upgradeSettings": None}}, "pool train: an upgrade starts one more g2-standard-48"),
        (
            {"train": {"nodeLocations": None}, "cluster": {"nodeLocations": None, "removeDefaultNodePool": False}},
            "pool train: its 2 nodes are of each of three zones",
        ),
        (
            {
                "net": {"mtu": 1460},
                "train": {
                    "nodeConfig.machineType": "a3-ultragpu-8g",
                    "networkConfig.additionalNodeNetworkConfigs": [{"network": NET}],
                },
            },
            "net: its MTU is 1460, and the fabric of the pool train wants 8896",
        ),
        ({"train": {"nodeLocations": ["us-east5-b"]}}, "pool train: us-east5 has no g2-standard-48"),
        (
            {
                "fast": {"token": "lustre/instance:Instance"},
                "system": {"nodeConfig.shieldedInstanceConfig": {"enableSecureBoot": True}},
            },
            "pool system: its nodes boot securely and take no module of others",
        ),
        ({"train": {"maxPodsPerNode": 15}}, "pool train: 15 pods a node, and GKE's own daemon sets are 12"),
        (
            {"net": {"networkProfile": "global/networkProfiles/us-central1-a-vpc-roce"}},
            "net: networkProfile global/networkProfiles/us-central1-a-vpc-roce has no project",
        ),
        ({"nodes": {"privateIpGoogleAccess": False}, "out": None}, "privateIpGoogleAccess is off and no NAT is there"),
        (
            {"range": RANGE, "fast": {"token": "lustre/instance:Instance"}},
            "range: a range of /24 has no contiguous /23",
        ),
        ({"psa": {"token": "servicenetworking/connection:Connection"}}, "deletionPolicy REMOVE_PEERING"),
        ({"data": {"token": "storage/bucket:Bucket"}}, "data: deleted and overwritten checkpoints are billed"),
        ({"train": {"nodeConfig.serviceAccount": None}}, "its nodes have Compute Engine's default identity"),
        ({"role": None}, "has no logging.logWriter, monitoring.metricWriter"),
        ({"slice": SLICE}, "TPU nodes get an IPv6 address without a route"),
        ({"train": {"nodeConfig.guestAccelerators": []}}, "pool train: no driver is named"),
        ({"operator": release("gpu-operator")}, "gpu-operator: installs what GKE owns"),
        ({"plugin": release("nvidia-device-plugin")}, "two device plugins"),
        ({"dcgm": release("dcgm-exporter", "kube-system")}, "GKE's own DCGM is on"),
        (
            {"envoy": release("gateway-helm"), "cluster": {"gatewayApiConfig.channel": "CHANNEL_STANDARD"}},
            "gateway-helm: GKE keeps its own versions of the Gateway definitions",
        ),
        ({"volcano": release("volcano")}, "volcano: its critical pods are refused in gpu"),
        ({"job": job(priorityClassName="system-node-critical")}, "Job x: its critical pods are refused in jobs"),
        ({"wall": thing("NetworkPolicy", spec=EGRESS)}, "lets no pod ask 169.254.169.254/32 or 169.254.20.10/32"),
        ({"wall": thing("NetworkPolicy", spec=EGRESS)}, "lets no pod reach the metadata server"),
        (
            {
                "kueue": release("kueue", managerConfig={"controllerManagerConfigYaml": "waitForPodsReady: {}"}),
                "queue": thing("ClusterQueue", spec={"resourceGroups": [{"coveredResources": ["cpu"]}]}),
                "job": thing("Job", metadata={"name": "x", "annotations": {"networking.gke.io/interfaces": "[]"}}),
            },
            "jobs that name networks ask for networking.gke.io.networks/",
        ),
        (
            {
                "slice": SLICE, "cluster": NO_IPV6,
                "flavor": thing(
                    "ResourceFlavor",
                    spec={
                        "nodeLabels": {"cloud.google.com/gke-tpu-topology": "2x4"}, "topologyName": "default",
                    },
                ),
            },
            "a flavor of TPUs with a topology",
        ),
        (
            {
                "train": {"nodeConfig.machineType": "a4-highgpu-8g"},
                "claim": thing("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"]}),
                "job": job(
                    nodeSelector={"cloud.google.com/gke-nodepool": "train"},
                    volumes=[{"name": "a", "persistentVolumeClaim": {"claimName": "x"}}],
                ),
            },
            "its disk x is of pd-balanced, which a4-highgpu-8g cannot attach",
        ),
        (
            {"slice": SLICE, "cluster": NO_IPV6, "job": job("JobSet", limits={"google.com/tpu": 2})},
            "asks 2 chips of nodes that have 4",
        ),
        (
            {"slice": SLICE, "cluster": NO_IPV6, "job": job(limits={"google.com/tpu": 4})},
            "a Job on slices of several hosts gets no TPU_WORKER_HOSTNAMES",
        ),
        ({"svc": thing("Service", spec={"type": "LoadBalancer"})}, "Service x: faces everybody"),
        ({"job": job(runtimeClassName="nvidia")}, "names the runtime class nvidia"),
        # Rows of the rules that every cloud has.
        (
            {
                "cluster": {
                    "controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}},
                },
                "object": thing("ConfigMap"),
            },
            "reach, API server: tiny answers only inside the network that the same `up` makes",
        ),
        (
            {
                "cluster": {
                    "controlPlaneEndpointsConfig": {}, "privateClusterConfig": {"enablePrivateEndpoint": True},
                },
                "object": thing("ConfigMap"),
            },
            "reach, API server: tiny answers only inside the network",
        ),
        (
            {"job": job(limits={"nvidia.com/gpu": "4", "memory": "176Gi"}, nodeSelector=TRAIN)},
            "asks 176 GiB of g2-standard-48, of which 174 at most are sure",
        ),
        ({"job": job(nodeSelector={"cloud.google.com/gke-nodepool": "other"})}, "no node takes it"),
        (
            {"job": {**job(), "spec": {"template": {"spec": {"containers": [
                {"image": f"us-docker.pkg.dev/{P}/own/train:1", "name": "x"}]}}}},
             "repository": {"token": "artifactregistry/repository:Repository", "repositoryId": "own",
                            "outputs": {"registryUri": f"us-docker.pkg.dev/{P}/own"}}},
            "the repository repository is made by the same `up` and nothing pushes to it",
        ),
        (
            {"api": {"token": "projects/service:Service", "service": "compute.googleapis.com"}},
            "propagation, Network net: net needs api, which works about 1.5 min after it is made",
        ),
        ({"train": {"nodeConfig.labels": {"kubernetes.io/arch": "arm64"}}}, "a kubelet may not set"),
    ],
)  # fmt: skip
def test_a_change_that_breaks_a_rule_is_found(changed: dict[str, Any], message: str) -> None:
    found = told(stack(**changed))
    assert any(message in one for one in found), found


def test_a_remote_repository_fetches_and_a_role_pulls() -> None:
    image = f"us-docker.pkg.dev/{P}/ghcr/org/train:1"
    remote = {
        "token": "artifactregistry/repository:Repository", "repositoryId": "ghcr", "remoteRepositoryConfig": {"a": 1},
        "outputs": {"registryUri": f"us-docker.pkg.dev/{P}/ghcr"},
    }  # fmt: skip
    spec = {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}
    body = thing("Job", apiVersion="batch/v1", spec=spec)
    assert told(stack(remote=remote, job=body)) == []
    assert any("no identity of the nodes may pull" in one for one in told(stack(remote=remote, job=body, pulls=None)))


def test_images_that_google_keeps_for_everybody_are_there() -> None:
    image = "us-docker.pkg.dev/gce-ai-infra/gpudirect-gib/nccl-plugin-gib:v1.1.1"
    spec = {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}
    body = thing("Job", apiVersion="batch/v1", spec=spec)
    assert told(stack(job=body)) == []
    assert any("nodes have no way out" in one for one in told(stack(job=body, out=None)))


def test_layers_of_the_network_are_known_by_how_machines_are_had() -> None:
    levels = [{"nodeLabel": "cloud.google.com/gce-topology-block"}, {"nodeLabel": "kubernetes.io/hostname"}]
    tree = thing("Topology", apiVersion="kueue.x-k8s.io/v1beta1", spec={"levels": levels}, metadata={"name": "default"})
    flavor = thing(
        "ResourceFlavor", apiVersion="kueue.x-k8s.io/v1beta1",
        spec={"topologyName": "default", "nodeLabels": {"cloud.google.com/gke-nodepool": "train"}},
    )  # fmt: skip
    reserved = {"nodeConfig.reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}}
    a4 = {"nodeConfig.machineType": "a4-highgpu-8g"}
    dense = told(stack(train={**a4, **reserved}, tree=tree, flavor=flavor))
    assert not [one for one in dense if "no gang is ever admitted" in one]
    spot = told(stack(train=a4, tree=tree, flavor=flavor))
    assert [one for one in spot if "have no label cloud.google.com/gce-topology-block" in one]


def test_each_row_of_memory_is_a_limit_of_the_rule() -> None:
    for name, (_, ask_gib) in memory_rows().items():
        if name.startswith(("g2", "g4")):
            asked = {"memory": f"{ask_gib + 1}Gi"}
            found = told(stack(
                train={"nodeConfig.machineType": name},
                job=job(limits=asked, nodeSelector={"cloud.google.com/gke-nodepool": "train"}),
            ))  # fmt: skip
            assert any(f"of {name}, of which {ask_gib:g} at most" in one for one in found), (
                name,
                found,
            )


GIVEN = "projects/host-project/regions/us-central1/subnetworks/given"


def in_a_given_network(cluster: Mapping[str, Any] | None = None, **subnet: Any) -> Deployment:
    """The stack in a subnet that stood there before, with members of that subnet changed; with its NAT."""
    ranges = [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}]
    inputs = {"name": "given", "privateIpGoogleAccess": True, "secondaryIpRanges": ranges, **subnet}
    there = built("given", "compute/subnetwork:Subnetwork", inputs, {"id": GIVEN})
    own = stack(net=None, nodes=None, out=None, cluster={"subnetwork": GIVEN, **(cluster or {})})
    return replace(own, existing=(there, built("way-out", "compute/routerNat:RouterNat", {"name": "way-out"}, {})))


def test_a_network_of_others_is_judged_as_one_of_the_stacks_own() -> None:
    assert told(in_a_given_network()) == []


def test_a_given_range_is_eaten_up_by_pods_too() -> None:
    small = in_a_given_network(secondaryIpRanges=[{"rangeName": "pods", "ipCidrRange": "10.4.0.0/25"}])
    (found,) = told(small)
    assert "the pools may need 256 addresses of pods, and 10.4.0.0/25 has 128: IP_SPACE_EXHAUSTED" in found


def test_a_given_subnet_without_a_way_to_registries_is_found() -> None:
    shut = in_a_given_network(privateIpGoogleAccess=False)
    assert told(shut) == [], "its NAT leads there"
    (found,) = told(replace(shut, existing=shut.existing[:1]))
    assert "privateIpGoogleAccess is off and no NAT is there" in found


def test_pulumi_is_inside_a_network_of_others_whatever_else_the_stack_makes() -> None:
    """Networks of a fabric are not those that the API server answers in."""
    shared = "projects/host-project/global/networks/shared"
    private = {"controlPlaneEndpointsConfig": {}, "privateClusterConfig": {"enablePrivateEndpoint": True}}
    fabric = built("rdma", "compute/network:Network", {"name": "rdma", "mtu": 8896}, {"id": NET})
    inside = thing("ConfigMap")
    for network, found in ((shared, 0), (NET, 1)):
        own = in_a_given_network(private | {"network": network})
        objects = built("object", inside["token"], {key: inside[key] for key in ("kind", "metadata")}, {})
        made = deployment_of(FACTS, [*own.resources, fabric, objects], existing=own.existing)
        assert len([one for one in told(made) if one.startswith("reach")]) == found, network
