"""AWS's services that nodes cannot do without."""

from components.spec.platform import KeptBy
from components.spec.stack import StackSpec
from providers.aws.karpenter_asked import runs_karpenter
from providers.aws.settings import AwsSpec

FOR_ALL = ("ec2", "ecr.api", "ecr.dkr", "logs", "ssm", "ssmmessages", "sts")
"""Start a machine, pull an image, write a log, reach a shell without a key, get a role."""
FOR_CONTROL_PLANE = {
    "eks": ("autoscaling", "eks", "eks-auth", "elasticloadbalancing"),
    "pcs": ("pcs",),
    "batch": ("batch", "ecs", "ecs-agent", "ecs-telemetry"),
}


def services(spec: StackSpec, settings: AwsSpec) -> tuple[str, ...]:
    """Those that need an interface endpoint each where no route leads out; S3 is reached by a gateway's."""
    stores = (("fsx",) if spec.storage.file_system else ()) + (
        ("elasticfilesystem",) if spec.storage.shared_file_system else ()
    )
    if spec.platform.metrics is KeptBy.CLOUD and settings.control_plane.kind == "eks":
        stores = (*stores, "aps-workspaces")
    if runs_karpenter(spec):
        stores = (*stores, "sqs")
    return tuple(sorted({*FOR_ALL, *FOR_CONTROL_PLANE[settings.control_plane.kind], *stores}))
