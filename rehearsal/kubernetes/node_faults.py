"""Bad nodes of a fault script: worse than the others of their pool, until node repair replaces them."""

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from fnmatch import fnmatchcase

from rehearsal.faults import BadNode
from rehearsal.kubernetes.nodes import BANDWIDTH, DRIVER, VOLUME
from rehearsal.kubernetes.objects import Body, Objects

QUARANTINE = "penstock.dev/quarantine"
OF_THE_POOL = "pool"
"""Value on a node whose whole pool is shut, which says nothing of the node."""


class NodeFaults:
    """`inject` is told of each bad node that was found. One that nobody found is among `unused`."""

    def __init__(self, script: Sequence[BadNode], inject: Callable[[str], None]) -> None:
        self._script, self._inject = script, inject
        self._found: dict[str, float] = {}
        """Bad nodes in quarantine, with the simulated minute since when."""
        self._repaired: set[str] = set()
        self._offered: dict[str, Collection[str]] = {}
        """Devices of each node, whatever became of them."""

    def join(self, body: Body) -> Body:
        """The node as it joins: bad where the script names it, and it has not been repaired."""
        name = body["metadata"]["name"]
        for one in self._of(name):
            status = body["status"]
            devices = {key: str(count) for key, count in one.devices.items() if key in status["capacity"]}
            status["allocatable"] = status["allocatable"] | devices
            state = {BANDWIDTH: str(one.bandwidth), VOLUME: one.volume, DRIVER: one.driver}
            body["metadata"]["annotations"] |= {name: value for name, value in state.items() if value}
        return body

    def follow(self, objects: Objects, now_min: float) -> None:
        """Notes who was put into quarantine, and replaces those whose repair is due."""
        for key, body in objects.all() if self._script else ():
            if not key.startswith("|Node|"):
                continue
            name = body["metadata"]["name"]
            self._offered[name] = tuple(body["status"]["capacity"])
            taints = body["spec"].get("taints") or ()
            marks = [one for one in taints if one["key"] == QUARANTINE and one.get("value") != OF_THE_POOL]
            rules = self._of(name)
            if not (marks and rules):
                continue
            if name not in self._found:
                self._found[name] = now_min
                self._inject(f"{name}, a bad node, kept out for its {marks[0].get('value', '')}")
            due = [one.repaired_after_min for one in rules if one.repaired_after_min is not None]
            if due and now_min - self._found[name] >= max(due):
                self._repaired.add(name)
                objects.drop(key)
                objects.add(key, _replaced(body))

    def unused(self) -> Iterator[str]:
        """Rules by which no node was found bad, or with devices that none of their nodes has."""
        for one in self._script:
            offered = [devices for name, devices in self._offered.items() if fnmatchcase(name, one.node)]
            lacking = [key for key in one.devices if offered and not any(key in devices for devices in offered)]
            if lacking:
                yield f"bad node {one.node} (none so named offers {', '.join(lacking)})"
            elif not any(fnmatchcase(name, one.node) for name in self._found):
                yield f"bad node {one.node}"

    def _of(self, name: str) -> list[BadNode]:
        return [one for one in self._script if fnmatchcase(name, one.node) and name not in self._repaired]


def _replaced(body: Body) -> Body:
    """Another machine of the same kind, under the same name."""
    new = copy.deepcopy(body)
    meta = new["metadata"]
    for name in ("uid", "creationTimestamp", "resourceVersion", "managedFields"):
        meta.pop(name, None)
    meta["annotations"] = {
        key: value for key, value in meta["annotations"].items() if key not in (BANDWIDTH, VOLUME, DRIVER)
    }
    taints = [one for one in new["spec"].get("taints") or () if one["key"] != QUARANTINE]
    new["spec"] = {"taints": taints} if taints else {}
    new["status"]["allocatable"] = dict(new["status"]["capacity"])
    return new
