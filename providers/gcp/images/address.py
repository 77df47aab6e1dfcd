"""Address of a stack's registry: one repository of Artifact Registry, which bears the stack's name."""

import re

HOST = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev")


def host_of(region: str) -> str:
    return f"{region}-docker.pkg.dev"


def address_of(project: str, region: str, stack: str) -> str:
    """Host and path below which the stack's images are."""
    return f"{host_of(region)}/{project}/{stack}"
