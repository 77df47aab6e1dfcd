"""Everything in which one engine differs from another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from components.plan.work import ServicePlan
from components.spec.inference import InferenceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSize:
    """Accelerators of one replica."""

    nodes: int
    per_node: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingEngine:
    """One engine. Its flags, paths, metrics and variables are those of the version in facts.json."""

    arguments: Callable[[InferenceSpec, ReplicaSize], tuple[str, ...]]
    """Arguments of every node of a replica, the model left out."""
    command: Callable[[ServicePlan, str], list[str]]
    """Command of a server, for a model's folder or name; of a replica's first node, where it has several."""
    follower: Callable[[ServicePlan, str], list[str]] | None = None
    """Command of a replica's other nodes; None where it has none."""
    ready_path: str
    """Answers 200 while requests may come."""
    live_path: str
    """Answers 200 while the process is not to be killed."""
    start_s: int
    """Seconds until it answers at all, without the reading of weights."""
    reads_before_it_answers: bool = True
    """False: it answers `live_path` while it reads its weights."""
    waiting: str
    """Gauge of the requests that wait."""
    running: str
    """Gauge of those that are answered."""
    done: str
    """Counter of those that have ended."""
    env: Mapping[str, str] = field(default_factory=dict)
    own_flags: Mapping[str, str] = field(default_factory=dict)
    """Flags that penstock gives, by the key of the stack file that decides each; empty: none does."""
    image: str = ""
    """Image that upstream builds, without its tag: v and the version. Empty for penstock's own."""
    memory_share: float = 0.9
    """Of an accelerator's memory, the most that the engine takes for weights and cache."""
