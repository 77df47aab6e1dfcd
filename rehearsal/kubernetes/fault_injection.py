"""Fault injector of the simulated Kubernetes."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase

from rehearsal.cloud.clock import Clock
from rehearsal.cloud.scripted_faults import ScriptedFaults
from rehearsal.faults import FaultScript
from rehearsal.kubernetes.node_faults import NodeFaults
from rehearsal.kubernetes.refusals import RefusalError

SERVICE = "kubernetes"
CODES = {"Timeout": 504, "ServiceUnavailable": 503, "TooManyRequests": 429, "Forbidden": 403, "Conflict": 409}
TIMEOUT_MIN = 1.0  # what an API server gives a request


class KubernetesFaultInjector(ScriptedFaults):
    """Faults of a script that concern Kubernetes."""

    def __init__(self, script: FaultScript, clock: Clock) -> None:
        super().__init__(script)
        self.requests: Counter[str] = Counter()
        self._clock = clock
        self._changes = 0
        self.nodes = NodeFaults(script.nodes, self._inject)

    def before(self, verb: str, kind: str, name: str) -> None:
        """Returns when the request may go on; RefusalError where it is refused. Only changes count for `kill`."""
        operation = f"{SERVICE}:{verb}{kind}"
        with self._lock:
            self.requests[operation] += 1
            self._changes += verb != "Read"
            number = self._changes
        if verb != "Read" and any(kill.at_kubernetes_request == number for kill in self._script.kill):
            self._inject(f"engine killed at request {number} to Kubernetes ({operation} for {name})")
            self.kill_engine()
        for index, error in enumerate(self._script.errors):
            if error.operation.startswith(f"{SERVICE}:") and self._refuses(index, error, operation, name):
                self._inject(f"{operation} for {name} refused: {error.code}")
                if error.code == "Timeout":
                    self._clock.wait(TIMEOUT_MIN)
                raise RefusalError(CODES.get(error.code, 500), error.code, error.message)

    def silent(self, kind: str) -> bool:
        """Tells that the webhook of the kind does not answer now."""
        for index, webhook in enumerate(self._script.webhooks):
            if fnmatchcase(kind, webhook.kind) and self._spend(f"webhook{index}", webhook.times):
                self._inject(f"webhook of {kind} did not answer")
                return True
        return False

    def unused_faults(self) -> tuple[str, ...]:
        """Faults that met nothing."""
        return (
            *(
                f"{one.operation} for {one.resource} refused"
                for index, one in enumerate(self._script.errors)
                if one.operation.startswith(f"{SERVICE}:") and not self._done[f"error{index}"]
            ),
            *(
                f"webhook of {one.kind} silent"
                for index, one in enumerate(self._script.webhooks)
                if not self._done[f"webhook{index}"]
            ),
            *(
                f"engine killed at request {one.at_kubernetes_request} to Kubernetes"
                for one in self._script.kill
                if one.at_kubernetes_request and one.at_kubernetes_request > self._changes
            ),
            *self.nodes.unused(),
        )
