"""The few controllers that a rehearsal needs to get further, at simulated times.

Jobs whose program the simulation does not know, JobSets and the like stay as they were created: nothing here says of
them that they ran.
"""

from collections.abc import Callable, Mapping

from rehearsal.kubernetes import pods, settling
from rehearsal.kubernetes.objects import Body, Objects

Settle = Callable[[Objects, str, Body], bool]
"""Brings the object where it should be; False where something that it waits for is not there yet."""

# Minutes until the controller has done its part, once it can. Anchors, not measurements: an image of some hundred MB
# is pulled in about half a minute, a cloud's load balancer is there after two.
SETTLERS: Mapping[str, tuple[float, Settle]] = {
    "|Namespace": (0.0, settling.namespace),
    "|Service": (0.0, settling.service),
    "|Service LoadBalancer": (2.0, settling.service),
    "|PersistentVolumeClaim": (0.2, settling.claim),
    "|PersistentVolume": (0.0, settling.volume),
    "|Pod": (0.5, pods.pod),
    "|ResourceQuota": (0.0, settling.quota),
    "batch|Job": (0.0, pods.job),
    "apps|Deployment": (0.7, settling.deployment),
    "apps|StatefulSet": (1.0, settling.stateful_set),
    "apps|DaemonSet": (0.7, settling.daemon_set),
    "leaderworkerset.x-k8s.io|LeaderWorkerSet": (1.0, settling.group_set),
    "apiextensions.k8s.io|CustomResourceDefinition": (0.02, settling.definition),
}
TERMINATION_MIN = 0.1


class Controllers:
    """Objects that are still to settle, by key; looked at before each request."""

    def __init__(self, objects: Objects, *, now_min: Callable[[], float]) -> None:
        self._objects, self._now_min = objects, now_min
        self._of_cloud: Mapping[str, tuple[float, Settle]] = {}
        self._due: dict[str, float] = {}
        self._running = False
        for key, body in objects.all():
            self.note(key, body)

    def add(self, of_cloud: Mapping[str, tuple[float, Settle]]) -> None:
        """Controllers that the cloud brings, for kinds that no other cluster has."""
        self._of_cloud = of_cloud
        for key, body in self._objects.all():
            self.note(key, body)

    def note(self, key: str, body: Body) -> None:
        """The object has changed: it may have to settle anew."""
        delay = 0.0 if "deletionTimestamp" not in body["metadata"] else TERMINATION_MIN
        if found := self._settler(key, body):
            self._due[key] = self._now_min() + (delay or found[0])
        elif delay:
            self._due[key] = self._now_min() + delay
        if self._due.get(key, 1e12) <= self._now_min():
            self.run()

    def gone(self, key: str, body: Body) -> None:
        """The object is no more: what it held is free."""
        if key.startswith("|PersistentVolumeClaim|"):
            settling.reclaim(self._objects, body)

    def run(self) -> None:
        """Settles what is due, again as long as one thing lets another go on; what that leads to comes in its turn."""
        if self._running:
            return
        self._running, again = True, True
        try:
            while again:
                before, again = set(self._due), False
                for key in [key for key, due in self._due.items() if due <= self._now_min()]:
                    again |= self._settle(key)
                again |= bool(set(self._due) - before)
        finally:
            self._running = False

    def _settle(self, key: str) -> bool:
        body, objects = self._objects.at(key), self._objects
        if body is None:
            self._due.pop(key, None)
            return True
        if "deletionTimestamp" in body["metadata"]:
            done = settling.terminating(objects, key, body)
        else:
            found = self._settler(key, body)
            done = found[1](objects, key, body) if found else True
        if done:
            self._due.pop(key, None)
        return done

    def _settler(self, key: str, body: Body) -> tuple[float, Settle] | None:
        group, kind, *_ = key.split("|")
        if kind == "Service" and body["spec"].get("type") == "LoadBalancer":
            kind = "Service LoadBalancer"
        return SETTLERS.get(f"{group}|{kind}") or self._of_cloud.get(f"{group}|{kind}")
