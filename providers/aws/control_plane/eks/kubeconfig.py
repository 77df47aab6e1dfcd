"""Kubeconfig of an EKS cluster: for whoever has AWS credentials, and without a token of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_aws import eks

from providers.aws.control_plane.eks.ssm_host import SsmHostHandle
from providers.aws.control_plane.eks.types import EksPlan, SsmHostReach
from providers.aws.tunnel.token import direct_command, tunnel_command
from providers.aws.tunnel.way import Way, host_of, port_of


def authority_of(cluster: eks.Cluster) -> pulumi.Output[str]:
    """Certificate (PEM in base64) that the API server's own comes from."""
    return cluster.certificate_authority.apply(lambda one: str(one.data))


def kubeconfig(
    plan: EksPlan, cluster: eks.Cluster, host: SsmHostHandle | None, identity: Mapping[str, str]
) -> pulumi.Output[str]:
    """JSON, secret: the token is asked for when it is used, and is valid for minutes. Through a host, the command that
    asks for it opens the tunnel first, and the server is a port of this machine.
    """
    group = host.group if host else pulumi.Output.from_input("")

    def document(facts: list[str]) -> dict[str, Any]:
        endpoint, authority, hosts = facts
        server, command = {"server": endpoint}, direct_command(plan.name, plan.region, identity)
        if isinstance(plan.reach, SsmHostReach):
            port = plan.reach.local_port or port_of(endpoint)
            way = Way(region=plan.region, group=hosts, endpoint=host_of(endpoint), port=port, **identity)
            server = {"server": way.server, "tls-server-name": way.endpoint}
            command = tunnel_command(way, plan.name)
        return _document(plan.name, server | {"certificate-authority-data": authority}, command)

    known = pulumi.Output.all(cluster.endpoint, authority_of(cluster), group)
    return pulumi.Output.secret(pulumi.Output.json_dumps(known.apply(document)))


def _document(name: str, server: Mapping[str, str], command: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": server}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {"exec": command}}],
    }
