"""Loki: logs, kept and searched, as one process on one volume."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "loki"
DOES: tuple[Concern, ...] = ()
_SCHEMA = {
    "from": "2026-01-01",
    "store": "tsdb",
    "object_store": "filesystem",
    "schema": "v13",
    "index": {"prefix": "index_", "period": "24h"},
}


def verdict(request: Request) -> Verdict:
    del request
    return off("logs need a volume, which costs money; switch it on to have them")


def plan(request: Request) -> AddonPlan:
    """No bundled object store: the one that the chart can bring is maintained no longer."""
    values = {
        "deploymentMode": "Monolithic",
        "loki": {
            "auth_enabled": False,
            "commonConfig": {"replication_factor": 1},
            "storage": {"type": "filesystem"},
            "schemaConfig": {"configs": [_SCHEMA]},
        },
        "singleBinary": {"replicas": 1},
        **{part: {"replicas": 0} for part in ("read", "write", "backend")},
        "chunksCache": {"enabled": False},
        "resultsCache": {"enabled": False},
        "lokiCanary": {"enabled": False},
        "test": {"enabled": False},
        "minio": {"enabled": False},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "singleBinary.nodeSelector"))),
        reason="",
    )
