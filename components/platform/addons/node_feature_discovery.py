"""Node feature discovery, once for all who read its labels."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "node-feature-discovery"
DOES = (Concern.NODE_FEATURES,)


def verdict(request: Request) -> Verdict:
    return taken(request, Concern.NODE_FEATURES) or off("no other add-on needs it")


def plan(request: Request) -> AddonPlan:
    """PCI devices are labelled by vendor alone, as the operators of NVIDIA look for them."""
    pci = {"deviceClassWhitelist": ["02", "03", "0200", "0207", "0300", "0302"], "deviceLabelFields": ["vendor"]}
    values = {
        "worker": {"config": {"sources": {"pci": pci}}, "tolerations": [{"operator": "Exists"}]},
        "master": {"extraLabelNs": ["nvidia.com"]},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "master.nodeSelector", "gc.nodeSelector"))),
        crds=("nodefeatures.nfd.k8s-sigs.io", "nodefeaturerules.nfd.k8s-sigs.io"),
        does=DOES,
        reason="",
    )
