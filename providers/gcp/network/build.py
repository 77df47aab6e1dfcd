"""The network as Pulumi resources."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_gcp import compute, servicenetworking

from providers.gcp.network.handle import GcpNetworkHandle
from providers.gcp.types import PODS_RANGE, SERVICES_RANGE, FabricVpc, GcpNetworkPlan, GivenVpc

_LUSTRE_PORTS = ["988", "6988"]
"""Of Lustre's servers to its clients (Managed Lustre, "Configure a VPC network")."""
_PROXY = "35.235.240.0/20"
"""From which Identity-Aware Proxy connects ("Use IAP for TCP forwarding")."""
_PEERING_PATIENCE = pulumi.CustomTimeouts(create="30m", delete="30m")


class GcpNetwork(pulumi.ComponentResource):
    """A VPC with a subnet for nodes, pods and services, a way out, and the networks of fabrics; of one that is there
    already the latter alone.
    """

    handle: GcpNetworkHandle

    def __init__(
        self, name: str, *, plan: GcpNetworkPlan, project: str, after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`project`: the stack's own, where networks of fabrics are. `after`: what the network waits for, the first of
        all that is made.
        """
        super().__init__("penstock:gcp:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        made = _Made(name, plan, project, child)
        networks, subnets = made.fabrics()
        there = plan.existing
        self.handle = _given(there, plan, networks, subnets) if there else made.own(networks, subnets)
        self.register_outputs({"network": self.handle.network_id})


class _Made:
    """One thing after the other."""

    def __init__(self, name: str, plan: GcpNetworkPlan, project: str, opts: pulumi.ResourceOptions) -> None:
        self._name, self._plan, self._project, self._opts = name, plan, project, opts

    def own(
        self, networks: dict[str, compute.Network], subnets: dict[str, compute.Subnetwork]
    ) -> GcpNetworkHandle:  # fmt: skip
        plan = self._plan
        network = compute.Network(
            self._name, name=plan.name, auto_create_subnetworks=False, mtu=plan.mtu, routing_mode="REGIONAL",
            opts=self._kept(),
        )  # fmt: skip
        subnet = self._nodes(network)
        out = self._way_out(network, subnet)
        peered = self._peering(network)
        return GcpNetworkHandle(
            network=network.self_link,
            network_id=network.id,
            subnet=subnet.self_link,
            subnet_id=subnet.id,
            pods_range=PODS_RANGE,
            services_range=SERVICES_RANGE,
            fabric_networks={name: one.name for name, one in networks.items()},
            fabric_subnets={name: one.name for name, one in subnets.items()},
            held=(subnet, *subnets.values()),
            ready=(*out, *self._rules(network), *subnets.values()),
            peered=peered,
        )

    def _kept(self) -> pulumi.ResourceOptions:
        """Options of what a file system that outlives the stack stands in."""
        return pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(retain_on_delete=self._plan.keep))

    def fabrics(self) -> tuple[dict[str, compute.Network], dict[str, compute.Subnetwork]]:
        networks, subnets = {}, {}
        for vpc in self._plan.fabrics:
            networks[vpc.name] = self._fabric(vpc)
            for subnet in vpc.subnets:
                if subnet.cidr:
                    subnets[subnet.name] = compute.Subnetwork(
                        f"{self._name}-{subnet.name}", name=subnet.name, region=self._plan.region,
                        network=networks[vpc.name].id, ip_cidr_range=subnet.cidr, opts=self._opts,
                    )  # fmt: skip
        return networks, subnets

    def _fabric(self, vpc: FabricVpc) -> compute.Network:
        """One with a profile takes no firewall rule, no NAT and no second range. The profile is named with its project:
        the provider compares what stands behind `projects/`, and would replace the network at each `up` (magic-modules,
        Network.yaml and CompareSelfLinkRelativePaths).
        """
        profile = f"projects/{self._project}/global/networkProfiles/{vpc.profile}" if vpc.profile else None
        return compute.Network(
            f"{self._name}-{vpc.name}", name=vpc.name, auto_create_subnetworks=False, mtu=vpc.mtu,
            network_profile=profile, opts=self._opts,
        )  # fmt: skip

    def _nodes(self, network: compute.Network) -> compute.Subnetwork:
        """With Private Google Access: nodes without a public address reach registry and logs by it."""
        plan = self._plan
        log = compute.SubnetworkLogConfigArgs(aggregation_interval="INTERVAL_10_MIN", flow_sampling=0.5)
        ranges = [(PODS_RANGE, plan.pods_cidr), (SERVICES_RANGE, plan.services_cidr)] if plan.pods_cidr else []
        return compute.Subnetwork(
            f"{self._name}-nodes",
            name=plan.nodes.name,
            region=plan.region,
            network=network.id,
            ip_cidr_range=plan.nodes.cidr,
            private_ip_google_access=True,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=name, ip_cidr_range=cidr) for name, cidr in ranges
            ]
            or None,
            log_config=log if plan.flow_logs else None,
            opts=self._opts,
        )

    def _way_out(self, network: compute.Network, subnet: compute.Subnetwork) -> tuple[pulumi.Resource, ...]:
        plan = self._plan
        if not plan.nat:
            return ()
        router = compute.Router(
            f"{self._name}-router", name=plan.name, region=plan.region, network=network.id, opts=self._opts
        )
        nat = compute.RouterNat(
            f"{self._name}-nat",
            name=plan.name,
            region=plan.region,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[
                compute.RouterNatSubnetworkArgs(name=subnet.id, source_ip_ranges_to_nats=["ALL_IP_RANGES"])
            ],
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=plan.nat_ports,
            max_ports_per_vm=65536,
            opts=self._opts,
        )  # fmt: skip
        return (nat,)

    def _rules(self, network: compute.Network) -> tuple[pulumi.Resource, ...]:
        """Machines of Slurm among each other, and the proxy's way to ssh of those that people log in to."""
        plan = self._plan
        if not plan.slurm:
            return ()
        rows = (("inside", plan.nodes.cidr, "all", None), ("ssh", _PROXY, "tcp", ["22"]))
        return tuple(
            compute.Firewall(
                f"{self._name}-{key}", name=f"{plan.name}-{key}", network=network.id, direction="INGRESS",
                source_ranges=[source], allows=[compute.FirewallAllowArgs(protocol=protocol, ports=ports)],
                opts=self._opts,
            )
            for key, source, protocol, ports in rows
        )  # fmt: skip

    def _peering(self, network: compute.Network) -> tuple[pulumi.Resource, ...]:
        """Private Service Access, and its servers let in. It goes with the stack: a peering that stays keeps the
        network (terraform-provider-google 19908)."""
        plan = self._plan
        if not plan.services_peering_cidr:
            return ()
        base, _, prefix = plan.services_peering_cidr.partition("/")
        address = compute.GlobalAddress(
            f"{self._name}-services", name=f"{plan.name}-services", purpose="VPC_PEERING", address_type="INTERNAL",
            address=base, prefix_length=int(prefix), network=network.id, opts=self._kept(),
        )  # fmt: skip
        slow = pulumi.ResourceOptions(custom_timeouts=_PEERING_PATIENCE)
        connection = servicenetworking.Connection(
            f"{self._name}-services", network=network.id, service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[address.name], deletion_policy="REMOVE_PEERING",
            opts=pulumi.ResourceOptions.merge(self._kept(), slow),
        )  # fmt: skip
        allowed = compute.Firewall(
            f"{self._name}-lustre", name=f"{plan.name}-lustre", network=network.id, direction="INGRESS",
            source_ranges=[plan.services_peering_cidr],
            allows=[compute.FirewallAllowArgs(protocol="tcp", ports=_LUSTRE_PORTS)], opts=self._kept(),
        )  # fmt: skip
        return (connection, allowed)


def _given(
    there: GivenVpc, plan: GcpNetworkPlan, networks: dict[str, compute.Network],
    subnets: dict[str, compute.Subnetwork],
) -> GcpNetworkHandle:  # fmt: skip
    """The handle by the names of the stack file."""
    network = f"projects/{there.project}/global/networks/{there.network}"
    subnet = f"projects/{there.project}/regions/{plan.region}/subnetworks/{there.subnet}"
    return GcpNetworkHandle(
        network=pulumi.Output.from_input(network),
        network_id=pulumi.Output.from_input(network),
        subnet=pulumi.Output.from_input(subnet),
        subnet_id=pulumi.Output.from_input(subnet),
        pods_range=there.pods_range,
        services_range=there.services_range,
        fabric_networks={name: one.name for name, one in networks.items()},
        fabric_subnets={name: one.name for name, one in subnets.items()},
        held=tuple(subnets.values()),
        ready=tuple(subnets.values()),
        peered=(),
    )
