"""The seam between what is decided and where it is built: what a cloud must be able to do, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from components.plan.types import ClusterPlan

if TYPE_CHECKING:
    import pulumi

    from components.catalog import Catalog
    from components.errors import Problem
    from components.plan.types import StackPlan
    from components.spec.stack import StackSpec

Manifest = Mapping[str, Any]
"""What a scheduler renders: plain JSON data that the cluster's runner takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandle:
    """A training run as the engine knows it."""

    run_folder: pulumi.Output[str]
    step: pulumi.Output[int]
    loss: pulumi.Output[float]
    export_folder: pulumi.Output[str]
    digest: pulumi.Output[str]
    """Of the exported model: what serves it is renewed when this changes."""
    resource: pulumi.Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHandle:
    """An inference service as the engine knows it."""

    urls: tuple[pulumi.Output[str], ...]


class Runner(Protocol):
    """Where rendered manifests are handed in: an API server, or a machine that starts processes."""

    def run(self, name: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> JobHandle:
        """Start the job, or go on with it; done when it has finished."""
        ...

    def serve(
        self, name: str, manifests: tuple[Manifest, ...], digest: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> ServiceHandle:
        """Start the replicas of a service, or renew those whose manifest or model digest has changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterHandle:
    """A cluster that has been built."""

    volume_path: pulumi.Output[str]
    runner: Runner | None
    """None where jobs cannot be handed in yet; the plan has then refused them."""
    outputs: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict)
    """What the stack exports of it: endpoints, kubeconfig, volumes, dollars per hour."""


P = TypeVar("P", bound=ClusterPlan)


class CloudProvider(Protocol[P]):
    """One cloud. Implemented by the module providers/<cloud>, not by a class. `P` is its own kind of plan."""

    def catalog(self) -> Catalog:
        """What the cloud offers, as rows."""
        ...

    def plan(self, spec: StackSpec, stack: str) -> P:
        """What will exist. Pure: no network, no Output. UnsupportedError lists what the cloud can do instead."""
        ...

    def preflight(self, plan: StackPlan) -> tuple[Problem, ...]:
        """What only the place itself can tell (a port, a disk, a quota), read before anything is created."""
        ...

    def build(self, name: str, plan: P, opts: pulumi.ResourceOptions) -> ClusterHandle:
        """The plan as resources of the engine."""
        ...
