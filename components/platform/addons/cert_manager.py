"""cert-manager: certificates, for add-ons that do not make their own."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "cert-manager"
DOES = (Concern.CERTIFICATES,)


def verdict(request: Request) -> Verdict:
    return taken(request, Concern.CERTIFICATES) or off("no add-on needs it: they make their own certificates")


def plan(request: Request) -> AddonPlan:
    """Its definitions go with it: certificates are made again, and a destroyed stack leaves nothing."""
    values = {"crds": {"enabled": True, "keep": False}}
    paths = ("nodeSelector", "webhook.nodeSelector", "cainjector.nodeSelector", "startupapicheck.nodeSelector")
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, *paths))),
        crds=tuple(f"{kind}.cert-manager.io" for kind in ("certificates", "issuers", "clusterissuers")),
        webhooks=("cert-manager/cert-manager-webhook",),
        does=DOES,
        reason="",
    )
