"""Bill of the network by the hour, and quotas that it needs."""

from collections.abc import Sequence

from components.plan.part import BillLine, QuotaNeed
from providers.aws.network.types import NetworkPlan
from providers.aws.tables import PRICES, QUOTAS
from providers.aws.types import AwsNodePoolPlan


def bill(plan: NetworkPlan, region: str) -> tuple[BillLine, ...]:
    """Gateways, addresses and endpoints by the hour; what goes by volume is unknown."""
    gateways, prices = len(plan.nat_zones), PRICES["vpc"]
    endpoints = len(plan.interface_endpoints) * len(plan.zones)
    lines = [
        prices.line("nat_gateway", "NAT gateway", region, gateways),
        prices.line("public_address", "public IPv4 address", region, gateways),
        prices.line("interface_endpoint", "interface endpoint in a zone", region, endpoints),
    ]
    if gateways or plan.flow_logs:
        unknown = PRICES["traffic"].source
        lines.append(BillLine(what="network traffic", count=1, unit_usd_per_hour=None, source=unknown))
    return tuple(line for line in lines if line.count)


def quotas(plan: NetworkPlan, pools: Sequence[AwsNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """Limits of a VPC that a large cluster meets."""
    needs = {
        "vpc.networks": (0 if plan.existing else 1, "the stack's own"),
        "vpc.cidrs": (0 if plan.existing else 1 + len(plan.further_cidrs), "ranges of the VPC"),
        "vpc.interfaces": (
            sum(pool.max_count * max(1, len(pool.interfaces)) for pool in pools),
            "interfaces of all nodes at most",
        ),
        "vpc.addresses": (sum(subnet.needed for subnet in plan.subnets), "addresses of all nodes and pods at most"),
        "vpc.endpoints": (len(plan.interface_endpoints), "private ways to AWS"),
        "vpc.nat_gateways": (min(1, len(plan.nat_zones)), "ways out"),
        "addresses.elastic": (len(plan.nat_zones), "addresses of NAT gateways"),
    }
    return tuple(QUOTAS[row].need(float(count), reason) for row, (count, reason) in needs.items() if count)
