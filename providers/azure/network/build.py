"""The network as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pulumi
from pulumi_azure_native import network, resources

from providers.azure.network.handle import AzureNetworkHandle
from providers.azure.types import API_SERVER, LUSTRE, NETAPP, NODES, AzureNetworkPlan, AzureSubnet, GivenVnet

_NAT_IDLE_MINUTES = 30
"""Of a connection out that is silent, such as a long fetch of weights (NAT gateway, "Timeouts": 4 to 120)."""


class AzureNetwork(pulumi.ComponentResource):
    """A virtual network with all of its subnets in one request, and a way out; of one that is there already nothing.

    A subnet of its own resource would be written over by each change of the network, and the other way round.
    """

    handle: AzureNetworkHandle

    def __init__(
        self, name: str, *, plan: AzureNetworkPlan, tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("penstock:azure:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, retain_on_delete=plan.keep)
        self.handle = _given(plan.existing) if plan.existing else _own(name, plan, dict(tags), child)
        self.register_outputs({"network": self.handle.id})


def _own(name: str, plan: AzureNetworkPlan, tags: dict[str, str], opts: pulumi.ResourceOptions) -> AzureNetworkHandle:
    group = resources.ResourceGroup(
        f"{name}-group", resource_group_name=plan.group, location=plan.region, tags=tags, opts=opts
    )
    address = network.PublicIPAddress(
        f"{name}-way-out",
        public_ip_address_name=f"{plan.name}-way-out",
        resource_group_name=group.name,
        location=plan.region,
        sku={"name": "Standard"},
        public_ip_allocation_method="Static",
        tags=tags,
        opts=opts,
    )
    gateway = network.NatGateway(
        f"{name}-nat",
        nat_gateway_name=f"{plan.name}-nat",
        resource_group_name=group.name,
        location=plan.region,
        sku={"name": "Standard"},
        public_ip_addresses=[{"id": address.id}],
        idle_timeout_in_minutes=_NAT_IDLE_MINUTES,
        tags=tags,
        opts=opts,
    )
    made = network.VirtualNetwork(
        name,
        virtual_network_name=plan.name,
        resource_group_name=group.name,
        location=plan.region,
        address_space={"address_prefixes": [plan.cidr]},
        subnets=[_subnet(subnet, gateway) for subnet in plan.subnets],
        tags=tags,
        opts=opts,
    )
    names = [subnet.name for subnet in plan.subnets]
    return AzureNetworkHandle(
        id=made.id,
        nodes=_id_of(made.id, NODES),
        api_server=_id_of(made.id, API_SERVER),
        lustre=_id_of(made.id, LUSTRE) if LUSTRE in names else None,
        netapp=_id_of(made.id, NETAPP) if NETAPP in names else None,
        scopes=(made.id,),
        ready=(made,),
    )


def _subnet(subnet: AzureSubnet, gateway: network.NatGateway) -> network.SubnetArgs:
    """With every field that it is to have: what a request leaves out is taken away."""
    delegations: Sequence[network.DelegationArgs] = (
        [network.DelegationArgs(name="handed-over", service_name=subnet.delegation)] if subnet.delegation else []
    )
    return network.SubnetArgs(
        name=subnet.name,
        address_prefix=subnet.cidr,
        nat_gateway=network.SubResourceArgs(id=gateway.id) if subnet.way_out else None,
        delegations=delegations or None,
        service_endpoints=[network.ServiceEndpointPropertiesFormatArgs(service=one) for one in subnet.endpoints]
        or None,
        default_outbound_access=False,
    )


def _given(there: GivenVnet) -> AzureNetworkHandle:
    """Rights to the subnets alone: the rest of it is others'."""
    whole = pulumi.Output.from_input(there.id)
    nodes, api_server = _id_of(whole, there.nodes), _id_of(whole, there.api_server)
    return AzureNetworkHandle(
        id=whole,
        nodes=nodes,
        api_server=api_server,
        lustre=_id_of(whole, there.lustre) if there.lustre else None,
        netapp=_id_of(whole, there.netapp) if there.netapp else None,
        scopes=(nodes, api_server),
        ready=(),
    )


def _id_of(whole: pulumi.Output[str], subnet: str) -> pulumi.Output[str]:
    return whole.apply(partial(_below, subnet))


def _below(subnet: str, whole: str) -> str:
    return f"{whole}/subnets/{subnet}"
