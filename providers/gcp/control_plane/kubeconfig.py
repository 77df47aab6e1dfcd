"""Kubeconfig of a GKE cluster: for whoever has Google's credentials, and without a token of its own."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_gcp import container

from providers.gcp.control_plane.kubeconfig_plugin import INSTALL, PLUGIN
from providers.gcp.types import DnsGkeReach, GkePlan, InsideGkeReach, ReachPlan


def endpoint_of(cluster: container.Cluster, reach: ReachPlan) -> pulumi.Output[str]:
    """Host of the API server."""
    if isinstance(reach, DnsGkeReach):
        return cluster.control_plane_endpoints_config.apply(_dns_name)
    if isinstance(reach, InsideGkeReach):
        return cluster.private_cluster_config.apply(lambda found: str(found.private_endpoint))
    return cluster.endpoint


def _dns_name(found: container.outputs.ClusterControlPlaneEndpointsConfig) -> str:
    return str(found.dns_endpoint_config.endpoint) if found.dns_endpoint_config else ""


def kubeconfig(plan: GkePlan, cluster: container.Cluster) -> pulumi.Output[str]:
    """JSON, secret."""
    authority = cluster.master_auth.apply(lambda found: str(found.cluster_ca_certificate))
    facts = pulumi.Output.all(endpoint_of(cluster, plan.reach), authority)
    found = facts.apply(lambda one: document(plan, one[0], one[1]))
    return pulumi.Output.secret(pulumi.Output.json_dumps(found))


def _identity(impersonate: str) -> dict[str, Any]:
    if not impersonate:
        return {"args": ["--use_application_default_credentials"]}
    return {"env": [{"name": "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "value": impersonate}]}


def document(plan: GkePlan, host: str, authority: str) -> dict[str, Any]:
    """Kubeconfig of the cluster. Under its DNS name the API server has a certificate of a public authority, and one
    that is named here would be the wrong one; by an address it has that of the cluster.

    The plugin takes the credentials that pulumi has (`gcloud auth application-default login`), not gcloud's own; as
    another account gcloud's, which alone takes its place (gcloud, "auth/impersonate_service_account").
    """
    server = {"server": f"https://{host}"}
    if not isinstance(plan.reach, DnsGkeReach):
        server["certificate-authority-data"] = authority
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": PLUGIN,
        **_identity(plan.impersonate),
        "interactiveMode": "Never",
        "provideClusterInfo": True,
        "installHint": f"{PLUGIN}: {INSTALL}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": plan.name,
        "clusters": [{"name": plan.name, "cluster": server}],
        "contexts": [{"name": plan.name, "context": {"cluster": plan.name, "user": plan.name}}],
        "users": [{"name": plan.name, "user": {"exec": command}}],
    }
