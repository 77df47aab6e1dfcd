"""The seam between what is decided and where it is built: what a cloud must be able to do, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from components.plan.cluster import ClusterPlan
from components.plan.kubernetes import Manifest

if TYPE_CHECKING:
    from datetime import datetime

    import pulumi
    import pulumi_kubernetes

    from components.catalog import Catalog
    from components.errors import Problem
    from components.plan.stack import StackPlan
    from components.spec.base import Spec
    from components.spec.stack import StackSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandle:
    """A training run as the engine knows it."""

    outputs: Mapping[str, pulumi.Input[Any]]
    """Outputs that the stack exports of it, by name."""
    digest: pulumi.Output[str]
    """Of the exported model, or of the run where it goes on: what serves it is renewed when this changes."""
    resource: pulumi.Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHandle:
    """An inference service as the engine knows it."""

    urls: tuple[pulumi.Input[str], ...]
    resources: tuple[pulumi.Resource, ...] = ()
    """All of it, for what stands before it and has to come later."""


class Runner(Protocol):
    """Taker of rendered manifests: an API server, or a machine that starts processes."""

    def run(self, name: str, manifests: tuple[Manifest, ...], opts: pulumi.ResourceOptions) -> JobHandle:
        """Start the job, or go on with it: to its end on one machine; on a cluster, handed to its queue."""
        ...

    def serve(
        self, name: str, manifests: tuple[Manifest, ...], digest: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> ServiceHandle:
        """Start the replicas of a service, or renew those whose manifest or model digest has changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticVolume:
    """A file system that is there already, as pods are to mount it."""

    claim: str
    capacity_gib: int
    source: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict)
    """The part of a PersistentVolume's spec that says where it lies: `csi`, `nfs` or `hostPath`."""
    storage_class: str = ""
    """In place of a source: whose storage fills the claim."""
    mount_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesHandle:
    """A Kubernetes that has been built: where what is inside goes."""

    provider: pulumi_kubernetes.Provider
    kubeconfig: pulumi.Output[str]
    """Its content; secret."""
    volumes: tuple[StaticVolume, ...] = ()
    registry: pulumi.Output[str] | None = None
    """Address of the stack's own registry, host and path, which takes the place of `stack.registry`; None where the
    cloud keeps none.
    """
    scalers: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    """By pool, how the acceptance gate sets it to no nodes: `cloud`, and what that cloud's operations need."""
    addon_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By add-on, values of its chart that only building tells; what the plan has in their place stays."""
    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must be there before anything is installed: node pools, the cloud's own add-ons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterHandle:
    """A cluster that has been built."""

    volume_path: pulumi.Output[str]
    runner: Runner | None
    """None where jobs go to `kubernetes`, or cannot be handed in; the plan has then refused them."""
    kubernetes: KubernetesHandle | None = None
    outputs: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict)
    """Outputs that the stack exports of it: endpoints, kubeconfig, volumes, dollars per hour."""
    front: Callable[[Sequence[pulumi.Resource]], Mapping[str, pulumi.Input[Any]]] | None = None
    """Makes what stands before the stack's services, when these resources of theirs are there, and returns its outputs;
    None where nothing does."""


P = TypeVar("P", bound=ClusterPlan)


def as_described(spec: StackSpec) -> StackSpec:
    """The spec as the file has it: `discover` of a cloud that is not there before it is built."""
    return spec


class CloudProvider(Protocol[P]):
    """One cloud. Implemented by the module providers/<cloud>, not by a class. `P` is its own kind of plan."""

    @property
    def settings(self) -> type[Spec] | None:
        """The form of the cloud's own key of a stack file, with defaults for all of it; None where it has none."""
        ...

    def catalog(self) -> Catalog:
        """Machine types, regions and capabilities, as rows."""
        ...

    def discover(self, spec: StackSpec) -> StackSpec:
        """The spec with what a place that is there already tells of itself; `as_described` where none is."""
        ...

    def plan(self, spec: StackSpec, stack: str, now: datetime) -> P:
        """All that will exist. Pure: no network, no clock, no Output. UnsupportedError lists what the cloud can do."""
        ...

    def preflight(self, plan: StackPlan) -> tuple[Problem, ...]:
        """Problems that only the place itself can tell (a port, a disk, a quota), read before anything is created."""
        ...

    def build(self, name: str, plan: P, opts: pulumi.ResourceOptions) -> ClusterHandle:
        """The plan as resources of the engine."""
        ...


class CloudOperations(Protocol):
    """Operations on what one cloud has built, in penstock's plugin. Implemented by providers/<cloud>/operations.py of
    each cloud that hands out a drain or a scaler. A PenstockError says in the cloud's own words why it refuses.
    """

    DRAIN_INPUTS: Mapping[str, type | tuple[type, ...]]
    """Inputs of the cloud's resource `penstock:<cloud>:Drain`, with their types."""

    def drain(self, inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Removes what controllers made in the cluster's network; says each thing that it removes."""
        ...

    def scale_to_zero(self, scaler: Mapping[str, str]) -> None:
        """Tells a pool to let its nodes go."""
        ...

    def restore(self, scaler: Mapping[str, str], nodes: int) -> int:
        """Gives a pool its planned limits and size, and returns the size: one with a range keeps more nodes that it
        has.
        """
        ...

    def limit(self, scaler: Mapping[str, str]) -> None:
        """Gives a pool its planned limits, and leaves its size alone where that lies within."""
        ...

    def turn_to(self, scaler: Mapping[str, str], other: Mapping[str, str], missing: int) -> int:
        """Asks for missing nodes of a pool in the one that stands in for it, whose size it returns."""
        ...

    def shortage(self, scaler: Mapping[str, str]) -> str:
        """The reason for which the cloud starts no machines for a pool, in its own words; empty where it has none."""
        ...


class ApiOperations(Protocol):
    """Operations of a cloud whose APIs or rights are known some time after they are given, in penstock's plugin; beside
    those above.
    """

    API_INPUTS: Mapping[str, type | tuple[type, ...]]
    """Inputs of the cloud's resource `penstock:<cloud>:Apis`, with their types."""

    def await_apis(self, inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Returns when every API of a project answers; says for which it waits. A PenstockError has the cloud's own
        words about one that does not.
        """
        ...


class GroupOperations(Protocol):
    """Operations of a cloud whose controllers make groups of endpoints, in penstock's plugin; beside those above."""

    GROUP_INPUTS: Mapping[str, type | tuple[type, ...]]
    """Inputs of the cloud's resource `penstock:<cloud>:EndpointGroup`, with their types."""

    def await_group(self, inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
        """Returns when a group of endpoints that controllers make is there."""
        ...

    def release_group(self, inputs: Mapping[str, Any]) -> None:
        """A PenstockError names the balancers that still use the group."""
        ...
