"""Fronts of services as Pulumi resources: the way to a group of endpoints, and balancers over groups."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import certificatemanager, compute

from providers.gcp.balancer.plan import CHECKERS
from providers.gcp.balancer.types import EndpointGroupPlan, FrontPlan, GlobalBalancerPlan

PATIENCE_S = 900.0
"""Envoy Gateway and GKE make Service and group within a minute or two of a Gateway; a first proxy pulls its image."""
_EVERYBODY = "*"
_DEFAULT_RULE, _FIRST_RULE = 2_147_483_647, 1000
_NOT_FOUND, _ALL = 404, 100.0


class Front(pulumi.ComponentResource):
    """All that a FrontPlan names, made when the services are there, and gone before them."""

    outputs: Mapping[str, pulumi.Input[Any]]

    def __init__(
        self, name: str, *, plan: FrontPlan, network: pulumi.Input[str] | None, project: str,
        identity: Mapping[str, str], opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`network`: of the stack's own, which it opens for health checks; None for one that is given."""
        super().__init__("penstock:gcp:Front", name, None, opts)
        self.outputs = {}
        before: list[pulumi.Resource] = []
        if group := plan.group:
            before.append(self._group(name, group, network, project, identity))
            self.outputs = {"endpointGroup": group.path}
        if plan.balancers:
            after = pulumi.ResourceOptions(parent=self, depends_on=before)
            made = {one.key: GlobalBalancer(f"{name}-{one.key}", plan=one, opts=after) for one in plan.balancers}
            self.outputs = {**self.outputs, "globalBalancers": {key: one.told for key, one in made.items()}}
        self.register_outputs(self.outputs)

    def _group(
        self, name: str, group: EndpointGroupPlan, network: pulumi.Input[str] | None, project: str,
        identity: Mapping[str, str],
    ) -> pulumi.Resource:  # fmt: skip
        opened: list[pulumi.Resource] = []
        if network is not None:
            opened = [
                compute.Firewall(
                    f"{name}-checks", name=f"{group.name}-checks", network=network, direction="INGRESS",
                    source_ranges=list(CHECKERS),
                    allows=[compute.FirewallAllowArgs(protocol="tcp", ports=[str(group.port)])],
                    opts=pulumi.ResourceOptions(parent=self),
                )
            ]  # fmt: skip
        return EndpointGroup(
            f"{name}-group", project=project, group=group.path, identity=identity,
            opts=pulumi.ResourceOptions(parent=self, depends_on=opened),
        )  # fmt: skip


