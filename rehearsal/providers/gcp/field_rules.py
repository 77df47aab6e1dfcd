"""Field rules of Google Cloud alone: what its services and nodes do that no schema says, of a stack's resources."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every
from rehearsal.field.existing import leads_out
from rehearsal.providers.gcp.machines import TPU, machine
from rehearsal.providers.gcp.names import (
    ACCOUNT,
    BUCKET,
    CLUSTER,
    CONNECTION,
    LUSTRE,
    MEMBER,
    NETWORK,
    NODE_POOL,
    RANGE,
    SUBNETWORK,
    last,
)
from rehearsal.providers.gcp.sizes import first_count, most_count

ROOM_AT = (
    "GKE, About Dataplane V2 and konnectivity: agents run on nodes, and reach the control plane for webhooks and logs"
)
LEAST_SYSTEM = 2
MTU_OF = {"a3-highgpu-8g": 8244, "a3-megagpu-8g": 8244, "a3-ultragpu-8g": 8896, "a4-highgpu-8g": 8896,
          "a4x-highgpu-4g": 8896}  # fmt: skip
DAEMONS_OF_GKE, LEAST_PODS = 12, 20
"""Pods of GKE's own on a node: Dataplane V2, netd, metadata server, logs, metrics, Prometheus' collector, drivers of
disks, Filestore, Cloud Storage and Lustre, image-package-extractor, the device plugin (listings of nodes, 2024 on);
beside them a node exporter, a probe and the job itself."""
G2_REGIONS = frozenset((
    "asia-east1", "asia-northeast1", "asia-northeast3", "asia-south1", "asia-southeast1", "europe-west1",
    "europe-west2", "europe-west3", "europe-west4", "europe-west6", "me-central2", "northamerica-northeast1",
    "northamerica-northeast2", "us-central1", "us-east1", "us-east4", "us-west1", "us-west4",
))  # fmt: skip
"""Regions in which machines of G2 are sold (cloudpilot-ai/karpenter-provider-gcp, initial-prices.json, 2026-08-03)."""
NODE_ROLES = ("logging.logWriter", "monitoring.metricWriter")
DEFAULT_NODE_ROLE = "container.defaultNodeServiceAccount"


def system_pool(deployment: Deployment) -> Iterator[Finding]:
    """Without a node that takes every pod, the agents of the control plane have no place: webhooks, logs and API
    services of the whole cluster hang.
    """
    if not any(deployment.of(CLUSTER)):
        return
    pools = [pool for pool in deployment.pools if not pool.taints and not pool.spare]
    if sum(pool.minimum for pool in pools) < LEAST_SYSTEM:
        message = (
            f"fewer than {LEAST_SYSTEM} nodes without taints are always there: webhooks and logs of the cluster hang"
        )
        yield _found("system pool", message, f"{ROOM_AT}; NVIDIA/aicr, notes on GKE")


def pool_ranges(deployment: Deployment) -> Iterator[Finding]:
    """The range of pods is eaten by what each node may have: twice as many addresses as pods, in a power of two."""
    for cluster in deployment.of(CLUSTER):
        name = at(cluster.inputs, "ipAllocationPolicy.clusterSecondaryRangeName")
        ranges = [
            at(one, "ipCidrRange")
            for subnet in _subnets(deployment)
            for one in at_all(subnet.inputs, "secondaryIpRanges")
            if at(one, "rangeName") == name
        ]
        if not name or not ranges:
            continue
        there = ip_network(str(ranges[0])).num_addresses
        needed = sum(_addresses(cluster, pool) for pool in deployment.of(NODE_POOL))
        if needed > there:
            message = f"the pools may need {needed} addresses of pods, and {ranges[0]} has {there}: IP_SPACE_EXHAUSTED"
            yield _found(cluster.name, message, "GKE, Optimize IP address allocation: max pods per node")


def _subnets(deployment: Deployment) -> Iterator[BuiltResource]:
    """Those of the stack and of a network that stood there before."""
    yield from deployment.of(SUBNETWORK)
    yield from (one for one in deployment.existing if one.token == SUBNETWORK)


def _addresses(cluster: BuiltResource, pool: BuiltResource) -> int:
    pods = at(pool.inputs, "maxPodsPerNode") or at(cluster.inputs, "defaultMaxPodsPerNode") or 110
    block = 1 << (2 * int(pods) - 1).bit_length()
    zones = max(len(at_all(pool.inputs, "nodeLocations")), 1)
    return block * most_count(pool.inputs) * zones


def first_pool(deployment: Deployment) -> Iterator[Finding]:
    """The pool that is thrown away at once is there for minutes: three nodes of a regional cluster, 100 GB each."""
    for cluster in deployment.of(CLUSTER):
        place = str(at(cluster.inputs, "location") or "")
        if re.search(r"-[a-z]$", place) or not at(cluster.inputs, "removeDefaultNodePool"):
            continue
        if len(at_all(cluster.inputs, "nodeLocations")) != 1:
            message = "its first pool has a node in each of three zones, 300 GB of SSD_TOTAL_GB: name one nodeLocation"
            yield _found(cluster.name, message, "users of new projects: Insufficient regional quota, SSD_TOTAL_GB")


def autoprovisioning(deployment: Deployment) -> Iterator[Finding]:
    """Node auto-provisioning buys what nobody asked for, and its limits hold for all pools."""
    for cluster in deployment.of(CLUSTER):
        if at(cluster.inputs, "clusterAutoscaling.enabled"):
            message = "node auto-provisioning is on: it makes pools of its own, and caps those of the stack"
            yield _found(cluster.name, message, "hail-is/hail 12128; cluster-toolkit, variables of gke-cluster")


def surge(deployment: Deployment) -> Iterator[Finding]:
    """GKE's own way of upgrading starts one more node first, which no reservation and no stock has."""
    for pool in deployment.of(NODE_POOL):
        found = machine(str(at(pool.inputs, "nodeConfig.machineType") or ""))
        flexible = at(pool.inputs, "nodeConfig.flexStart") or at(pool.inputs, "queuedProvisioning.enabled")
        if found is None or not found.chips or flexible:
            continue
        if at(pool.inputs, "upgradeSettings.maxSurge") != 0:
            message = f"an upgrade starts one more {found.name} before it takes one away: there is none; maxSurge 0"
            yield _found(
                f"pool {at(pool.inputs, 'name')}", message, "GKE, Node upgrade strategies: max-surge=1 by default"
            )


