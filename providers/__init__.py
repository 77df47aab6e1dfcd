"""The clouds: one folder each."""

from typing import Any

from components.provider import CloudProvider
from components.spec.cluster import Cloud
from components.spec.stack import CloudSettings, StackSpec


def load(cloud: Cloud) -> CloudProvider[Any]:
    """The module of that cloud; no other cloud's SDK is imported. Its plan is its own: hand it back to it only."""
    match cloud:
        case Cloud.AWS:
            from providers import aws

            return aws
        case Cloud.EXISTING:
            from providers import existing

            return existing
        case Cloud.LOCAL:
            from providers import local

            return local


def cluster_kind(cloud: Cloud) -> str:
    """The type of a stack's cluster in the engine; short where its table has to leave room for a run's progress."""
    return "penstock:local:Machine" if cloud is Cloud.LOCAL else "penstock:components:AcceleratorCluster"


def settings() -> CloudSettings:
    """What stands under a cloud's own key of a stack file."""
    from providers.aws.settings import AwsSpec
    from providers.existing.settings import ExistingSpec

    return {Cloud.AWS: AwsSpec, Cloud.EXISTING: ExistingSpec}


def look(spec: StackSpec) -> StackSpec:
    """The spec with what its place shows of itself. Asks nobody but a cluster that is there already."""
    if spec.cluster.cloud is not Cloud.EXISTING:
        return spec
    from providers import existing

    return existing.look(spec)