class EndpointGroup(pulumi.CustomResource):
    """There when GKE has made the group; refuses to go while a balancer sends requests to it."""

    def __init__(
        self, name: str, *, project: str, group: str, identity: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        inputs = {"project": project, "group": group, "patienceS": PATIENCE_S, "identity": dict(identity)}
        super().__init__("penstock:gcp:EndpointGroup", name, inputs, opts)


class GlobalBalancer(pulumi.ComponentResource):
    """A global external Application Load Balancer: HTTPS for named hosts and ranges, and nothing on port 80."""

    told: Mapping[str, pulumi.Input[Any]]
    """Its address, and the records that belong into the hosts' DNS."""

    def __init__(self, name: str, *, plan: GlobalBalancerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("penstock:gcp:GlobalBalancer", name, None, opts)
        self._name, self._plan, self._opts = name, plan, pulumi.ResourceOptions(parent=self)
        address = compute.GlobalAddress(
            f"{name}-address", name=plan.name, address_type="EXTERNAL", ip_version="IPV4", opts=self._opts
        )
        certificates, records = self._certificates()
        proxy = compute.TargetHttpsProxy(
            f"{name}-proxy", name=plan.name, url_map=self._urls(self._service()).id,
            certificate_map=certificates.id.apply("//certificatemanager.googleapis.com/{}".format),
            ssl_policy=self._ciphers().id, opts=self._opts,
        )  # fmt: skip
        compute.GlobalForwardingRule(
            f"{name}-rule", name=plan.name, target=proxy.id, ip_address=address.address, ip_protocol="TCP",
            port_range="443", load_balancing_scheme="EXTERNAL_MANAGED", opts=self._opts,
        )  # fmt: skip
        self.told = {"address": address.address, "records": records}
        self.register_outputs(self.told)

    def _service(self) -> compute.BackendService:
        """Requests go to the nearest region that has room and is well."""
        plan = self._plan
        health = compute.HealthCheck(
            f"{self._name}-health", name=plan.name, check_interval_sec=10, timeout_sec=5, healthy_threshold=2,
            unhealthy_threshold=3, http_health_check=compute.HealthCheckHttpHealthCheckArgs(
                port_specification="USE_SERVING_PORT", request_path=plan.health_path, host=plan.hosts[0]
            ), opts=self._opts,
        )  # fmt: skip
        return compute.BackendService(
            f"{self._name}-service", name=plan.name, protocol="HTTP", load_balancing_scheme="EXTERNAL_MANAGED",
            health_checks=health.id, timeout_sec=plan.timeout_s, connection_draining_timeout_sec=plan.timeout_s,
            security_policy=self._policy().id,
            backends=[
                compute.BackendServiceBackendArgs(
                    group=one.group, balancing_mode="RATE", max_rate=one.requests_per_second,
                    capacity_scaler=one.capacity,
                )
                for one in plan.behind
            ],
            log_config=compute.BackendServiceLogConfigArgs(enable=True, sample_rate=1.0), opts=self._opts,
        )  # fmt: skip

    def _policy(self) -> compute.SecurityPolicy:
        """The ranges of the stack file, and nobody else."""
        rules = [
            _rule(_FIRST_RULE + place, "allow", list(ranges)) for place, ranges in enumerate(self._plan.source_ranges)
        ]
        return compute.SecurityPolicy(
            f"{self._name}-policy", name=self._plan.name, type="CLOUD_ARMOR",
            rules=[*rules, _rule(_DEFAULT_RULE, "deny(403)", [_EVERYBODY])], opts=self._opts,
        )  # fmt: skip

    def _urls(self, service: compute.BackendService) -> compute.URLMap:
        """The API of the named hosts; all else is answered by the balancer itself, with 404."""
        abort = compute.URLMapDefaultRouteActionFaultInjectionPolicyAbortArgs(http_status=_NOT_FOUND, percentage=_ALL)
        fault = compute.URLMapDefaultRouteActionFaultInjectionPolicyArgs(abort=abort)
        return compute.URLMap(
            f"{self._name}-urls", name=self._plan.name, default_service=service.id,
            default_route_action=compute.URLMapDefaultRouteActionArgs(fault_injection_policy=fault),
            host_rules=[compute.URLMapHostRuleArgs(hosts=list(self._plan.hosts), path_matcher="service")],
            path_matchers=[compute.URLMapPathMatcherArgs(name="service", default_service=service.id)],
            opts=self._opts,
        )  # fmt: skip

    def _certificates(self) -> tuple[certificatemanager.CertificateMap, Sequence[pulumi.Input[Any]]]:
        """A certificate of each host, by a record that is there before anything answers under the name."""
        plan, records = self._plan, []
        found = certificatemanager.CertificateMap(f"{self._name}-map", name=plan.name, opts=self._opts)
        for host in plan.hosts:
            own = f"{plan.name}-{hashlib.sha256(host.encode()).hexdigest()[:8]}"
            label = f"{self._name}-{host}"
            proof = certificatemanager.DnsAuthorization(label, name=own, domain=host, opts=self._opts)
            certificate = certificatemanager.Certificate(
                label, name=own, scope="DEFAULT",
                managed=certificatemanager.CertificateManagedArgs(domains=[host], dns_authorizations=[proof.id]),
                opts=self._opts,
            )  # fmt: skip
            certificatemanager.CertificateMapEntry(
                label, name=own, map=found.name, hostname=host, certificates=[certificate.id], opts=self._opts
            )
            records.append(proof.dns_resource_records.apply(_told))
        return found, records

    def _ciphers(self) -> compute.SSLPolicy:
        return compute.SSLPolicy(
            f"{self._name}-tls", name=self._plan.name, profile="MODERN", min_tls_version="TLS_1_2", opts=self._opts
        )


def _rule(priority: int, action: str, ranges: list[str]) -> compute.SecurityPolicyRuleArgs:
    return compute.SecurityPolicyRuleArgs(
        priority=priority, action=action,
        match=compute.SecurityPolicyRuleMatchArgs(
            versioned_expr="SRC_IPS_V1", config=compute.SecurityPolicyRuleMatchConfigArgs(src_ip_ranges=ranges)
        ),
    )  # fmt: skip


def _told(records: Sequence[Any]) -> list[str]:
    """Records of a zone file, by which Google sees that a host is the user's."""
    return [f"{one.name} {one.type} {one.data}" for one in records or ()]
