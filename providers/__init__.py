"""The clouds: one folder each."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.provider import CloudProvider
from components.spec.base import Spec
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


class _Settings(Mapping[str, type[Spec]]):
    """Imported when asked for: what only AWS has takes longer than the rest of a local stack's plan."""

    def __getitem__(self, cloud: str) -> type[Spec]:
        if cloud == Cloud.AWS:
            from providers.aws.settings import AwsSpec

            return AwsSpec
        if cloud == Cloud.EXISTING:
            from providers.existing.settings import ExistingSpec

            return ExistingSpec
        raise KeyError(cloud)

    def __iter__(self) -> Iterator[str]:
        return iter((Cloud.AWS, Cloud.EXISTING))

    def __len__(self) -> int:
        return 2


def settings() -> CloudSettings:
    """What stands under a cloud's own key of a stack file."""
    return _Settings()


def look(spec: StackSpec) -> StackSpec:
    """The spec with what its place shows of itself. Asks nobody but a cluster that is there already."""
    if spec.cluster.cloud is not Cloud.EXISTING:
        return spec
    from providers import existing

    return existing.look(spec)
