"""Settings that only GCP has: the key `penstock:gcp`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, IPvAnyNetwork, Tag

from components.spec.base import Name, Spec, form
from components.spec.choice import Choice
from components.spec.rest import Places
from providers.gcp.balancer.settings import GlobalBalancerSpec
from providers.gcp.network.settings import GivenVpcSpec
from providers.gcp.serving.settings import GardenEndpointSpec

ProjectId = Annotated[
    str,
    Field(
        pattern=form(r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$", "the id of a project, such as my-project, and not its number")
    ),
]
ServiceAccount = Annotated[
    str,
    Field(
        pattern=form(
            r"^[a-z][-a-z0-9]{4,28}[a-z0-9]@[-a-z0-9.]+\.iam\.gserviceaccount\.com$",
            "the address of a service account: ops@my-project.iam.gserviceaccount.com",
        )
    ),
]


STAND_IN = "stands-in"
"""In the place of a project's id that has the wrong form."""


class Channel(StrEnum):
    """Release channel, by which GKE upgrades a cluster by itself."""

    RAPID = "rapid"
    REGULAR = "regular"
    STABLE = "stable"
    EXTENDED = "extended"


class DnsEndpointSpec(Spec):
    """The API server under a name of its own that answers from anywhere whom IAM lets in."""


class InsideGkeSpec(Spec):
    """The API server inside the network alone."""


class GkeReachSpec(Choice):
    """Way from where pulumi runs to the API server: exactly one."""

    dns_endpoint: DnsEndpointSpec | None = None
    """`{}`: under its DNS name, from anywhere, for whom IAM gives `container.clusters.connect`."""
    public_cidrs: Annotated[tuple[IPvAnyNetwork, ...], Field(min_length=1)] | None = None
    """IPv4 ranges that may reach it from outside."""
    inside: InsideGkeSpec | None = None
    """`{}`: from inside an existing network, `cluster.network.existing`, where pulumi then runs."""


class GkeSpec(Spec):
    """A Kubernetes control plane that Google runs: GKE Standard."""

    kind: Literal["gke"] = "gke"
    """A Kubernetes control plane that Google runs (GKE)."""
    reach: GkeReachSpec | None = None
    """Way from where pulumi runs to the API server. Required."""
    channel: Channel = Channel.REGULAR
    """Release channel; nodes with accelerators are kept from its upgrades until support ends."""


class DirectorSpec(Spec):
    """A Slurm controller that Google runs: Cluster Director."""

    kind: Literal["clusterDirector"]
    """A Slurm controller that Google runs (Cluster Director)."""
    login_nodes: int = Field(default=1, ge=1, le=8)
    """Machines that jobs are submitted from."""


def _kind_or_gke(value: Any) -> str:
    return str(value.get("kind", "gke") if isinstance(value, dict) else getattr(value, "kind", "gke"))


ControlPlane = Annotated[
    Annotated[GkeSpec, Tag("gke")] | Annotated[DirectorSpec, Tag("clusterDirector")], Discriminator(_kind_or_gke)
]


class FlexStartSpec(Spec):
    """Machines of the Dynamic Workload Scheduler, for seven days at most."""

    max_run_hours: int = Field(default=168, ge=1, le=168)
    """Hours after which GKE takes a machine back."""
    queued: bool = False
    """All machines of a job at once, by a request that waits until they are to be had. GPUs alone."""


class DriverVersion(StrEnum):
    """NVIDIA driver that GKE installs."""

    DEFAULT = "default"
    LATEST = "latest"


class Maintenance(StrEnum):
    """Interval at which Google maintains the hosts of a pool's machines."""

    AS_NEEDED = "asNeeded"
    PERIODIC = "periodic"


class GcpPoolSpec(Spec):
    """Settings of one of `cluster.nodePools`."""

    topology: str | None = Field(
        default=None, pattern=form(r"^\d+x\d+(x\d+)?$", "the shape of a TPU slice, such as 4x4 or 2x2x4")
    )
    """Shape of a TPU slice, such as 4x4; `count` of the pool is then a multiple of the slice's nodes."""
    flex_start: FlexStartSpec | None = None
    """Machines of the Dynamic Workload Scheduler, in place of the pool's `capacity`."""
    driver: DriverVersion = DriverVersion.DEFAULT
    """NVIDIA driver; another one replaces the pool."""
    maintenance: Maintenance | None = None
    """Interval of host maintenance, which has to be that of the pool's reservation; another one replaces the pool. When
    left out, Google's own."""


class GcpAccountSpec(Spec):
    """The keys `gcp:NAME` of a stack file that are handed on. All others are refused."""

    project: str = ""
    """The project once more; `gcp.project` decides."""
    region: str = ""
    """The region once more; `cluster.region` decides."""
    impersonate_service_account: ServiceAccount | None = None
    """A service account to act as."""
    billing_project: str = ""
    """Project that requests are counted in, with `userProjectOverride`."""
    user_project_override: bool = False


class GcpSpec(Spec):
    """Settings of GCP alone. What is not asked for is not made."""

    account_form: ClassVar[type[Spec]] = GcpAccountSpec
    refused_keys: ClassVar[Mapping[str, str]] = {
        "parallelstore": "Google Cloud takes no new instances of Parallelstore; its successor Managed Lustre is "
        "storage.fileSystem; remove it",
        "customJobs": "Vertex AI's training jobs are no resource that an engine keeps: they run once and end; remove "
        "it, and describe the run under penstock:training",
    }
    network_form: ClassVar[type[Spec]] = GivenVpcSpec
    places: ClassVar[Places] = {
        "project": STAND_IN,
        "controlPlane.channel": None,
        "controlPlane.reach.publicCidrs": ["203.0.113.0/24"],
        "controlPlane.reach": {"dnsEndpoint": {}},
        "endpoints": None,
        "globalBalancers": None,
        "labels": None,
        "pools.*.driver": None,
        "pools.*.flexStart.maxRunHours": None,
        "pools.*.flexStart.queued": None,
        "pools.*.maintenance": None,
        "pools.*.topology": None,
    }

    project: ProjectId | None = None
    """Id of the project. Required."""
    control_plane: ControlPlane = GkeSpec()
    """The cluster's control plane: `kind: gke` (the default) or `kind: clusterDirector`, which is Slurm."""
    endpoints: tuple[GardenEndpointSpec, ...] = ()
    """Models of Vertex AI's Model Garden on endpoints of their own, beside the cluster."""
    global_balancers: tuple[GlobalBalancerSpec, ...] = ()
    """Balancers over regions: one public address over the services of several stacks."""
    pools: dict[Name, GcpPoolSpec] = Field(default_factory=dict)
    """Settings of node pools, by their names: shape of a TPU slice, flex start, driver."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels on everything that takes labels, beside penstock's own."""
