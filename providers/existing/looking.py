"""The one moment at which an existing cluster is asked what it is: before the plan, which itself asks nobody."""

from __future__ import annotations

from components.kubernetes.kubeconfig import KubeconfigError
from components.spec.stack import StackSpec
from providers.existing.access import access_of
from providers.existing.discovery import DiscoveredSpec, Discovery, discover, read_listing
from providers.existing.settings import ExistingSpec

TIMEOUT_S = 2.0
"""For each answer. A plan is wanted at once; a cluster that is slower is planned from its description."""


def look(spec: StackSpec) -> StackSpec:
    """The spec with what its cluster shows now. One that does not answer leaves the spec as the file has it."""
    settings = spec.settings
    assert isinstance(settings, ExistingSpec)
    try:
        seen, unseen = see(settings), ""
    except LookError as error:
        seen, unseen = None, str(error)
    looked = DiscoveredSpec.model_construct(**dict(settings), seen=seen, unseen=unseen)
    return StackSpec.model_construct(**{**dict(spec), "settings": looked})


class LookError(Exception):
    """Why the cluster does not show itself: one clause, without a remedy."""


def see(settings: ExistingSpec) -> Discovery | None:
    """The cluster; None where it is a rehearsal's without a node, of which nothing is to be learned; LookError."""
    from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError

    try:
        with KubernetesApi(access_of(settings), timeout_s=TIMEOUT_S) as api:
            seen = discover(read_listing(api))
    except KubeconfigError as error:
        raise LookError(str(error)) from None
    except UnreachableError as error:
        raise LookError(f"the API server does not answer ({error})") from None
    except ApiError as error:
        raise LookError(f"the API server refuses these credentials ({error.status} {error.reason})") from None
    return None if seen.simulated and not seen.nodes else seen
