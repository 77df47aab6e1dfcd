"""What the user asks of the software that the cluster itself runs."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from components.spec.base import Spec


class AddonSpec(Spec):
    """One add-on: on, off, or with values of the user's own."""

    enabled: bool | None = None
    """When left out, penstock decides and says why."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Values of its chart, over penstock's own. A key that the chart does not have is refused."""


def _addon_in_short(value: Any) -> Any:
    """`true` means `{enabled: true}`."""
    return {"enabled": value} if isinstance(value, bool) else value


Addon = Annotated[AddonSpec, BeforeValidator(_addon_in_short, json_schema_input_type=bool | AddonSpec)]


class GateSpec(Spec):
    """What the cluster must show before queues open."""

    enabled: bool = True
    timeout_s: int = Field(default=1800, ge=60, le=86_400)
    """Seconds in which every node must be there, with all its devices; then the pool goes back to no nodes."""
    floor_gbps: float | None = Field(default=None, gt=0)
    """Bus bandwidth in gigabytes per second that an all-reduce over a pool must reach; when left out, the floor of its
    machine type."""


class PlatformSpec(Spec):
    """The software that the cluster itself runs: what `penstock:platform` holds."""

    addons: dict[str, Addon] = Field(default_factory=dict)
    """By name, as `penstock plan` lists them."""
    registry_mirror: Annotated[str, Field(min_length=3)] | None = None
    """Host and path that images are pulled from in place of the public registries."""
    domain: Annotated[str, Field(min_length=3)] | None = None
    """DNS zone in which external-dns may make names for services."""
    gate: GateSpec = GateSpec()
