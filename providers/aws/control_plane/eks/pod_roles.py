"""Rights on AWS of penstock's own add-ons, as few as they work with."""

from collections.abc import Iterator, Sequence

from components.platform.versions import versions
from components.spec.stack import StackSpec
from providers.aws.balancers import CONTROLLER, is_asked, rights
from providers.aws.control_plane.eks.types import PodRolePlan, PolicyStatement
from providers.aws.nodes.scaling import AUTOSCALER, GROWS_TAG, autoscaled
from providers.aws.types import AwsNodePoolPlan

DNS = "external-dns"


def pod_roles(spec: StackSpec, pools: Sequence[AwsNodePoolPlan], cluster: str) -> Iterator[PodRolePlan]:
    """Roles of the add-ons that are on and act on AWS."""
    if autoscaled(spec, pools):
        yield _role("autoscaler", AUTOSCALER, _resizing(cluster))
    if _is_on(spec, DNS, default=spec.platform.domain is not None):
        yield _role("dns", DNS, _NAMING)
    if _is_on(spec, CONTROLLER, default=is_asked(spec)):
        yield _role("balancers", CONTROLLER, tuple(rights(cluster)))


def _is_on(spec: StackSpec, addon: str, *, default: bool) -> bool:
    asked = spec.platform.addons.get(addon)
    return default if asked is None or asked.enabled is None else asked.enabled


def _role(name: str, addon: str, statements: tuple[PolicyStatement, ...]) -> PodRolePlan:
    namespace = versions()[addon].namespace
    return PodRolePlan(name=name, namespace=namespace, service_account=addon, statements=statements)


def _resizing(cluster: str) -> tuple[PolicyStatement, ...]:
    """To look at all groups, which AWS cannot narrow, and to resize those that the cluster's autoscaler may see.

    Source: cluster-autoscaler/cloudprovider/aws/README.md, "Full Cluster Autoscaler Features Policy".
    """
    return (
        PolicyStatement(
            actions=(
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            )
        ),
        PolicyStatement(actions=("eks:DescribeNodegroup",), resources=(f"arn:aws:eks:*:*:nodegroup/{cluster}/*",)),
        PolicyStatement(
            actions=("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            equals={
                f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned",
                f"aws:ResourceTag/{GROWS_TAG}": "true",
            },
        ),
    )


_NAMING = (
    PolicyStatement(actions=("route53:ChangeResourceRecordSets",), resources=("arn:aws:route53:::hostedzone/*",)),
    PolicyStatement(
        actions=("route53:ListHostedZones", "route53:ListResourceRecordSets", "route53:ListTagsForResources")
    ),
)
"""Source: external-dns, docs/tutorials/aws.md, "IAM Policy"."""
