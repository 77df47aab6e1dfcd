"""What the network costs by the hour, and what of it an account must allow."""

from collections.abc import Sequence
from decimal import Decimal

from components.plan.part import BillLine, QuotaNeed
from providers.aws.network.types import NetworkPlan
from providers.aws.nodes.types import AwsNodePoolPlan

PRICED_REGIONS = ("us-east-1", "us-east-2", "us-west-2")
SOURCE = "AWS VPC list price of us-east-1, us-east-2 and us-west-2, as others quoted it in 2026"
NAT_GATEWAY_USD_PER_HOUR = Decimal("0.045")
PUBLIC_ADDRESS_USD_PER_HOUR = Decimal("0.005")
"""Each public IPv4 address, in use or not (since February 2024)."""
ENDPOINT_USD_PER_HOUR = Decimal("0.01")
"""Each interface endpoint in each zone."""
BY_VOLUME = "by traffic, which a plan cannot know: USD 0.045 through a NAT gateway, USD 0.50 into flow logs"


def bill(plan: NetworkPlan, region: str) -> tuple[BillLine, ...]:
    """Gateways, addresses and endpoints by the hour; what goes by volume is unknown."""
    gateways = len(plan.nat_zones)
    lines = [
        _line("NAT gateway", gateways, NAT_GATEWAY_USD_PER_HOUR, region),
        _line("public IPv4 address", gateways, PUBLIC_ADDRESS_USD_PER_HOUR, region),
        _line(
            "interface endpoint in a zone",
            len(plan.interface_endpoints) * len(plan.zones),
            ENDPOINT_USD_PER_HOUR,
            region,
        ),
    ]
    if gateways or plan.flow_logs:
        lines.append(BillLine(what="network traffic", count=1, unit_usd_per_hour=None, source=BY_VOLUME))
    return tuple(line for line in lines if line.count)


def _line(what: str, count: int, price: Decimal, region: str) -> BillLine:
    known = region in PRICED_REGIONS
    source = SOURCE if known else f"no price of {region} is known"
    return BillLine(what=what, count=count, unit_usd_per_hour=price if known else None, source=source)


def quotas(plan: NetworkPlan, pools: Sequence[AwsNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """Limits of a VPC that a large cluster meets. Codes and names as Service Quotas has them, defaults as the VPC User
    Guide ("Amazon VPC quotas")."""
    interfaces = sum(pool.max_count * max(1, len(pool.interfaces)) for pool in pools)
    addresses = sum(subnet.needed for subnet in plan.subnets)
    needs = [
        ("vpc", "L-F678F1CE", "VPCs per Region", 1, 5, "the stack's own"),
        ("vpc", "L-83CA0A9D", "IPv4 CIDR blocks per VPC", 1 + len(plan.further_cidrs), 5, "ranges of the VPC"),
        ("vpc", "L-DF5E4CA3", "Network interfaces per Region", interfaces, 5000, "interfaces of all nodes at most"),
        ("vpc", "L-BB24F6E5", "Network Address Usage", addresses, 64_000, "addresses of all nodes and pods at most"),
        (
            *("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC"),
            *(len(plan.interface_endpoints), 50, "private ways to AWS"),
        ),
        ("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", min(1, len(plan.nat_zones)), 5, "ways out"),
        ("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", len(plan.nat_zones), 5, "addresses of NAT gateways"),
    ]
    return tuple(
        QuotaNeed(
            service=service, code=code, name=name, needed=float(count), default=float(default), unit="", reason=reason
        )
        for service, code, name, count, default, reason in needs
        if count
    )
