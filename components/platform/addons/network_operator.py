"""The NVIDIA network operator: RDMA devices as resources, on pools whose fabric nobody else hands to pods."""

import json

from components.kubernetes.devices import RDMA, SHARED_INFINIBAND
from components.plan.kubernetes import AddonPlan, Concern, Manifest
from components.platform.request import (
    AddonVerdict,
    PlatformRequest,
    mirrored,
    object_of,
    off,
    on,
    release,
    selected,
    taken,
)
from components.platform.values import merged
from components.platform.versions import versions

NAME = "network-operator"
DOES = (Concern.FABRIC_DEVICES,)

_PLUGIN = {
    "image": "k8s-rdma-shared-dev-plugin",
    "repository": "nvcr.io/nvidia/mellanox",
    "version": "network-operator-v26.4.1",
}
_SELECTORS = {"vendors": ["15b3"]}
_OF_INFINIBAND = {**_SELECTORS, "linkTypes": ["infiniband"]}
"""Without the cards of accelerated networking, which are the same vendor's and carry Ethernet."""
_PODS_PER_ADAPTER = 63
"""That may share one adapter: as in the Azure images' own configuration."""


def verdict(request: PlatformRequest) -> AddonVerdict:
    if not request.rdma_devices():
        return off("no pool asks for RDMA devices")
    return taken(request, Concern.FABRIC_DEVICES) or on(f"nothing else provides {', '.join(request.rdma_devices())}")


def plan(request: PlatformRequest) -> AddonPlan:
    """The adapters' driver is the image's: none is loaded, and no node is drained for one."""
    values = {"nfd": {"enabled": False, "deployNodeFeatureRules": True}}
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "operator.nodeSelector"))),
        objects=(_policy(request),) if request.rdma_devices() else (),
        crds=("nicclusterpolicies.mellanox.com",),
        needs=("node-feature-discovery",),
        does=DOES,
    )


def _policy(request: PlatformRequest) -> Manifest:
    """One for the cluster, under the only name that the operator takes."""
    pools = [
        json.dumps(
            {
                "resourceName": device.removeprefix(RDMA),
                "rdmaHcaMax": _PODS_PER_ADAPTER,
                "selectors": _OF_INFINIBAND if device == SHARED_INFINIBAND else _SELECTORS,
            }
        )
        for device in request.rdma_devices()
    ]
    plugin = {
        **_PLUGIN,
        "repository": mirrored(_PLUGIN["repository"], request.spec.registry_mirror),
        "config": f'{{"configList": [{", ".join(pools)}]}}',
    }
    spec = {"rdmaSharedDevicePlugin": plugin, "tolerations": [{"operator": "Exists"}]}
    return object_of("mellanox.com/v1alpha1", "NicClusterPolicy", "nic-cluster-policy", spec=spec)
