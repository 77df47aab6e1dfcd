"""Rook: Ceph on the cluster's own disks. The operator alone; a CephCluster is the user's."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "rook-ceph"
DOES: tuple[Concern, ...] = ()


def verdict(request: Request) -> Verdict:
    del request
    return off("storage on the nodes' own disks is never chosen by default")


def plan(request: Request) -> AddonPlan:
    values = {"crds": {"enabled": True}, "monitoring": {"enabled": request.monitors()}}
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        needs=request.monitoring(),
        crds=("cephclusters.ceph.rook.io",),
        reason="",
    )
