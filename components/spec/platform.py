"""The software that the user asks for on the cluster itself."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from components.spec.base import Spec, form

_MIRROR = form(
    r"^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+:[0-9]{1,5})(:[0-9]{1,5})?(/[a-z0-9._-]+)*/?$",
    "the name of a registry, such as mirror.example/hub: a host with a dot or a port, a path, and no https://; or "
    "stack.registry",
)
"""A first part without a dot or a port is a path on Docker Hub (distribution/reference, normalize.go)."""


_ZONE = form(
    r"^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$",
    "a DNS zone, such as gpu.example.org: labels of letters, digits and dashes with dots between",
)
"""Labels of 63 at most (RFC 1035, section 2.3.1)."""


class AddonSpec(Spec):
    """One add-on: on, off, or with chart values."""

    enabled: bool | None = None
    """`true` installs it, `false` leaves it out; when left out, penstock decides and says why."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Values of its Helm chart, over penstock's own. A key that the chart does not have is refused."""


def _addon_in_short(value: Any) -> Any:
    """`true` means `{enabled: true}`."""
    return {"enabled": value} if isinstance(value, bool) else value


Addon = Annotated[AddonSpec, BeforeValidator(_addon_in_short, json_schema_input_type=bool | AddonSpec)]


class GateSpec(Spec):
    """Acceptance gate: what nodes must show before queues open."""

    enabled: bool = True
    """Nodes are checked before queues open; `false` opens them at once."""
    timeout_s: int = Field(default=1800, ge=60, le=86_400)
    """Seconds in which every node must be there with all its devices; a pool that lacks nodes then goes back to
    none."""
    floor_gbps: float | None = Field(default=None, gt=0)
    """Bus bandwidth in gigabytes per second that an all-reduce over a pool must reach; when left out, the floor of
    its machine type."""

    @model_validator(mode="after")
    def _floor_of_a_gate(self) -> Self:
        if self.floor_gbps is not None and not self.enabled:
            raise ValueError("floorGbps: the gate is off (enabled: false) and measures nothing; remove it")
        return self


class KeptBy(StrEnum):
    """Place in which logs or metrics outlive what wrote them."""

    IN_CLUSTER = "inCluster"
    """On a volume of the cluster, which goes with the cluster."""
    CLOUD = "cloud"
    """With the cloud's own service, beyond the cluster's life."""


class PlatformSpec(Spec):
    """Software on the cluster: add-ons and the acceptance gate."""

    addons: dict[str, Addon] = Field(default_factory=dict)
    """Add-ons by name: `true`, `false`, or `{values: {...}}`. `penstock plan STACK --show addons` says what is on,
    and why."""
    registry_mirror: Annotated[str, Field(pattern=_MIRROR)] | None = None
    """Host and path that images are pulled from in place of the public registries."""
    domain: Annotated[str, Field(min_length=3, max_length=253, pattern=_ZONE)] | None = None
    """DNS zone in which external-dns may make names for services."""
    logs: KeptBy | None = None
    """Keeper of what pods print: `inCluster` (loki on a volume) or `cloud` (the cloud's log service); when left out,
    a pod's logs go with it."""
    log_retention_days: int = Field(default=30, ge=1, le=3653)
    """Days that logs are kept."""
    metrics: KeptBy = KeptBy.IN_CLUSTER
    """Keeper of metrics: `inCluster` (Prometheus, 15 days on a volume) or `cloud` (the cloud's service beside it)."""
    gate: GateSpec = GateSpec()
    """Check that nodes must pass before jobs start."""
