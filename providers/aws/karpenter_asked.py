"""Karpenter as a stack file asks for it: known to network, nodes and control plane alike. Pure."""

from components.spec.stack import StackSpec
from providers.aws.settings import AwsSpec
from providers.aws.types import KARPENTER


def runs_karpenter(spec: StackSpec) -> bool:
    """True if the user has Karpenter start the machines of pools that may change their size."""
    assert isinstance(spec.settings, AwsSpec)
    asked = spec.platform.addons.get(KARPENTER)
    return spec.settings.control_plane.kind == "eks" and asked is not None and bool(asked.enabled)
