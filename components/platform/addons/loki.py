"""Loki: logs, kept and searched, as one process on one volume."""

from typing import Any

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected
from components.platform.values import merged
from components.platform.versions import versions
from components.spec.platform import KeptBy

NAME = "loki"
DOES: tuple[Concern, ...] = ()
DISK_GIB = 100
"""A gang of 32 nodes prints some 100 MB a day; platform components about as much."""


def verdict(request: PlatformRequest) -> AddonVerdict:
    if request.spec.logs is KeptBy.IN_CLUSTER:
        return on("platform.logs is inCluster")
    return off("logs need a volume, which costs money; platform.logs says who keeps them")


def plan(request: PlatformRequest) -> AddonPlan:
    """Forgets what is older than is asked, as a full disk would take no more.

    No bundled object store: the one that the chart can bring is maintained no longer.
    """
    values = merged(_values(), _kept(request.spec.log_retention_days), selected(request, "singleBinary.nodeSelector"))
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
    )


def _values() -> dict[str, Any]:
    schema = {
        "from": "2026-01-01",
        "store": "tsdb",
        "object_store": "filesystem",
        "schema": "v13",
        "index": {"prefix": "index_", "period": "24h"},
    }
    none = {"replicas": 0}
    unused = ("chunksCache", "resultsCache", "lokiCanary", "test", "minio")
    return {
        "deploymentMode": "Monolithic",
        "singleBinary": {"replicas": 1, "persistence": {"enabled": True, "size": f"{DISK_GIB}Gi"}},
        **dict.fromkeys(("read", "write", "backend"), none),
        **{part: {"enabled": False} for part in unused},
        "loki": {
            "auth_enabled": False,
            "commonConfig": {"replication_factor": 1},
            "storage": {"type": "filesystem"},
            "schemaConfig": {"configs": [schema]},
        },
    }


def _kept(days: int) -> dict[str, Any]:
    """Loki, Storage, Retention: the compactor deletes, and does so only where it is told whose requests it takes."""
    compactor = {"retention_enabled": True, "delete_request_store": "filesystem"}
    return {"loki": {"limits_config": {"retention_period": f"{days * 24}h"}, "compactor": compactor}}
