"""Access of penstock's own resources to a Kubernetes, and their treatment of a cluster that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from components.errors import PenstockError
from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.kubernetes.kubeconfig import KubeconfigError, parse_kubeconfig
from plugin.calls import Call, Properties

FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.05, 2.0, 1.5
"""Seconds between two questions: few things take long, and those that do are not to be asked for all the time."""


class ClusterGoneError(PenstockError):
    """The cluster does not answer."""


@contextmanager
def connected(inputs: Properties) -> Iterator[KubernetesApi]:
    """The API server that the kubeconfig leads to; its refusals are told in one sentence."""
    try:
        access = parse_kubeconfig(inputs["kubeconfig"])
        with KubernetesApi(access) as api:
            yield api
    except UnreachableError as error:
        if isinstance(error.__cause__, KubeconfigError):
            raise _unknown(error) from None
        raise ClusterGoneError(f"the API server does not answer: {error}") from None
    except KubeconfigError as error:
        raise _unknown(error) from None
    except ApiError as error:
        raise PenstockError(f"the API server refuses ({error.status} {error.reason}): {error}") from None


def _unknown(error: Exception) -> PenstockError:
    return PenstockError(f"{error}; without credentials it is not known whether the cluster is there")


def unless_gone(call: Call, inputs: Properties, what: str, action: Callable[[KubernetesApi], None]) -> None:
    """The action, for a delete: of a cluster that does not answer nothing can be left.

    One for which there are no credentials is not gone: what its controllers made would stay, and be paid for.
    """
    try:
        with connected(inputs) as api:
            action(api)
    except ClusterGoneError as error:
        call.voice.warn(f"{what}: passed over, as the cluster is gone or cannot be reached ({error})")


class Patience:
    """Waits in steps until a deadline on the cluster's clock; one that the engine cancels ends at once."""

    def __init__(self, call: Call, api: KubernetesApi, timeout_s: float) -> None:
        self._call, self._api, self._timeout_s = call, api, timeout_s
        self._pause_s, self._began_s = FIRST_PAUSE_S, api.clock_s()

    @property
    def waited_s(self) -> float:
        """Seconds from the beginning to the cluster's last answer."""
        return self._api.clock_s() - self._began_s

    @property
    def over(self) -> bool:
        return self.waited_s >= self._timeout_s

    def step(self) -> None:
        """A pause, longer each time; PenstockError where the engine wants everything to end."""
        if self._call.cancelled.wait(self._pause_s):
            raise PenstockError("interrupted; `up` goes on from here")
        self._pause_s = min(self._pause_s * GROWTH, LONGEST_PAUSE_S)
