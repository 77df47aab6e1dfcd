"""Public registries whose images ECR fetches by itself. Pure."""

from components.spec.cluster import Nat
from components.spec.stack import StackSpec
from providers.aws.settings import AwsSpec, Upstream

EVERY_UPSTREAM = (Upstream.PUBLIC_ECR, Upstream.KUBERNETES, Upstream.QUAY)


def upstreams(spec: StackSpec, settings: AwsSpec) -> tuple[Upstream, ...]:
    """Those that the stack file names. Where it names none, each; without NAT none, as nothing new is fetched then (ECR
    User Guide, Interface VPC endpoints).
    """
    if settings.registry is None:
        return ()
    if settings.registry.mirrors is not None:
        return settings.registry.mirrors
    return () if spec.cluster.network.nat is Nat.NONE else EVERY_UPSTREAM
