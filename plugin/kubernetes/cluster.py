"""Access of penstock's own resources to a Kubernetes, and their treatment of a cluster that is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from components.errors import PenstockError
from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.kubernetes.kubeconfig import KubeconfigError, parse_kubeconfig, rehearsed
from plugin.calls import Call, Properties

POLL_S = 2.0
SIMULATED_POLL_S = 0.02
"""A rehearsal's cluster has a clock of its own, which goes on with every question."""


class GoneError(PenstockError):
    """The cluster does not answer."""


@contextmanager
def connected(inputs: Properties) -> Iterator[KubernetesApi]:
    """The API server that the kubeconfig leads to, or a rehearsal's. Its refusals are told in one sentence."""
    try:
        access = rehearsed() or parse_kubeconfig(inputs["kubeconfig"])
        with KubernetesApi(access) as api:
            yield api
    except UnreachableError as error:
        raise GoneError(f"the API server does not answer: {error}") from None
    except KubeconfigError as error:
        raise GoneError(str(error)) from None
    except ApiError as error:
        raise PenstockError(f"the API server refuses ({error.status} {error.reason}): {error}") from None


def unless_gone(call: Call, inputs: Properties, what: str, action: Callable[[KubernetesApi], None]) -> None:
    """The action, for a delete: of a cluster that does not answer nothing can be left."""
    try:
        with connected(inputs) as api:
            action(api)
    except GoneError as error:
        call.voice.warn(f"{what}: passed over, as the cluster is gone or cannot be reached ({error})")


def is_simulated(api: KubernetesApi) -> bool:
    """True if it is a rehearsal's Kubernetes, on which no pod runs."""
    return "simulated" in str(api.call("GET", "/version")["gitVersion"])


class Patience:
    """Waits in steps until a deadline; one that the engine cancels ends at once."""

    def __init__(self, call: Call, timeout_s: float, *, simulated: bool = False) -> None:
        self._call, self._timeout_s = call, timeout_s
        self._sleep_s = SIMULATED_POLL_S if simulated else POLL_S
        self._steps, self._simulated, self._began = 0, simulated, time.monotonic()

    @property
    def waited_s(self) -> float:
        """Of a rehearsal's Kubernetes: as if each question had taken its usual time."""
        return self._steps * POLL_S if self._simulated else time.monotonic() - self._began

    @property
    def over(self) -> bool:
        return self.waited_s >= self._timeout_s

    def step(self) -> None:
        """A pause; PenstockError where the engine wants everything to end."""
        if self._call.cancelled.wait(self._sleep_s):
            raise PenstockError("interrupted; `up` goes on from here")
        self._steps += 1
