"""GKE: clusters."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.gcp.kinds.parts import Form, each, number, project_of
from rehearsal.providers.gcp.names import CLUSTER, NETWORK, SUBNETWORK, last
from rehearsal.providers.gcp.standing import require_let_in
from rehearsal.providers.gcp.words import bare

# As users see them (GoogleCloudPlatform/cluster-toolkit, times in its examples; magic-modules' default timeout is 90).
CLUSTER_MIN, DEFAULT_POOL_GONE_MIN, CLUSTER_GONE_MIN = 8.0, 3.0, 4.0
PATIENCE_MIN = 120.0
"""Default timeout of node pools since 2026-07-17 (magic-modules, node_pool.go)."""
VERSIONS = {"RAPID": "1.36.2-gke.1109000", "REGULAR": "1.35.5-gke.1241004", "STABLE": "1.34.8-gke.1005000"}
"""Versions that channels give by themselves; the names are made up, the order is GKE's (docs/release-channels)."""
NETWORK_MEMBERS = (
    "datapathProvider", "defaultSnatStatus", "dnsConfig", "enableCiliumClusterwideNetworkPolicy",
    "enableFqdnNetworkPolicy", "enableL4IlbSubsetting", "enableMultiNetworking", "gatewayApiConfig",
    "inTransitEncryptionConfig", "networkPerformanceConfig", "privateIpv6GoogleAccess", "serviceExternalIpsConfig",
    "disableL4LbFirewallReconciliation",
)  # fmt: skip

FORM = Form(
    moved={
        **{name: f"networkConfig.{name}" for name in NETWORK_MEMBERS},
        "enableL4IlbSubsetting": "networkConfig.enableL4ilbSubsetting",
        "enableIntranodeVisibility": "networkConfig.enableIntraNodeVisibility",
        "clusterAutoscaling": "autoscaling", "nodeLocations": "locations",
        "defaultMaxPodsPerNode": "defaultMaxPodsConstraint.maxPodsPerNode", "enableAutopilot": "autopilot.enabled",
        "enableLegacyAbac": "legacyAbac.enabled", "enableShieldedNodes": "shieldedNodes.enabled",
        "minMasterVersion": "initialClusterVersion",
        "loggingConfig.enableComponents": "loggingConfig.componentConfig.enableComponents",
        "monitoringConfig.enableComponents": "monitoringConfig.componentConfig.enableComponents",
        "monitoringConfig.managedPrometheus": "monitoringConfig.managedPrometheusConfig",
        "addonsConfig.cloudrunConfig": "addonsConfig.cloudRunConfig",
        "addonsConfig.rayOperatorConfigs": "addonsConfig.rayOperatorConfig",
        "networkingMode": "ipAllocationPolicy.useIpAliases",
        "maintenancePolicy.maintenanceExclusions": "maintenancePolicy.window.maintenanceExclusions",
        "maintenancePolicy.recurringWindow": "maintenancePolicy.window.recurringWindow",
        "maintenancePolicy.recurringMaintenanceWindow": "maintenancePolicy.window.recurringMaintenanceWindow",
        "maintenancePolicy.dailyMaintenanceWindow": "maintenancePolicy.window.dailyMaintenanceWindow",
        "nodeConfig.guestAccelerators": "nodeConfig.accelerators", "nodeConfig.loggingVariant":
        "nodeConfig.loggingConfig.variantConfig.variant",
    },
    changed={
        "addonsConfig.rayOperatorConfig": lambda value: value[0] if isinstance(value, list) and value else value,
        "nodeConfig.accelerators": each({"type": "acceleratorType", "count": "acceleratorCount"}),
        "nodeConfig.kubeletConfig.insecureKubeletReadonlyPortEnabled": lambda value: value == "TRUE",
        "ipAllocationPolicy.useIpAliases": lambda value: value == "VPC_NATIVE",
        "masterAuthorizedNetworksConfig": lambda value: {"enabled": True, **value},
        "maintenancePolicy.window.maintenanceExclusions": lambda value: {
            one["exclusionName"]: {
                "startTime": one["startTime"], "endTime": one.get("endTime"),
                "maintenanceExclusionOptions": one.get("exclusionOptions"),
            }
            for one in value
        },
        "maintenancePolicy.window.recurringWindow": lambda value: {
            "recurrence": value["recurrence"],
            "window": {"startTime": value["startTime"], "endTime": value["endTime"]},
        },
    },
    unsent=frozenset(
        {
            "deletionProtection", "removeDefaultNodePool", "allowNetAdmin", "nodeVersion", "skipNodePoolRefresh",
            "ignoreNodeCountChanges",
        }
    ),
)  # fmt: skip
FIXED = frozenset(
    {
        "name", "location", "project", "network", "subnetwork", "initialNodeCount", "ipAllocationPolicy",
        "networkingMode", "datapathProvider", "defaultMaxPodsPerNode", "enableTpu", "nodeConfig", "clusterIpv4Cidr",
        "enableAutopilot", "enableKubernetesAlpha", "description",
    }
)  # fmt: skip
"""ForceNew in the provider (GoogleCloudPlatform/magic-modules d577844, 2026-08-21, cluster.go)."""


