"""The clouds: one folder each."""

from components.provider import CloudProvider
from components.spec.cluster import Cloud


def load(cloud: Cloud) -> CloudProvider:
    """The module of that cloud; no other cloud's SDK is imported."""
    match cloud:
        case Cloud.LOCAL:
            from providers import local

            return local