def zones_of_pools(deployment: Deployment) -> Iterator[Finding]:
    """Counts are of each zone; a pool that names none has its cluster's, three of a region."""
    clusters = {str(at(one.inputs, "name")): one for one in deployment.of(CLUSTER)}
    for pool in deployment.of(NODE_POOL):
        cluster = clusters.get(last(at(pool.inputs, "cluster")))
        own = at_all(pool.inputs, "nodeLocations") or (at_all(cluster.inputs, "nodeLocations") if cluster else [])
        regional = not re.search(r"-[a-z]$", str(at(pool.inputs, "location") or ""))
        found = machine(str(at(pool.inputs, "nodeConfig.machineType") or ""))
        if regional and not own and found and found.chips:
            message = f"its {first_count(pool.inputs)} nodes are of each of three zones: name one nodeLocation"
            yield _found(f"pool {at(pool.inputs, 'name')}", message, "pulumi-gcp, NodePool.nodeCount: per zone")


def sizes_of_frames(deployment: Deployment) -> Iterator[Finding]:
    """Largest frames of the networks of a fabric, which pods and Lustre count on."""
    networks = {last(at(one.inputs, "name")): one for one in deployment.of(NETWORK)}
    for pool in deployment.of(NODE_POOL):
        wanted = MTU_OF.get(str(at(pool.inputs, "nodeConfig.machineType")))
        for config in at_all(pool.inputs, "networkConfig.additionalNodeNetworkConfigs"):
            network = networks.get(last(at(config, "network")))
            mtu = at(network.inputs, "mtu") if network else None
            if network and wanted and (mtu or 1460) != wanted and not at(network.inputs, "networkProfile"):
                message = (
                    f"its MTU is {mtu or 1460}, and the fabric of the pool {at(pool.inputs, 'name')} wants {wanted}"
                )
                yield _found(
                    network.name, message, "cluster-toolkit, modules/network/vpc; Google Cloud, RDMA network profiles"
                )


