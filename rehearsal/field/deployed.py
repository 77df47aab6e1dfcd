"""Plain data of what was deployed, and the findings that the rules make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rehearsal.field.facts import FieldFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that goes wrong in the field. `subject` is the same in every stack, as far as there is such a name."""

    rule: str
    subject: str
    message: str
    source: str
    """The publication that says so."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Rule, subject and message: two with the same are one finding."""
        return self.rule, self.subject, self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltResource:
    """A resource of the stack, with what the program asked and what the cloud made of it."""

    token: str
    name: str
    id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] | None = None
    """Inputs that the program gave it, where they are others now."""
    needs: frozenset[str] = frozenset()
    """Keys of the resources that the engine made before it."""
    timeouts_min: Mapping[str, float] = field(default_factory=dict)
    """Minutes that the program gives a create, an update or a delete; the provider's own where none."""

    @property
    def key(self) -> str:
        return f"{self.token} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePool:
    """Machines that join a cluster together. Sizes are numbers of nodes; memory of `offered` is in KiB."""

    name: str
    machine_type: str = ""
    others: tuple[str, ...] = ()
    """Further machine types that a node of it may be."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()
    by_cloud: frozenset[str] = frozenset()
    """Keys of those labels and taints that the cloud itself puts on its nodes."""
    minimum: int = 0
    desired: int = 0
    maximum: int = 0
    devices: Mapping[str, int] = field(default_factory=dict)
    """By the name that a pod asks for; 0 where the number is not known."""
    huge_pages_mib: int = 0
    architecture: str = "amd64"
    told: Mapping[str, Any] | None = None
    """The allocatable resources that its nodes print, where they are there to be asked."""
    daemons: tuple[int, int] | None = None
    """Cpu in thousandths and memory in KiB that daemon sets' pods hold on one of its nodes, where they are there to be
    counted."""
    resized_by: tuple[str, ...] = ()
    """Other resources that change its size, as a schedule does."""
    groups: tuple[str, ...] = ()
    """Names by which others resize it."""
    spare: bool = False
    """Its machines are those that nobody else has now, and may not be had."""
    provisioner: str = ""
    """Chart that starts its machines without a group, where one does."""
    most_pods: int = 0
    """Of one node, as such a chart is told; 0 where nothing says."""
    weight: int = 0
    """Of such a pool: pods go to the largest that can have machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image that lies in a registry of the cloud at the end of an `up`, whoever put it there."""

    name: str
    """Its repository, with the registry's host."""
    tag: str = ""
    digest: str = ""
    architectures: tuple[str, ...] = ("amd64",)

    def is_named(self, image: str) -> bool:
        """True if a pod that names it so gets it."""
        return image in (
            f"{self.name}:{self.tag}",
            f"{self.name}@{self.digest}",
            f"{self.name}:{self.tag}@{self.digest}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All that stands at a deployment's place and is none of its resources as the engine knows them."""

    nodes: tuple[MachinePool, ...] = ()
    """Nodes that are there whatever the stack makes."""
    existing: tuple[BuiltResource, ...] = ()
    """Things that stood there before the stack."""
    resized: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By a resource's key, inputs that have changed since without the engine."""
    images: tuple[StoredImage, ...] = ()
    """Images that lie in the cloud's registries."""


ALONE = Surroundings()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEndpoint:
    """The address of a cluster's API server. `open_to` are the ranges that a public one answers."""

    cluster: str
    is_public: bool
    open_to: tuple[str, ...] = ()
    group: str = ""
    """Security group of a private one's interfaces."""
    network: str = ""
    """Type of the network that it answers in, where a stack that makes none is taken to be inside."""
    within: str = ""
    """That network, where it is known."""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledChart:
    """A Helm release, or an add-on that a cloud installs from the same chart."""

    chart: str
    values: Mapping[str, Any] = field(default_factory=dict)
    by_cloud: bool = False
    """Put there from inside, whether pulumi reaches the API server or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """All that the rules look at. `before` is what the stack had before the last `up`, None for the first."""

    facts: FieldFacts
    resources: tuple[BuiltResource, ...] = ()
    pools: tuple[MachinePool, ...] = ()
    endpoints: tuple[ApiEndpoint, ...] = ()
    charts: tuple[InstalledChart, ...] = ()
    objects: tuple[Mapping[str, Any], ...] = ()
    """Bodies of the Kubernetes objects that the stack made."""
    images: tuple[StoredImage, ...] = ()
    """Those that lie in the account's registries."""
    announced: tuple[str, ...] = ()
    """Lines that were shown to the user before the last `up` began to change anything."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Keys under `config` of the stack file."""
    before: Deployment | None = None
    now: datetime | None = None
    """Time of the `up`; None where no rule may judge by it."""
    existing: tuple[BuiltResource, ...] = ()
    """Resources that stood there before the stack and that it names: its own are never among them."""

    def of(self, token: str) -> Iterator[BuiltResource]:
        """The resources of the type."""
        return (one for one in self.resources if one.token == token)


def at(value: Any, path: str) -> Any:
    """The first value at the dotted path, None where there is none. A list stands for its first element."""
    return next(every(value, path), None)


def every(value: Any, path: str) -> Iterator[Any]:
    """All values at the dotted path, through lists and through text that holds JSON."""
    if isinstance(value, str) and path and value[:1] in ("{", "["):
        value = json.loads(value)
    if isinstance(value, list | tuple):
        for part in value:
            yield from every(part, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        if path in value:  # a key may have dots of its own, as labels do
            yield from every(value[path], "")
        else:
            head, _, rest = path.partition(".")
            if head in value:
                yield from every(value[head], rest)