RESERVED = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def turn(inputs: Inputs) -> str:
    """The cluster that takes one operation at a time: of its own inputs, or of those of one of its pools."""
    cluster = inputs.get("cluster") or inputs.get("name")
    return f"cluster {last(cluster)}"


def address_of(api: CloudApi, inputs: Inputs) -> str:
    return f"projects/{project_of(api, inputs)}/locations/{inputs['location']}"


def _create(api: CloudApi, inputs: Inputs) -> Made:
    for message in problems(inputs):
        raise CloudApiError("Error 400", f"{message}, badRequest")
    require_let_in(api.find, project_of(api, inputs), inputs.get("subnetwork"))
    parent, name = address_of(api, inputs), inputs["name"]
    body = FORM.body(inputs)
    if inputs.get("removeDefaultNodePool") and not body.get("initialNodeCount"):
        raise CloudApiError("Error 400", "Cluster.initial_node_count must be greater than zero., badRequest")
    api.keep("container", "projects.locations.clusters.create", {}, parent=parent, body={"cluster": body})
    id_ = f"{parent}/clusters/{name}"
    api.created(id_)
    if inputs.get("removeDefaultNodePool"):
        pool = f"{id_}/nodePools/default-pool"
        api.keep("container", "projects.locations.clusters.nodePools.delete", {}, name=pool)
    return Made(id=id_, outputs=_outputs(api, inputs, id_))


def _outputs(api: CloudApi, inputs: Inputs, id: str) -> dict[str, Any]:  # noqa: A002 (the engine's own word)
    digits = number(id)
    channel = (inputs.get("releaseChannel") or {}).get("channel", "REGULAR")
    version = VERSIONS.get(channel, VERSIONS["REGULAR"])
    return {
        **_endpoints(api, inputs, id),
        "masterAuth": {
            "clusterCaCertificate": api.authority, "clientCertificate": "", "clientKey": "",
            "clientCertificateConfig": {"issueClientCertificate": False},
        },
        "masterVersion": version, "nodeVersion": inputs.get("nodeVersion", version),
        "labelFingerprint": digits[:8], "operation": "", "tpuIpv4CidrBlock": "",
        "selfLink": f"https://container.googleapis.com/v1/{id}", "servicesIpv4Cidr": "10.0.32.0/20",
        "project": project_of(api, inputs),
    }  # fmt: skip


def _endpoints(api: CloudApi, inputs: Inputs, id: str) -> dict[str, Any]:  # noqa: A002 (the engine's own word)
    """Names and addresses of the API server."""
    digits, place = number(id), inputs["location"]
    dns = f"gke-{digits[:12]}{'0' * (12 - len(digits[:12]))}-{number(project_of(api, inputs))[:12]}.{place}.gke.goog"
    given = inputs.get("controlPlaneEndpointsConfig") or {}
    ip_on = (given.get("ipEndpointsConfig") or {}).get("enabled", True)
    private = (inputs.get("privateClusterConfig") or {}).get("enablePrivateEndpoint", False)
    inside, outside = "10.0.0.2", "34.118.7.9"
    return {
        "endpoint": dns if not ip_on else inside if private else outside,
        "controlPlaneEndpointsConfig": {
            "ipEndpointsConfig": {"enabled": ip_on, **(given.get("ipEndpointsConfig") or {})},
            "dnsEndpointConfig": {
                "allowExternalTraffic": False, **(given.get("dnsEndpointConfig") or {}), "endpoint": dns
            },
        },
        "privateClusterConfig": {
            **(inputs.get("privateClusterConfig") or {}), "privateEndpoint": inside, "publicEndpoint": outside
        },
    }  # fmt: skip


