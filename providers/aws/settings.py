"""What only AWS has: what `penstock:aws` holds."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, IPvAnyNetwork, Tag, model_validator

from components.spec.base import Name, Spec, form

Uri = Annotated[
    str, Field(pattern=form(r"^s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9](/.*)?$", "an address such as s3://bucket/prefix/"))
]
RoleArn = Annotated[
    str, Field(pattern=form(r"^arn:aws[-a-z]*:iam::\d{12}:(role|user)/.+$", "the ARN of a role or user"))
]
MlMachineType = Annotated[
    str, Field(pattern=form(r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", "SageMaker's name of a machine type: ml.g6.xlarge"))
]
AmiId = Annotated[str, Field(pattern=form(r"^ami-[0-9a-f]{8,17}$", "the id of an image: ami-0123456789abcdef0"))]
Image = Annotated[str, Field(min_length=3, max_length=255)]


class Tier(StrEnum):
    """Capacity of the control plane, paid for by the hour (EKS API: controlPlaneScalingConfig.tier)."""

    STANDARD = "standard"
    XL = "tier-xl"
    XL2 = "tier-2xl"
    XL4 = "tier-4xl"
    XL8 = "tier-8xl"


class EksSpec(Spec):
    """A Kubernetes control plane that AWS runs."""

    kind: Literal["eks"] = "eks"
    tier: Tier = Tier.STANDARD
    public_cidrs: tuple[IPvAnyNetwork, ...] = ()
    """Who may reach the API server from outside; when left out, nobody: it has a private endpoint only."""
    admins: tuple[RoleArn, ...] = ()
    """Roles and users with cluster-wide administration, beside whoever creates the cluster."""
    log_retention_days: int = Field(default=30, ge=1, le=3653)
    node_repair: bool = True
    """Nodes whose accelerators, kernel or network fail are replaced by EKS."""


class PcsSize(StrEnum):
    """SMALL: 32 nodes and 256 jobs; MEDIUM: 512 and 8192; LARGE: 2048 and 16384."""

    SMALL = "SMALL"
    MEDIUM = "MEDIUM"
    LARGE = "LARGE"


class PcsSpec(Spec):
    """A Slurm controller that AWS runs: Parallel Computing Service."""

    kind: Literal["pcs"]
    size: PcsSize | None = None
    """When left out, the smallest that holds the pools."""
    slurm_version: str = Field(
        default="25.05", pattern=form(r"^\d{2}\.\d{2}$", 'a Slurm version in quotes, such as "25.05"')
    )
    ami_id: AmiId | None = None
    """An image with Slurm of that version and PCS's agent. It must be given: an image is of one region and day."""
    accounting: bool = False
    scale_down_idle_s: int = Field(default=600, ge=60)


class BatchSpec(Spec):
    """AWS Batch: a queue whose jobs span several nodes, without a control plane to pay for."""

    kind: Literal["batch"]
    image: Image
    """The container of the job definition; it brings libfabric and aws-ofi-nccl where the pool has a fabric."""
    command: tuple[str, ...] = Field(min_length=1)
    attempts: int = Field(default=3, ge=1, le=10)
    ami_id: AmiId | None = None
    """When left out, AWS's newest for the pool's accelerators; there is none for Neuron."""


def _kind_or_eks(value: Any) -> str:
    return str(value.get("kind", "eks") if isinstance(value, dict) else getattr(value, "kind", "eks"))


ControlPlane = Annotated[
    Annotated[EksSpec, Tag("eks")] | Annotated[PcsSpec, Tag("pcs")] | Annotated[BatchSpec, Tag("batch")],
    Discriminator(_kind_or_eks),
]


class HyperPodSpec(Spec):
    """Pools that SageMaker HyperPod runs on the stack's EKS cluster, with its own health checks and replacement."""

    pools: tuple[Name, ...] = Field(min_length=1)
    lifecycle_scripts: Uri
    """Prefix with an `on_create.sh`."""
    deep_health_checks: bool = True
    training_plan: (
        Annotated[
            str, Field(pattern=form(r"^arn:aws[-a-z]*:sagemaker:.+:training-plan/.+$", "the ARN of a training plan"))
        ]
        | None
    ) = None


