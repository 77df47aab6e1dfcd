"""Helm releases: what a program asks of one, and who installs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAsk:
    """A program's request for a release; everything else of pulumi's Release is left to helm's defaults."""

    name: str
    namespace: str
    chart: str
    """The chart's own name, whatever repository or registry it is named with."""
    version: str
    values: Mapping[str, Any]
    create_namespace: bool
    timeout_s: int
    wait: bool
    wait_for_jobs: bool
    atomic: bool
    skip_crds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseState:
    """An installed release. `status` is helm's own word: deployed, failed, pending-install."""

    name: str
    namespace: str
    chart: str
    version: str
    app_version: str
    revision: int
    status: str
    resources: Mapping[str, tuple[str, ...]]
    """Names of what the chart made, by kind."""
    reason: str = ""


class Releases(Protocol):
    """Installer of releases. ProviderError where it is refused; a release that failed has the reason in its state."""

    def check(self, ask: ReleaseAsk) -> tuple[str, ...]:
        """Problems of a release before anything is installed, one sentence each."""

    def install(self, ask: ReleaseAsk) -> ReleaseState: ...

    def upgrade(self, ask: ReleaseAsk) -> ReleaseState: ...

    def uninstall(self, name: str, namespace: str, *, timeout_s: int) -> None:
        """Returns when it is gone; fine where it is gone already."""

    def state(self, name: str, namespace: str) -> ReleaseState | None: ...


DEFAULT_TIMEOUT_S = 300  # of pulumi-kubernetes' Release and of helm


def read_ask(inputs: Mapping[str, Any]) -> ReleaseAsk:
    """The release that the inputs mean."""
    return ReleaseAsk(
        name=str(inputs["name"]),
        namespace=str(inputs.get("namespace") or "default"),
        chart=chart_name(str(inputs["chart"])),
        version=str(inputs.get("version") or ""),
        values=inputs.get("values") or {},
        create_namespace=bool(inputs.get("createNamespace")),
        timeout_s=int(inputs.get("timeout") or DEFAULT_TIMEOUT_S),
        wait=not inputs.get("skipAwait"),
        wait_for_jobs=bool(inputs.get("waitForJobs")),
        atomic=bool(inputs.get("atomic")),
        skip_crds=bool(inputs.get("skipCrds")),
    )


def chart_name(chart: str) -> str:
    """`kueue` of `oci://registry.k8s.io/kueue/charts/kueue`."""
    return chart.rstrip("/").rpartition("/")[2]
