"""Settings that only AWS has: the key `penstock:aws`."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from components.spec.base import Name, Spec, form
from components.spec.rest import Places
from providers.aws.network.settings import ExistingNetworkSpec
from providers.aws.reach_settings import ReachSpec

Uri = Annotated[
    str, Field(pattern=form(r"^s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9](/.*)?$", "an address such as s3://bucket/prefix/"))
]
RoleArn = Annotated[
    str,
    Field(
        pattern=form(
            r"^arn:aws[-a-z]*:iam::\d{12}:(role|user)/.+$",
            "the ARN of a role or user, such as arn:aws:iam::123456789012:role/ops; of a session, that of its role",
        )
    ),
]
MlMachineType = Annotated[
    str, Field(pattern=form(r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", "SageMaker's name of a machine type, such as ml.g6.xlarge"))
]
AmiId = Annotated[
    str, Field(pattern=form(r"^ami-[0-9a-f]{8,17}$", "the id of an image, such as ami-0123456789abcdef0"))
]
AddOnBuild = Annotated[
    str, Field(pattern=form(r"^v\d+\.\d+\.\d+-eksbuild\.\d+$", "a build of an add-on, such as v1.22.4-eksbuild.3"))
]
ImageRelease = Annotated[
    str,
    Field(
        pattern=form(
            r"^\d+\.\d+\.\d+-\d{8}$", "a release of EKS's images in quotes, of the cluster's version: 1.35.3-20260512"
        )
    ),
]
Image = Annotated[str, Field(min_length=3, max_length=255)]


class Tier(StrEnum):
    """Capacity of the control plane, billed by the hour (EKS API: controlPlaneScalingConfig.tier)."""

    STANDARD = "standard"
    XL = "tier-xl"
    XL2 = "tier-2xl"
    XL4 = "tier-4xl"
    XL8 = "tier-8xl"


class EksSpec(Spec):
    """A Kubernetes control plane that AWS runs."""

    kind: Literal["eks"] = "eks"
    """A Kubernetes control plane that AWS runs (EKS)."""
    tier: Tier = Tier.STANDARD
    """Capacity of the control plane, billed by the hour above `standard`."""
    reach: ReachSpec | None = None
    """Way from where pulumi and kubectl run to the API server. Required."""
    admins: tuple[RoleArn, ...] = ()
    """ARNs of roles and users with cluster-wide administration, beside the one who creates the cluster."""
    log_retention_days: int = Field(default=30, ge=1, le=3653)
    """Days that CloudWatch keeps the control plane's logs: one of the periods that it offers."""
    node_release: ImageRelease | None = None
    """Release of the nodes' image, such as "1.35.3-20260512"; when left out, the one this penstock was made for."""
    add_on_versions: dict[str, AddOnBuild] = Field(default_factory=dict)
    """Builds of EKS's add-ons in the place of the plan's, such as {vpc-cni: v1.22.4-eksbuild.3}."""
    node_repair: bool = True
    """EKS reboots or replaces nodes whose accelerators, kernel or network fail, one of a pool at a time."""


class PcsSize(StrEnum):
    """Size of the Slurm controller. SMALL: 32 nodes and 256 jobs; MEDIUM: 512 and 8192; LARGE: 2048 and 16384."""

    SMALL = "SMALL"
    MEDIUM = "MEDIUM"
    LARGE = "LARGE"