def problems(inputs: Inputs) -> Iterator[str]:
    """Everything that GKE refuses in a cluster and no description forbids."""
    channel = (inputs.get("releaseChannel") or {}).get("channel", "")
    if inputs.get("datapathProvider") == "ADVANCED_DATAPATH" and (inputs.get("networkPolicy") or {}).get("enabled"):
        # cluster-toolkit, gke-cluster: precondition
        yield "Enabling NetworkPolicy for clusters with DatapathProvider=ADVANCED_DATAPATH is not allowed"
    if inputs.get("enableMultiNetworking") and inputs.get("datapathProvider") != "ADVANCED_DATAPATH":
        yield "Multi-networking requires Dataplane V2 (datapathProvider ADVANCED_DATAPATH)"
    if inputs.get("privateIpv6GoogleAccess") == "INHERIT_FROM_SUBNETWORK":
        yield "privateIpv6GoogleAccess: INHERIT_FROM_SUBNETWORK is not supported"
    private = (inputs.get("privateClusterConfig") or {}).get("enablePrivateEndpoint")
    if private and inputs.get("masterAuthorizedNetworksConfig") is None:
        # GoogleCloudPlatform/magic-modules 8338, in the service's words
        yield "Master authorized networks must be enabled if private endpoint is enabled."
    blocks = (inputs.get("masterAuthorizedNetworksConfig") or {}).get("cidrBlocks") or ()
    for cidr in (str(block.get("cidrBlock")) for block in blocks if private):
        if ":" in cidr or not any(IPv4Network(cidr).subnet_of(one) for one in RESERVED):
            # terraform-google-modules/terraform-google-kubernetes-engine 153
            yield f'Invalid master authorized networks: network "{cidr}" is not a reserved network'
    yield from bad_labels(inputs.get("resourceLabels"))
    if channel == "UNSPECIFIED" and (inputs.get("gkeAutoUpgradeConfig") or {}).get("patchMode"):
        yield "gkeAutoUpgradeConfig needs a release channel"


def bad_labels(labels: Any) -> Iterator[str]:
    """Labels that Google refuses (Google Cloud, "Requirements for labels": lower case, digits, - and _, 63 at most)."""
    for key, value in labels.items() if isinstance(labels, Mapping) else ():
        if is_unknown(value):
            continue
        if not key[:1].islower() or not _is_label(key) or not _is_label(str(value)):
            yield f"Invalid resource label: {key}={value}: lower case letters, digits, - and _, 63 at most"


def _is_label(text: str) -> bool:
    return len(text) <= 63 and all(letter.islower() or letter.isdigit() or letter in "-_" for letter in text)


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    if new.get("enableMultiNetworking", False) != old.get("enableMultiNetworking", False):
        raise CloudApiError("Error 400", "Multi-networking can only be set when the cluster is made, badRequest")
    for message in problems(new):
        raise CloudApiError("Error 400", f"{message}, badRequest")
    before = {name: old.get(name) for name in new}
    if new.get("resourceLabels") != before.get("resourceLabels"):
        body = {"resourceLabels": new.get("resourceLabels") or {}, "labelFingerprint": old.get("labelFingerprint", "")}
        api.keep("container", "projects.locations.clusters.setResourceLabels", {}, name=id, body=body)
    if new.get("maintenancePolicy") != before.get("maintenancePolicy"):
        policy = {"maintenancePolicy": FORM.body({"maintenancePolicy": new.get("maintenancePolicy")})}
        # What it asks for beside the address is of the API of before 2018.
        body = {**_old_names(id), "maintenancePolicy": policy["maintenancePolicy"].get("maintenancePolicy") or {}}
        api.keep("container", "projects.locations.clusters.setMaintenancePolicy", {}, name=id, body=body)
    return _endpoints(api, new, id)


def _old_names(id: str) -> dict[str, str]:  # noqa: A002 (the engine's own word)
    parts = id.split("/")
    return {"projectId": parts[1], "zone": parts[3], "clusterId": parts[5]}


def _delete(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (the engine's own word)
    if outputs.get("deletionProtection", True):
        raise CloudApiError(
            "Error",
            "Cannot destroy cluster because deletion_protection is set to true. Set it to false to proceed with "
            "cluster deletion.",
        )
    api.keep("container", "projects.locations.clusters.delete", {}, name=id)


def _ready_min(inputs: Inputs) -> float:
    return CLUSTER_MIN + (DEFAULT_POOL_GONE_MIN if inputs.get("removeDefaultNodePool") else 0)


def _replaces(old: Inputs, new: Inputs) -> bool:
    """Members of inputs that are not fixed as a whole."""
    return any(
        bare(str((old.get(name) or {}).get(member))) != bare(str((new.get(name) or {}).get(member)))
        for name, member in (
            ("privateClusterConfig", "masterIpv4CidrBlock"), ("privateClusterConfig", "privateEndpointSubnetwork"),
        )
    )  # fmt: skip


KINDS = (
    ResourceKind(
        token=CLUSTER, create=_create, update=_update, delete=_delete, fixed=FIXED, replaces=_replaces,
        refers={
            "network": NETWORK, "subnetwork": SUBNETWORK,
            "nodeConfig.serviceAccount": "gcp:serviceaccount/account:Account",
        },
        own_name="name", longest_name=40,
        ready_after_min=_ready_min,
        deleted_after_min=lambda _inputs: CLUSTER_GONE_MIN, turn=turn, turn_patience_min=PATIENCE_MIN, needs_ready=True,
    ),
)  # fmt: skip