def profiles(deployment: Deployment) -> Iterator[Finding]:
    """A profile's name is compared from `projects/` on with the address that Compute Engine answers: one without is
    another at each `up`, and a network is not changed but made anew, with its subnets and the pools in them.
    """
    for network in deployment.of(NETWORK):
        profile = at(network.inputs, "networkProfile")
        if profile and "projects/" not in str(profile):
            message = f"networkProfile {profile} has no project: each `up` replaces the network and all pools in it"
            yield _found(
                network.name, message, "magic-modules, products/compute/Network.yaml: CompareSelfLinkRelativePaths"
            )


def sold_here(deployment: Deployment) -> Iterator[Finding]:
    """Machines with L4 are in some regions only."""
    for pool in deployment.of(NODE_POOL):
        name = str(at(pool.inputs, "nodeConfig.machineType") or "")
        for zone in at_all(pool.inputs, "nodeLocations"):
            region = str(zone).rpartition("-")[0]
            if name.startswith("g2-") and region not in G2_REGIONS:
                message = f"{region} has no {name}: the pool is never made"
                yield _found(f"pool {at(pool.inputs, 'name')}", message, "Google Cloud list prices by region, 2026-08")


def pods_of_nodes(deployment: Deployment) -> Iterator[Finding]:
    """GKE's daemon sets are among the pods that a node may have: of few there is none left for the job."""
    for pool in deployment.of(NODE_POOL):
        most = at(pool.inputs, "maxPodsPerNode")
        if most is not None and int(most) < LEAST_PODS:
            message = f"{most} pods a node, and GKE's own daemon sets are {DAEMONS_OF_GKE}: Too many pods"
            yield _found(f"pool {at(pool.inputs, 'name')}", message, "GKE, Optimize IP address allocation; listings")


def lustre_modules(deployment: Deployment) -> Iterator[Finding]:
    """Nodes without GPUs that boot securely load no module of Lustre's, unless they are told to take Google's."""
    if not any(deployment.of(LUSTRE)):
        return
    for pool in deployment.of(NODE_POOL):
        found = machine(str(at(pool.inputs, "nodeConfig.machineType") or ""))
        gpus = found is not None and found.chips and not found.is_tpu
        policy = at(pool.inputs, "nodeConfig.linuxNodeConfig.nodeKernelModuleLoading.policy")
        secure = at(pool.inputs, "nodeConfig.shieldedInstanceConfig.enableSecureBoot")
        if secure and not gpus and policy != "ENFORCE_SIGNED_MODULES":
            message = "its nodes boot securely and take no module of others: no pod on them mounts Managed Lustre"
            yield _found(
                f"pool {at(pool.inputs, 'name')}", message, "Managed Lustre, Connect from GKE: Limitations, Secure boot"
            )


def private_access(deployment: Deployment) -> Iterator[Finding]:
    """Private nodes reach neither the registry nor logging without a NAT, or Private Google Access on their subnet."""
    used = {last(at(one.inputs, "subnetwork")) for one in deployment.of(CLUSTER)}
    for subnet in _subnets(deployment):
        open_to_google = at(subnet.inputs, "privateIpGoogleAccess") or leads_out(deployment)
        if at(subnet.inputs, "name") in used and not open_to_google:
            message = "privateIpGoogleAccess is off and no NAT is there: nodes reach no registry, and never register"
            yield _found(subnet.name, message, "Virtual Private Cloud, Private Google Access")