class PcsSpec(Spec):
    """A Slurm controller that AWS runs: Parallel Computing Service."""

    kind: Literal["pcs"]
    """A Slurm controller that AWS runs (Parallel Computing Service)."""
    size: PcsSize | None = None
    """Size of the controller; when left out, the smallest that holds the pools."""
    slurm_version: str = Field(
        default="25.05", pattern=form(r"^\d{2}\.\d{2}$", 'a Slurm version in quotes, such as "25.05"')
    )
    """Slurm version in quotes, such as "25.05"."""
    ami_id: AmiId | None = None
    """Machine image of this region with Slurm of that version, PCS's agent and the machines' drivers. Required."""
    root_device: str = Field(
        default="/dev/sda1", pattern=form(r"^/dev/(sd[a-z][0-9]*|xvda)$", "a root device: /dev/sda1 or /dev/xvda")
    )
    """Root device of the image: /dev/sda1 of Ubuntu, as AWS's PCS-ready image is, /dev/xvda of Amazon Linux."""
    accounting: bool = False
    """Slurm's accounting; billed by the hour."""
    scale_down_idle_s: int = Field(default=600, ge=60)
    """Seconds without a job after which a node is ended."""


class AwsBatchSpec(Spec):
    """AWS Batch: a queue whose jobs span several nodes, without a control plane to pay for."""

    kind: Literal["batch"]
    """A queue of AWS Batch."""
    image: Image | None = None
    """Container of the job, with libfabric and aws-ofi-nccl where the pool has a fabric; when left out, penstock's own,
    which `penstock images push STACK` builds."""
    command: tuple[str, ...] = Field(min_length=1)
    """Command of the job's container, as a list of words."""
    attempts: int = Field(default=3, ge=1, le=10)
    """Times that a job is tried."""
    ami_id: AmiId | None = None
    """Machine image; when left out, AWS's newest for the pool's accelerators (none for Neuron)."""


def _kind_or_eks(value: Any) -> str:
    return str(value.get("kind", "eks") if isinstance(value, dict) else getattr(value, "kind", "eks"))


ControlPlane = Annotated[
    Annotated[EksSpec, Tag("eks")] | Annotated[PcsSpec, Tag("pcs")] | Annotated[AwsBatchSpec, Tag("batch")],
    Discriminator(_kind_or_eks),
]


class HyperPodSpec(Spec):
    """Node pools of the EKS cluster that SageMaker HyperPod runs, with its own health checks."""

    pools: tuple[Name, ...] = Field(min_length=1)
    """Names of node pools that HyperPod runs."""
    lifecycle_scripts: Uri
    """Prefix that holds an `on_create.sh`: s3://bucket/prefix/."""
    chart_installed: bool = False
    """`true` once HyperPod's own Helm chart is on the cluster, which a first `up` without hyperPod makes."""
    deep_health_checks: bool = True
    """SageMaker tests every machine before it joins."""
    training_plan: (
        Annotated[
            str,
            Field(
                pattern=form(
                    r"^arn:aws[-a-z]*:sagemaker:.+:training-plan/.+$",
                    "the ARN of a training plan (`aws sagemaker list-training-plans`)",
                )
            ),
        ]
        | None
    ) = None
    """ARN of a SageMaker training plan that pays for the machines."""


class Upstream(StrEnum):
    """Public registry that needs no credentials."""

    PUBLIC_ECR = "public.ecr.aws"
    QUAY = "quay.io"
    KUBERNETES = "registry.k8s.io"


class RegistrySpec(Spec):
    """A private image registry, and mirrors of public ones."""

    repositories: tuple[Name, ...] = ()
    """Names of repositories; each becomes STACK/NAME."""
    mirrors: tuple[Upstream, ...] | None = None
    """Public registries that are pulled through; when left out, all three, and none where the network has no NAT, as
    ECR then fetches nothing new."""
    keep_images: int = Field(default=20, ge=1, le=1000)
    """Newest images kept in each repository."""


class ExpressStoreSpec(Spec):
    """A bucket of one zone with single-digit milliseconds: S3 Express One Zone."""

    zone_id: str = Field(pattern=form(r"^[a-z0-9]+-az\d+$", "a zone id such as use2-az1"))
    """Id of the zone, the same in every account: use2-az1."""


