"""The simulated Kubernetes beside a rehearsal: its provider attached, its drift from a fault script."""

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from engine.provider.server import serving
from rehearsal.cloud.authority import Authority
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.pace import simulated_pace
from rehearsal.faults import Drift, FaultScript
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.kubernetes.releases import RecordedReleases
from rehearsal.providers.kubernetes.servicer import KubernetesProvider

TOKEN = "kubernetes:"  # noqa: S105 (the start of a resource's type)


@contextmanager
def simulated_kubernetes(
    home: Path, clock: Clock, faults: FaultScript | None, authority: Authority | None = None
) -> Iterator[tuple[SimulatedKubernetes, int]]:
    """The cluster and the port at which the engine attaches to its provider, while the block runs."""
    kubernetes, pace = SimulatedKubernetes(home, clock=clock, faults=faults, authority=authority), simulated_pace(clock)
    provider = KubernetesProvider(
        pace=pace,
        releases=lambda _access: RecordedReleases(kubernetes, pace),
        redirect=kubernetes.access,
        crash_log=home / "simulated-kubernetes-errors.log",
    )
    try:
        with kubernetes.serving(), serving(provider) as port:
            yield kubernetes, port
    finally:
        kubernetes.close()


def drifted(kubernetes: SimulatedKubernetes, drift: Drift) -> list[str]:
    """Lets somebody change or delete what the script names, by kind (`kubernetes:*:Deployment`) and own name."""
    if not drift.type.startswith(TOKEN):
        return []
    done = []
    for key, body in kubernetes.objects.all():
        token = f"{TOKEN}{'' if '/' in body['apiVersion'] else 'core/'}{body['apiVersion']}:{body['kind']}"
        name = body["metadata"]["name"]
        if not (fnmatchcase(token, drift.type) and fnmatchcase(name, drift.resource)):
            continue
        if drift.delete:
            kubernetes.delete_from_outside(key)
            done.append(f"{body['kind']} {name} deleted by somebody else")
        else:
            kubernetes.change_from_outside(key, drift.set or {})
            done.append(f"{', '.join(drift.set or {})} of {body['kind']} {name} changed by somebody else")
    return done
