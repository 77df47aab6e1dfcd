"""A training run and a service that will exist, decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.plan.cluster import PodBinding
from components.spec.inference import AutoscalingSpec, CanarySpec, EngineKind, RouteSpec
from components.spec.scheduler import Priority, TopologyRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationPlan:
    """A pod that makes a run's text into tokens before the run is handed in."""

    pool: str
    binding: PodBinding
    """The part of the pool's that takes no accelerator."""
    cpu: float
    """Cores asked for; it uses all that nobody else does."""
    memory_gib: float
    """Asked for and not to be exceeded."""
    config: Mapping[str, Any]
    """A job's file with nothing in it that does not concern the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """A gang of processes that starts as a whole and ends by itself."""

    name: str
    pool: str
    nodes: int
    min_nodes: int
    ranks_per_node: int
    program: tuple[str, ...]
    """Arguments of the Python interpreter on each node, without the job's file, which the scheduler adds."""
    env: Mapping[str, str]
    config: Mapping[str, Any]
    """The job's file: plain JSON data."""
    run_folder: str
    """Folder of the run's state: on the volume, named by the identity."""
    identity: str
    """Digest of all that cannot change in a run. Another identity is another run."""
    grace_s: float
    """Seconds from the request to stop to the last rank's exit: a step and a checkpoint, with a margin."""
    max_agent_restarts: int
    memory_gib: float
    """Estimate of what all ranks of one node hold together (components/estimate/memory.py says the convention)."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Names of Secrets by the variable that the value of each goes into; never the value."""
    command: tuple[str, ...] = ()
    """Program of the user's own that every rank runs; empty: penstock's trainer."""
    image: str = ""
    """Empty where jobs are no pods."""
    queue: str = ""
    """Empty: the scheduler's only one."""
    priority: Priority = Priority.NORMAL
    topology: TopologyRequest = TopologyRequest.NONE
    cpu: float = 0.0
    """Cores of one node that it asks for."""
    pod_memory_gib: float = 0.0
    """Of one node, asked for and not to be exceeded: ranks, loader, page cache of the data, /dev/shm."""
    shm_gib: float = 0.0
    claim: str = ""
    mount_path: str = ""
    """The volume's claim and where pods have it."""
    preparation: PreparationPlan | None = None
    """None where jobs are no pods: there the agent starts it; or where the tokens are there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """The load balancer in front of a service's Gateway."""

    addon: str
    """Add-on that makes it."""
    service_class: str
    annotations: Mapping[str, str]
    source_ranges: tuple[str, ...]
    """Ranges that may come; nobody else does."""
    is_group: bool = False
    """No load balancer of its own: its endpoints are a group of the cloud's."""
    selector: Mapping[str, str] = field(default_factory=dict)
    """Labels of the nodes on which the Gateway's proxies run; none: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """Independent servers of one exported model."""

    name: str
    pool: str
    program: tuple[str, ...]
    """Arguments of penstock's own server to the Python interpreter; of another engine's, all but its model's."""
    env: Mapping[str, str]
    config: Mapping[str, Any]
    """The file of penstock's own server; other engines have none."""
    ports: tuple[int, ...]
    """One for each replica."""
    host: str
    state_folder: str
    model_folder: str
    """Or the name of a repository of Hugging Face, where there is a `download_folder`."""
    follows_training: bool
    """It serves what this stack's run exports, and is renewed with it."""
    drain_s: float
    image: str = ""
    """Empty where services are no pods."""
    engine: EngineKind = EngineKind.PENSTOCK
    start_s: float = 0.0
    """Seconds until a server answers at the latest; 0 where it answers before it reads its model."""
    waits_with: str = ""
    """Image with penstock's workloads that waits for the trained model, where the engine cannot."""
    download_folder: str = ""
    """Folder on the volume in which what Hugging Face has is kept; empty: the model lies on the volume."""
    token_secret: str = ""
    """Name of the Secret with Hugging Face's token; never the token."""
    shm_gib: float = 0.0
    accelerators: int = 0
    """Of one replica's node."""
    cpu: float = 0.0
    memory_gib: float = 0.0
    claim: str = ""
    mount_path: str = ""
    nodes_per_replica: int = 1
    autoscaling: AutoscalingSpec | None = None
    canary: CanarySpec | None = None
    route: RouteSpec | None = None
    entry: EntryPlan | None = None
    """None: its Gateway has an address inside the cluster alone."""
    surge: bool = True
    """A new server is ready before an old one goes, however many there are; else the pool has no room for one more
    beside the most of them, and of so many one old one goes first."""