def private_services(deployment: Deployment) -> Iterator[Finding]:
    """A range for managed services: of /23 at least for each Lustre; and a connection that goes with its peering."""
    instances = len(list(deployment.of(LUSTRE)))
    for one in deployment.of(RANGE):
        length = at(one.inputs, "prefixLength")
        if at(one.inputs, "purpose") == "VPC_PEERING" and length and instances and 2 ** (23 - int(length)) < instances:
            message = f"a range of /{length} has no contiguous /23 for each of {instances} Lustre instances"
            yield _found(one.name, message, "Managed Lustre, Configure a VPC network; cluster-toolkit 8f655b453")
    for one in deployment.of(CONNECTION):
        if at(one.inputs, "deletionPolicy") != "REMOVE_PEERING":
            message = "producers hold it for minutes to days after their instances: deletionPolicy REMOVE_PEERING"
            yield _found(one.name, message, "terraform-provider-google 19908, 16275; pulumi-gcp 3354")


def soft_delete(deployment: Deployment) -> Iterator[Finding]:
    """A bucket keeps what is deleted or overwritten for seven days, and bills it, unless told otherwise."""
    for bucket in deployment.of(BUCKET):
        if at(bucket.inputs, "softDeletePolicy.retentionDurationSeconds") is None:
            message = "deleted and overwritten checkpoints are billed for seven more days: say softDeletePolicy"
            yield _found(bucket.name, message, "Cloud Storage, Soft delete: 7 days by default")


def node_identity(deployment: Deployment) -> Iterator[Finding]:
    """Nodes have an identity of their own with the roles without which they log and measure nothing."""
    accounts = {str(at(one.outputs, "email")): one for one in deployment.of(ACCOUNT)}
    for pool in deployment.of(NODE_POOL):
        email = str(at(pool.inputs, "nodeConfig.serviceAccount") or "")
        subject = f"pool {at(pool.inputs, 'name')}"
        if email in ("", "default"):
            message = "its nodes have Compute Engine's default identity, which has no roles in new organizations"
            yield _found(subject, message, "iam.automaticIamGrantsForDefaultServiceAccounts; GKE, least privilege")
        if email not in accounts:
            continue
        roles = {
            str(at(one.inputs, "role"))
            for one in deployment.of(MEMBER)
            if str(at(one.inputs, "member")).endswith(email)
        }
        missing = [role for role in NODE_ROLES if f"roles/{role}" not in roles]
        if missing and f"roles/{DEFAULT_NODE_ROLE}" not in roles:
            message = f"its identity {email} has no {', '.join(missing)}"
            yield _found(subject, message, "GKE, Use least privilege service accounts")


def tpu_addresses(deployment: Deployment) -> Iterator[Finding]:
    """Private IPv6 gives nodes an address without a route: JAX and gRPC find the network unreachable (errno 101)."""
    if not any(TPU in pool.devices for pool in deployment.pools):
        return
    for cluster in deployment.of(CLUSTER):
        if at(cluster.inputs, "privateIpv6GoogleAccess") != "PRIVATE_IPV6_GOOGLE_ACCESS_DISABLED":
            message = "TPU nodes get an IPv6 address without a route: privateIpv6GoogleAccess …_DISABLED"
            yield _found(cluster.name, message, "cluster-toolkit 6255 (2026-09-02), 4723")


def driver_said(deployment: Deployment) -> Iterator[Finding]:
    """GKE fills in a driver that nobody names, and naming one later replaces the pool."""
    for pool in deployment.of(NODE_POOL):
        found = machine(str(at(pool.inputs, "nodeConfig.machineType") or ""))
        path = "nodeConfig.guestAccelerators.gpuDriverInstallationConfig.gpuDriverVersion"
        if found and found.chips and not found.is_tpu and at(pool.inputs, path) is None:
            message = "no driver is named: GKE fills one in, and the next change of it replaces every node"
            yield _found(
                f"pool {at(pool.inputs, 'name')}", message, "terraform-provider-google 23248; magic-modules 11152"
            )


def at_all(value: Any, path: str) -> list[Any]:
    """All values at the path."""
    return list(every(value, path))


def _found(subject: str, message: str, source: str) -> Finding:
    return Finding(rule="gcp", subject=subject, message=message, source=source)


RULES = (
    system_pool, pool_ranges, first_pool, autoprovisioning, surge, zones_of_pools, sizes_of_frames, profiles,
    sold_here, pods_of_nodes, lustre_modules, private_access, private_services, soft_delete, node_identity,
    tpu_addresses, driver_said,
)  # fmt: skip
