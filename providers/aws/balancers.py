"""Load balancers before a cluster's services: what the AWS load balancer controller is told, and what it may do."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.labels import STACK
from components.plan.kubernetes import BalancerFacts
from components.plan.part import BillLine, Decision
from components.spec.stack import StackSpec
from providers.aws.control_plane.eks.types import PolicyStatement
from providers.aws.network.types import NetworkPlan
from providers.aws.tables import PRICES

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
"""Ranges of a network of which only the account knows its own (RFC 1918, RFC 6598)."""

CONTROLLER = "aws-load-balancer-controller"
_CLUSTER_TAG = "elbv2.k8s.aws/cluster"
"""On everything that the controller makes: its cluster's name."""

_LONGEST_NAME = 32
"""Of a load balancer (Elastic Load Balancing API, CreateLoadBalancer)."""
_PREFIX = "service.beta.kubernetes.io/aws-load-balancer"


def balancers(spec: StackSpec, network: NetworkPlan, stack: str) -> BalancerFacts:
    """Network load balancers, to the pods themselves, under a name by which others find them.

    Source: kubernetes-sigs/aws-load-balancer-controller, docs/guide/service/annotations.md.
    """
    common = {f"{_PREFIX}-nlb-target-type": "ip"}
    if spec.inference and (name := _name(spec.inference.name, stack)):
        common[f"{_PREFIX}-name"] = name
    internet = {f"{_PREFIX}-scheme": "internet-facing"} | common if network.public_subnets() else {}
    return BalancerFacts(
        addon=CONTROLLER,
        service_class="service.k8s.aws/nlb",
        internal={f"{_PREFIX}-scheme": "internal"} | common,
        internet=internet,
        network=(network.cidr, *network.further_cidrs) if network.cidr else _PRIVATE,
    )


def bill(spec: StackSpec, region: str) -> Iterator[BillLine]:
    """The balancer by the hour; what goes through it is unknown."""
    if is_asked(spec):
        yield PRICES["balancers"].line("network", "network load balancer, and its traffic beside", region)


def decided(spec: StackSpec, stack: str) -> Iterator[Decision]:
    """The name by which aws.globalAccelerators, or whoever else, finds it."""
    if spec.inference and is_asked(spec):
        name = _name(spec.inference.name, stack)
        reason = "`aws elbv2 describe-load-balancers --names` tells its ARN, as aws.globalAccelerators takes it"
        if not name:
            name, reason = "a name of its own", f"{stack}-{spec.inference.name} is longer than {_LONGEST_NAME} letters"
        yield Decision(path="inference.route.loadBalancer", value=name, reason=reason)


def is_asked(spec: StackSpec) -> bool:
    route = spec.inference.route if spec.inference else None
    return route is not None and route.load_balancer is not None


def _name(service: str, stack: str) -> str:
    """Empty where AWS takes no such name: the controller makes one up."""
    name = f"{stack}-{service}"
    return name if len(name) <= _LONGEST_NAME else ""


def controller_values(cluster: str, network: NetworkPlan) -> Mapping[str, Any]:
    """Values that the controller would else ask instance metadata for, which no pod of ours reaches; the network by the
    tag that only the stack's own has, or by its id.
    """
    place: Mapping[str, Any] = {"vpcId": network.existing.vpc} if network.existing else {"vpcTags": {STACK: cluster}}
    return {
        "clusterName": cluster,
        "region": network.region,
        **place,
        "serviceAccount": {"create": True, "name": CONTROLLER},
    }


def rights(cluster: str) -> Iterator[PolicyStatement]:
    """The controller's published rights, narrowed to what carries this cluster's name, and without those of switches
    that are off (web firewalls, Shield, Cognito).

    Source: kubernetes-sigs/aws-load-balancer-controller@225f44568848, docs/install/iam_policy.json. The cluster's own
    security group, which it opens to its load balancers, has EKS's tag (EKS User Guide, Security group requirements).
    """
    made, new = {f"aws:ResourceTag/{_CLUSTER_TAG}": cluster}, {f"aws:RequestTag/{_CLUSTER_TAG}": cluster}
    of_nodes = {f"aws:ResourceTag/kubernetes.io/cluster/{cluster}": "owned"}
    groups, elb = "arn:aws:ec2:*:*:security-group/*", "arn:aws:elasticloadbalancing:*:*"
    rules = ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress")
    balancers = tuple(f"{elb}:{kind}/*" for kind in ("targetgroup", "loadbalancer/net", "loadbalancer/app"))
    listeners = tuple(f"{elb}:{kind}/{family}/*" for kind in ("listener", "listener-rule") for family in ("net", "app"))
    service = {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}
    yield PolicyStatement(actions=("iam:CreateServiceLinkedRole",), equals=service)
    yield PolicyStatement(actions=_LOOKING)
    yield PolicyStatement(actions=rules, resources=(groups,), equals=of_nodes)
    yield PolicyStatement(actions=(*rules, "ec2:DeleteSecurityGroup"), resources=(groups,), equals=made)
    yield PolicyStatement(actions=("ec2:CreateSecurityGroup",))  # in a network and under a tag: two kinds of resource
    at_birth = {"ec2:CreateAction": "CreateSecurityGroup", **new}
    yield PolicyStatement(actions=("ec2:CreateTags",), resources=(groups,), equals=at_birth)
    yield PolicyStatement(actions=("ec2:CreateTags", "ec2:DeleteTags"), resources=(groups,), equals=made)
    creating = ("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup")
    yield PolicyStatement(actions=creating, equals=new)
    tags = ("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags")
    yield PolicyStatement(actions=tags[:1], resources=balancers, equals=new)
    yield PolicyStatement(actions=tags, resources=balancers, equals=made)
    yield PolicyStatement(actions=tags, resources=listeners)
    yield PolicyStatement(actions=_CHANGING, equals=made)
    targets = ("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets")
    yield PolicyStatement(actions=targets, resources=balancers[:1], equals=made)
    # A listener and its rules have no tag of the cluster when they are made.
    yield PolicyStatement(actions=_LISTENING)


_LOOKING = (
    "acm:DescribeCertificate",
    "acm:ListCertificates",
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "ec2:GetSecurityGroupsForVpc",
    "elasticloadbalancing:DescribeCapacityReservation",
    "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeListenerCertificates",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeSSLPolicies",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:DescribeTrustStores",
    "iam:GetServerCertificate",
    "iam:ListServerCertificates",
)
"""Without a narrower resource: AWS knows none for them."""

_CHANGING = (
    "elasticloadbalancing:DeleteLoadBalancer",
    "elasticloadbalancing:DeleteTargetGroup",
    "elasticloadbalancing:ModifyCapacityReservation",
    "elasticloadbalancing:ModifyIpPools",
    "elasticloadbalancing:ModifyListenerAttributes",
    "elasticloadbalancing:ModifyLoadBalancerAttributes",
    "elasticloadbalancing:ModifyTargetGroup",
    "elasticloadbalancing:ModifyTargetGroupAttributes",
    "elasticloadbalancing:SetIpAddressType",
    "elasticloadbalancing:SetSecurityGroups",
    "elasticloadbalancing:SetSubnets",
)
_LISTENING = (
    "elasticloadbalancing:AddListenerCertificates",
    "elasticloadbalancing:CreateListener",
    "elasticloadbalancing:CreateRule",
    "elasticloadbalancing:DeleteListener",
    "elasticloadbalancing:DeleteRule",
    "elasticloadbalancing:ModifyListener",
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:RemoveListenerCertificates",
    "elasticloadbalancing:SetRulePriorities",
)
