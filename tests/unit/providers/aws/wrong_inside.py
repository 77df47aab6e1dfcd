"""Mistakes about what is inside a cluster and who reaches it, each with the change that its message asks for."""

from typing import Any

from tests.unit.providers.aws.wrong_accounts import SECOND, Followed

SERVED: dict[str, Any] = {
    "pool": "serve", "image": "r.example/penstock:1", "model": {"path": "/fsx/model"},
}  # fmt: skip
BALANCER = "inference.route.loadBalancer"


def served(balancer: Any, **network: Any) -> dict[str, Any]:
    """A service behind this load balancer, in this network."""
    serve = {"name": "serve", "machineType": "g6e.8xlarge", "count": 2, "fabric": {"none": "one node a replica"}}
    return {SECOND: serve, "inference": {**SERVED, "route": {"loadBalancer": balancer}}, "cluster.network": network}


def internet(*ranges: str) -> dict[str, Any]:
    return {"internet": {"sourceRanges": list(ranges)}}


INSIDE: list[Followed] = [
    (
        "a service that everybody may use",
        served(internet("0.0.0.0/0")),
        f"{BALANCER}.internet.sourceRanges",
        ["0.0.0.0/0: lets everyone in, and the server asks for no key; name the ranges"],
        {f"{BALANCER}.internet.sourceRanges": ["203.0.113.0/24"]},
    ),
    (
        "private clients of a public address",
        served(internet("10.20.0.0/16")),
        f"{BALANCER}.internet.sourceRanges",
        ["is a private range, from which nobody comes over the internet; remove it, or set internal"],
        {BALANCER: {"internal": {"sourceRanges": ["10.20.0.0/16"]}}},
    ),
    (
        "a public address in a network without a way in",
        served(internet("203.0.113.0/24"), nat="none"),
        f"{BALANCER}.internet",
        ["the network has no public subnets for it; set internal, or give the network a way in"],
        {"cluster.network.nat": "single"},
    ),
    (
        "a public range for private addresses",
        served({"internal": {"sourceRanges": ["198.51.100.0/24"]}}),
        f"{BALANCER}.internal.sourceRanges",
        ["is a public range, and the load balancer has private addresses alone; remove it, or set internet"],
        {BALANCER: internet("198.51.100.0/24")},
    ),
    (
        "a load balancer before a Gateway of the user's",
        {**served("internal"), "inference": {**SERVED, "route": {"gateway": "ours", "loadBalancer": "internal"}}},
        "inference.route",
        ["loadBalancer stands before penstock's own Gateway, and gateway names another; remove one"],
        {"inference.route": {"gateway": "ours"}},
    ),
    (
        "logs for as long as CloudWatch does not keep them",
        {"platform": {"logs": "cloud", "logRetentionDays": 45}},
        "platform.logRetentionDays",
        ["45 is not a CloudWatch log retention; the next longer one is 60"],
        {"platform.logRetentionDays": 60},
    ),
    (
        "logs that nothing ships",
        {"platform": {"logs": "cloud", "addons": {"fluent-bit": False}}},
        "platform.logs",
        ["cloud, but fluent-bit, which collects them, is switched off; switch fluent-bit on, or leave this out"],
        {"platform.addons": {"fluent-bit": True}},
    ),
    (
        "metrics that nothing collects",
        {"platform": {"metrics": "cloud", "addons": {"kube-prometheus-stack": False}}},
        "platform.metrics",
        ["cloud, but kube-prometheus-stack, which collects them, is switched off"],
        {"platform.addons": {"kube-prometheus-stack": True}},
    ),
]