class RealTimeSpec(Spec):
    """Machines that always run."""

    kind: Literal["realTime"]
    """Machines that always run."""
    machine_type: MlMachineType
    """SageMaker's name of the machine type: ml.g6.xlarge."""
    count: int = Field(default=1, ge=1, le=100)
    """Machines that run without load."""
    max_count: int | None = Field(default=None, ge=1, le=100)
    """Most machines under load; when left out, `count`."""


class ServerlessSpec(Spec):
    """No machine between requests, and no accelerator."""

    kind: Literal["serverless"]
    """No machine between requests."""
    memory_mib: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 4096
    """Memory in MiB."""
    max_concurrency: int = Field(default=20, ge=1, le=200)
    """Requests at a time."""
    provisioned_concurrency: int | None = Field(default=None, ge=1, le=200)
    """Requests at a time that find a warm instance; billed by the hour."""


class AsynchronousSpec(Spec):
    """Requests wait in a queue, answers go to a bucket, and no machine runs while the queue is empty."""

    kind: Literal["asynchronous"]
    """A queue of requests."""
    machine_type: MlMachineType
    """SageMaker's name of the machine type: ml.g6.xlarge."""
    max_count: int = Field(default=1, ge=1, le=100)
    """Most machines while requests wait."""
    output: Uri
    """Prefix that answers are written to: s3://bucket/prefix/."""


class EndpointSpec(Spec):
    """A SageMaker endpoint."""

    name: Name
    """Name of the endpoint: lower-case letters, digits and dashes."""
    image: Image
    """Container of the server, in ECR, with its tag."""
    model_data: Uri | None = None
    """Archive or prefix of the model: s3://bucket/model.tar.gz."""
    serve: Annotated[RealTimeSpec | ServerlessSpec | AsynchronousSpec, Field(discriminator="kind")]
    """Kind of endpoint: `realTime`, `serverless` or `asynchronous`."""


class CustomModelSpec(Spec):
    """A Bedrock model fine-tuned from one of AWS's."""

    name: Name
    """Name of the model: lower-case letters, digits and dashes."""
    base_model: str = Field(min_length=1)
    """ARN of the foundation model that is fine-tuned."""
    training_data: Uri
    """Prefix or file of the training data: s3://bucket/prefix/."""
    output: Uri
    """Prefix that Bedrock writes results to."""
    hyperparameters: dict[str, str] = Field(default_factory=dict)
    """Bedrock's own, such as epochCount; values in quotes."""
    trained: bool = False
    """`true` once its job has completed, hours after the first `up`; throughput can be bought only then."""


class ThroughputSpec(Spec):
    """Model units of Bedrock that are always there."""

    name: Name
    """Name of the throughput: lower-case letters, digits and dashes."""
    model: str = Field(min_length=1)
    """ARN of a model, or the name of one of `customModels` that is trained."""
    units: int = Field(default=1, ge=1)
    """Model units."""
    commitment: Literal["OneMonth", "SixMonths"] | None = None
    """Cheaper, and paid to its end, `pulumi destroy` or not."""


class AcceleratorSpec(Spec):
    """Two fixed addresses in front of a load balancer: Global Accelerator."""

    name: Name
    """Name of the accelerator: lower-case letters, digits and dashes."""
    load_balancer_arn: str = Field(
        pattern=form(
            r"^arn:aws[-a-z]*:elasticloadbalancing:.+:loadbalancer/.+$",
            "the ARN of a load balancer (`aws elbv2 describe-load-balancers`)",
        )
    )
    """ARN of the load balancer behind it."""
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = (443,)
    """TCP ports."""


AccountId = Annotated[str, Field(pattern=form(r"^\d{12}$", "the 12 digits of an account, in quotes"))]


class AssumedRoleSpec(Spec):
    """A role that everything is made in. What else an assumption may need (an external id) belongs into a profile."""

    role_arn: RoleArn
    """ARN of the role."""