class Upstream(StrEnum):
    """Registries that need no credentials to be pulled through."""

    PUBLIC_ECR = "public.ecr.aws"
    QUAY = "quay.io"
    KUBERNETES = "registry.k8s.io"


class RegistrySpec(Spec):
    """A private image registry, and mirrors of public ones."""

    repositories: tuple[Name, ...] = ()
    mirrors: tuple[Upstream, ...] = (Upstream.PUBLIC_ECR, Upstream.KUBERNETES, Upstream.QUAY)
    keep_images: int = Field(default=20, ge=1, le=1000)


class ExpressStoreSpec(Spec):
    """A bucket of one zone with single-digit milliseconds: S3 Express One Zone."""

    zone_id: str = Field(pattern=form(r"^[a-z0-9]+-az\d+$", "a zone id such as use2-az1"))
    """The zone's id, the same in every account: `use2-az1`."""


class RealTimeSpec(Spec):
    """Machines that always run."""

    kind: Literal["realTime"]
    machine_type: MlMachineType
    count: int = Field(default=1, ge=1, le=100)
    max_count: int | None = Field(default=None, ge=1, le=100)


class ServerlessSpec(Spec):
    """No machine between requests, and no accelerator."""

    kind: Literal["serverless"]
    memory_mib: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 4096
    max_concurrency: int = Field(default=20, ge=1, le=200)
    provisioned_concurrency: int | None = Field(default=None, ge=1, le=200)


class AsynchronousSpec(Spec):
    """Requests wait in a queue, answers go to a bucket, and no machine runs while the queue is empty."""

    kind: Literal["asynchronous"]
    machine_type: MlMachineType
    max_count: int = Field(default=1, ge=1, le=100)
    output: Uri


class EndpointSpec(Spec):
    """A SageMaker endpoint."""

    name: Name
    image: Image
    model_data: Uri | None = None
    serve: Annotated[RealTimeSpec | ServerlessSpec | AsynchronousSpec, Field(discriminator="kind")]


class CustomModelSpec(Spec):
    """A Bedrock model fine-tuned from one of AWS's."""

    name: Name
    base_model: str = Field(min_length=1)
    training_data: Uri
    output: Uri
    hyperparameters: dict[str, str] = Field(default_factory=dict)
    trained: bool = False
    """Say so when its job has completed, hours after the first `up`: throughput can be bought for it only then."""


class ThroughputSpec(Spec):
    """Model units of Bedrock that are always there."""

    name: Name
    model: str = Field(min_length=1)
    """An ARN, or the name of one of the stack's own customModels that is trained."""
    units: int = Field(default=1, ge=1)
    commitment: Literal["OneMonth", "SixMonths"] | None = None
    """Cheaper, and cannot be given back before its end."""


class AcceleratorSpec(Spec):
    """Two fixed addresses in front of a load balancer: Global Accelerator."""

    name: Name
    load_balancer_arn: str = Field(
        pattern=form(r"^arn:aws[-a-z]*:elasticloadbalancing:.+:loadbalancer/.+$", "the ARN of a load balancer")
    )
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = (443,)


class AwsSpec(Spec):
    """The key `penstock:aws`. Everything has a default; what is not asked for does not exist."""

    control_plane: ControlPlane = EksSpec()
    interface_endpoints: bool | None = None
    """Private ways to AWS's own services; when left out, where the network has no NAT."""
    registry: RegistrySpec | None = None
    express_store: ExpressStoreSpec | None = None
    hyper_pod: HyperPodSpec | None = None
    endpoints: tuple[EndpointSpec, ...] = ()
    custom_models: tuple[CustomModelSpec, ...] = ()
    throughput: tuple[ThroughputSpec, ...] = ()
    global_accelerators: tuple[AcceleratorSpec, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)
    """On everything that takes tags, beside penstock's own."""

    @model_validator(mode="after")
    def _hyper_pod_has_its_cluster(self) -> Self:
        if self.hyper_pod is not None and self.control_plane.kind != "eks":
            raise ValueError(f"hyperPod: runs on an EKS cluster, and controlPlane.kind is {self.control_plane.kind!r}")
        return self
