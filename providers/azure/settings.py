"""Settings that only Azure has: the key `penstock:azure`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, IPvAnyNetwork, model_validator

from components.spec.base import NetworkRange, Spec, form
from providers.azure.network.settings import GivenVnetSpec
from providers.azure.types import DriverSource

Guid = Annotated[
    str,
    Field(
        pattern=form(
            r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            "an id such as 01234567-89ab-cdef-0123-456789abcdef, and not a name",
        )
    ),
]


class InsideAksSpec(Spec):
    """The API server inside the network alone."""


class AksReachSpec(Spec):
    """Way from where pulumi runs to the API server: exactly one."""

    public_cidrs: Annotated[tuple[IPvAnyNetwork, ...], Field(min_length=1)] | None = None
    """IPv4 ranges that may reach it from outside; nodes reach it inside the network."""
    inside: InsideAksSpec | None = None
    """`{}`: from inside an existing network, `cluster.network.existing`, where pulumi then runs."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("give exactly one of publicCidrs and inside")
        return self


class EntraLogin(StrEnum):
    """Way in which `kubelogin` gets a token of Microsoft Entra."""

    AZURE_CLI = "azurecli"
    WORKLOAD_IDENTITY = "workloadidentity"
    MANAGED_IDENTITY = "msi"
    SERVICE_PRINCIPAL = "spn"


class EntraSpec(Spec):
    """People and programs come in by Microsoft Entra, and by nothing else."""

    admin_groups: Annotated[tuple[Guid, ...], Field(min_length=1)]
    """Object ids of the groups that may do everything; whoever runs `up` is in one of them."""
    login: EntraLogin = EntraLogin.AZURE_CLI
    """Way in which `kubelogin` gets a token: `azurecli`, `workloadidentity`, `msi` or `spn`."""


class CertificateSpec(Spec):
    """A certificate that the cluster makes, and that stands in the stack's state as a secret."""


class AksAccessSpec(Spec):
    """Right of whoever reaches the API server: exactly one."""

    entra: EntraSpec | None = None
    """By Microsoft Entra, through `kubelogin`; local accounts are off."""
    certificate: CertificateSpec | None = None
    """`{}`: by a certificate of the cluster's own, for whoever has the stack's state."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.entra is None) == (self.certificate is None):
            raise ValueError("give exactly one of entra and certificate")
        return self


class AksTier(StrEnum):
    """AksTier of the control plane."""

    FREE = "free"
    STANDARD = "standard"
    PREMIUM = "premium"


class Day(StrEnum):
    """Day of a week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class NodeImageWindowSpec(Spec):
    """Hours of each week in which AKS may renew node images, one node after the other."""

    day: Day
    """Day on which they begin."""
    start_hour: int = Field(ge=0, le=23)
    """Hour at which they begin, UTC."""
    hours: int = Field(default=4, ge=4, le=24)
    """Number of them: AKS wants four at least."""


class AksSpec(Spec):
    """A Kubernetes control plane that Azure runs: AKS."""

    refused_keys: ClassVar[Mapping[str, str]] = {
        "kind": "the control plane is AKS's, and no other is made here: a CycleCloud workspace keeps its clusters "
        "outside of what an engine sees; remove it, and take scheduler.kind slurm, which runs Slurm's pods on AKS",
        "upgradeChannel": "AKS's channels move a cluster's version by themselves, and the stack file would move it "
        "back; remove it, and write cluster.kubernetesVersion",
        "stopped": "a cluster that is stopped gives its machines back, and those with InfiniBand do not come again for "
        "the asking; remove it, and set pools to count: 0",
    }

    reach: AksReachSpec | None = None
    """Way from where pulumi runs to the API server. Required."""
    access: AksAccessSpec = AksAccessSpec(certificate=CertificateSpec())
    """Right of whoever reaches it: `{entra: {adminGroups: [ID]}}`, or `{certificate: {}}`."""
    tier: AksTier = AksTier.STANDARD
    """AksTier of the control plane; `premium` keeps a version for two years."""
    pods_cidr: NetworkRange | None = None
    """Range of pods, which nothing outside of the cluster sees; a /24 of it for each node."""
    services_cidr: NetworkRange | None = None
    """Range of Services, which nothing outside of the cluster sees."""
    node_image_window: NodeImageWindowSpec | None = None
    """Hours in which node images are renewed; when left out, they stay as they are."""


class AzureSpec(Spec):
    """Settings of Azure alone. What is not asked for is not made."""

    refused_keys: ClassVar[Mapping[str, str]] = {
        "workspace": "workspaces of Azure ML, their compute and their endpoints are not made in this release; remove "
        "it, and serve by penstock:inference on the cluster",
        "endpoints": "endpoints of Azure ML are not made in this release; remove it, and serve by penstock:inference "
        "on the cluster",
        "frontDoor": "Front Door streams no server-sent events, so that a model's tokens would come all at once; "
        "remove it, and put Traffic Manager before the load balancers of several stacks yourself, as docs/azure.md "
        "shows",
        "cycleCloud": "a CycleCloud workspace keeps its clusters outside of what an engine sees; remove it, and take "
        "scheduler.kind slurm, which runs Slurm's pods on AKS",
        "features": "a feature is the whole subscription's, and a stack that owned one would take it from others when "
        "it goes; remove it, and register it by hand as docs/azure.md shows",
        "managedGpu": "AKS's managed GPU mode is a preview, has no autoscaler, and its device plugin would be a second "
        "one beside the GPU operator's; remove it",
        "nodeAutoProvisioning": "it starts single machines without a common fabric, beside cluster.nodePools; remove "
        "it: pools with minCount below maxCount grow by AKS's autoscaler",
    }
    network_form: ClassVar[type[Spec]] = GivenVnetSpec

    subscription: Guid | None = None
    """Id of the subscription. Required."""
    tenant: Guid | None = None
    """Id of its tenant; required with controlPlane.access.entra."""
    control_plane: AksSpec = AksSpec()
    """The cluster's control plane."""
    driver: DriverSource = DriverSource.AKS
    """Software that brings NVIDIA's driver to all nodes: `aks`, or `operator` for the GPU operator's."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags on everything, beside penstock's own."""
