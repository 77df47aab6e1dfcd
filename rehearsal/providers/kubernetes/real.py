"""The simulated pulumi-kubernetes on a real API server, such as the lab's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.kubernetes.kubeconfig import Access
from engine.provider.server import serving
from lab.helm import HelmReleases
from rehearsal.cloud.pace import real_pace
from rehearsal.providers.kubernetes.servicer import KubernetesProvider


@contextmanager
def applying_to(
    access: Access | None, *, helm: Path, charts: Mapping[str, Path], home: Path
) -> Iterator[tuple[int, KubernetesProvider]]:
    """The port at which the engine attaches (PULUMI_DEBUG_PROVIDERS=kubernetes:PORT), and the provider that counts.

    Everything goes to `access`; without one, where the program's own kubeconfig leads.
    """
    home.mkdir(parents=True, exist_ok=True)
    provider = KubernetesProvider(
        pace=real_pace(),
        releases=lambda found: HelmReleases(helm, charts, found, home),
        redirect=access,
        crash_log=home / "simulated-kubernetes-errors.log",
    )
    with serving(provider) as port:
        yield port, provider