class AwsAccountSpec(Spec):
    """The keys `aws:NAME` of a stack file that are handed on: to the provider, the preflight, the drain, the gate and
    the kubeconfig. All others are refused.
    """

    profile: str = ""
    """Profile of the AWS command line's files."""
    region: str = ""
    """The region once more; `cluster.region` decides."""
    assume_role: AssumedRoleSpec | None = None
    """A role to assume."""
    assume_roles: tuple[AssumedRoleSpec, ...] = Field(default=(), max_length=1)
    """The same as newer versions of the provider write it."""
    allowed_account_ids: tuple[AccountId, ...] = ()
    """Accounts that the stack may be built in; when left out, any."""
    forbidden_account_ids: tuple[AccountId, ...] = ()
    """Accounts that the stack may not be built in."""

    @property
    def role_arn(self) -> str:
        """ARN of the role to assume; empty for none."""
        return next((role.role_arn for role in (self.assume_role, *self.assume_roles) if role), "")

    @model_validator(mode="after")
    def _one_role(self) -> Self:
        if self.assume_role and self.assume_roles:
            raise ValueError("assumeRole and assumeRoles stand there both; remove one")
        return self

    @model_validator(mode="after")
    def _allowed_or_forbidden(self) -> Self:
        """The provider takes one of the two (Terraform's AWS provider, forbidden_account_ids)."""
        if self.allowed_account_ids and self.forbidden_account_ids:
            reason = (
                "allowedAccountIds beside it: the provider takes one of the two, and what is not allowed is refused"
            )
            raise ValueError(f"forbiddenAccountIds: {reason} anyway; remove it")
        return self


class AwsSpec(Spec):
    """Settings of AWS alone. What is not asked for is not made."""

    account_form: ClassVar[type[Spec]] = AwsAccountSpec
    network_form: ClassVar[type[Spec]] = ExistingNetworkSpec
    places: ClassVar[Places] = {
        "controlPlane.reach.inside.cidrs": ["10.0.0.0/16"],
        "controlPlane.reach.publicCidrs": ["203.0.113.0/24"],
        "controlPlane.reach.ssmHost.localPort": None,
        "controlPlane.reach": {"ssmHost": {}},
        "controlPlane.admins": None,
        "controlPlane.logRetentionDays": None,
        "controlPlane.nodeRelease": None,
        "controlPlane.nodeRepair": None,
        "controlPlane.tier": None,
        "registry.keepImages": None,
        "endpoints": None,
        "throughput": None,
        "globalAccelerators": None,
        "tags": None,
    }

    control_plane: ControlPlane = EksSpec()
    """Control plane: EKS by default, `kind: pcs` (Slurm) or `kind: batch`."""
    interface_endpoints: bool | None = None
    """Private endpoints for AWS's services; when left out, only where the network has no NAT."""
    registry: RegistrySpec | None = None
    """Private image registry; `{}` makes one with mirrors of public registries."""
    express_store: ExpressStoreSpec | None = None
    """Bucket of S3 Express One Zone."""
    hyper_pod: HyperPodSpec | None = None
    """Node pools that SageMaker HyperPod runs."""
    endpoints: tuple[EndpointSpec, ...] = ()
    """SageMaker endpoints."""
    custom_models: tuple[CustomModelSpec, ...] = ()
    """Bedrock models to fine-tune."""
    throughput: tuple[ThroughputSpec, ...] = ()
    """Model units of Bedrock that are always there."""
    global_accelerators: tuple[AcceleratorSpec, ...] = ()
    """Fixed addresses in front of load balancers."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags on everything that takes tags, beside penstock's own."""

    @model_validator(mode="after")
    def _hyper_pod_has_its_cluster(self) -> Self:
        if self.hyper_pod is not None and self.control_plane.kind != "eks":
            fact = f"runs on an EKS cluster, and controlPlane.kind is {self.control_plane.kind!r}"
            raise ValueError(f"hyperPod: {fact}; remove it, or set aws.controlPlane.kind to eks")
        return self
