"""One pod of a process node, from its binding to the node until its object is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from components.kubernetes.api import ApiError, Object, UnreachableError
from lab.node.client import timestamp
from lab.node.container import Container, NodeContext
from lab.node.network import Attachment, NoAddressError, NodeNetwork
from lab.node.process import CommandError
from lab.node.sandbox import Sandbox
from lab.node.status import (
    ContainerState,
    conditions,
    container_status,
    ended_phase,
    lost,
    pod_phase,
    restarts,
)
from lab.node.volumes import PodVolumes, VolumeError

RETRY_S, RETRY_LIMIT_S = 0.2, 5.0
REFRESH_S = 5.0
FORCED_GRACE_S = 1.0
TERMINAL = ("Succeeded", "Failed")


class PodWorker:
    """Does what the pod's object says. `done` ends when nothing of the pod is left to do."""

    sandbox: Sandbox  # from the moment when it is attached
    volumes: PodVolumes

    def __init__(self, node: NodeContext, network: NodeNetwork, pod: Object) -> None:
        self.node, self.pod = node, pod
        self._network = network
        self._attachment: Attachment | None = None
        self._inits, self._containers = _states(pod, "init"), _states(pod, "")
        self._started_at = (pod.get("status") or {}).get("startTime") or timestamp()
        self._phase, self._reason = "", ("", "")
        self._since: dict[str, tuple[bool, str]] = {}
        self._live: dict[str, Container] = {}
        self._leaving, self._dirty = asyncio.Event(), asyncio.Event()
        self._gone = self._ended = False
        self._notes: set[asyncio.Task[None]] = set()
        if pod["metadata"].get("deletionTimestamp"):
            self._leaving.set()
        self.done = asyncio.create_task(self._work())

    def update(self, pod: Object) -> None:
        """The object has changed."""
        before, self.pod = self._grace_s, self._located(pod)
        if pod["metadata"].get("deletionTimestamp"):
            if self._leaving.is_set() and self._grace_s < before:
                self._note(self._stop_all(self._grace_s))
            self._leaving.set()

    def remove(self) -> None:
        """The object is gone: what still runs has no time left."""
        self._gone = True
        self._leaving.set()
        self._note(self._stop_all(FORCED_GRACE_S))

    def changed(self) -> None:
        self._dirty.set()

    def warn(self, reason: str, message: str) -> None:
        self._note(self.node.client.warn(self.pod, reason, message))

    async def _work(self) -> None:
        """The pod's life, then its end: told to the API server, and cleaned up, whatever happens."""
        if (self.pod.get("status") or {}).get("phase") not in TERMINAL:
            publishing = asyncio.create_task(self._publish_changes())
            try:
                await self._live_and_end()
            finally:
                self._ended = True
                self.changed()
                await publishing
        if not self._gone:
            await self._leaving.wait()
            await self._insist(self.node.client.remove_pod, self.pod)

    async def _live_and_end(self) -> None:
        life = asyncio.create_task(self._life())
        leaving = asyncio.create_task(self._leaving.wait())
        deadline_s = self.pod["spec"].get("activeDeadlineSeconds")
        try:
            await asyncio.wait({life, leaving}, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
            if not life.done() and not self._leaving.is_set():
                self._reason = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
            life.cancel()
            await asyncio.wait({life})
            await self._stop_all(FORCED_GRACE_S if self._gone else self._grace_s)
            self._phase = self._last_phase()
        finally:
            leaving.cancel()
            self._close()
        if not life.cancelled() and (error := life.exception()):
            raise error

    async def _life(self) -> None:
        """Returns when no container runs any more, nor will; cancelled when the pod must end before that."""
        if self._settled():
            return
        await self._attach()
        await self._mount()
        refreshing = asyncio.create_task(self._refresh_volumes())
        try:
            if await self._initialize():
                await self._run_containers()
        finally:
            refreshing.cancel()

    async def _attach(self) -> None:
        delay = RETRY_S
        while not self._attachment:
            try:
                if self.pod["spec"].get("hostNetwork"):
                    self._attachment = self._network.on_host()
                else:
                    self._attachment = await self._network.attach(self.pod["metadata"]["uid"])
            except (NoAddressError, CommandError) as error:
                self.warn("FailedCreatePodSandBox", str(error))
                delay = await _pause(delay)
        folder = self.node.home / "pods" / folder_name(self.pod)
        self.sandbox = Sandbox(self.pod, folder, self._attachment)
        self.volumes = PodVolumes(
            self.node.client, self.pod, folder / "volumes", self.node.home, self.node.allocatable
        )  # fmt: skip
        self.pod = self._located(self.pod)
        self.changed()

    async def _mount(self) -> None:
        delay, told = RETRY_S, ""
        while True:
            try:
                return await self.volumes.prepare(self.pod)
            except (VolumeError, ApiError, OSError) as error:
                if str(error) != told:
                    self.warn("FailedMount", f"MountVolume.SetUp failed: {error}")
                told = str(error)
            except UnreachableError:
                pass
            delay = await _pause(delay)

    async def _refresh_volumes(self) -> None:
        while self.volumes.follows_objects:
            await asyncio.sleep(REFRESH_S)
            try:
                await self.volumes.refresh(self.pod)
            except (VolumeError, ApiError, UnreachableError):
                continue  # what was there stays, as on a real node

    async def _initialize(self) -> bool:
        """Runs the init containers one after the other; true if all have done their part."""
        policy = self.pod["spec"].get("restartPolicy", "Always")
        for spec, state in zip(self.pod["spec"].get("initContainers") or (), self._inits, strict=True):
            own = "Always" if state.sidecar else "OnFailure" if policy == "Always" else policy
            container = self._start(spec, state, own)
            if state.sidecar:
                await container.up.wait()
            else:
                await asyncio.shield(container.task)
                if state.exit_code != 0:
                    return False
            state.passed = True
            self.changed()
        return True

    async def _run_containers(self) -> None:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        started = []
        for spec, state in zip(self.pod["spec"]["containers"], self._containers, strict=True):
            if "terminated" not in state.state:
                started.append(self._start(spec, state, policy).task)
        await asyncio.gather(*map(asyncio.shield, started))

    def _start(self, spec: Object, state: ContainerState, policy: str) -> Container:
        state.waits("ContainerCreating")
        self._live[state.name] = Container(self, spec, state, policy)
        return self._live[state.name]

    async def _stop_all(self, grace_s: float) -> None:
        """Sidecars after the others, last first, in what is left of the grace."""
        deadline = time.monotonic() + grace_s
        mains = [one for one in self._live.values() if not one.state.sidecar]
        if mains:
            await asyncio.gather(*(one.stop(grace_s) for one in mains))
        for one in reversed([one for one in self._live.values() if one.state.sidecar]):
            await one.stop(max(deadline - time.monotonic(), 0))

    def _settled(self) -> bool:
        """True if no container may start: all had ended when the agent before this one died, or an init had failed."""
        return self._init_failed() or all("terminated" in one.state for one in self._containers)

    def _init_failed(self) -> bool:
        return any(one.exit_code for one in self._inits if not one.sidecar)

    def _last_phase(self) -> str:
        return "Failed" if self._reason[0] or self._init_failed() else ended_phase(self._containers)

    def _located(self, pod: Object) -> Object:
        """The pod, with its addresses also where the API server has not heard of them yet."""
        return pod | {"status": (pod.get("status") or {}) | self._addresses()}

    def _addresses(self) -> dict[str, Any]:
        host, own = self._network.node_address, self._attachment and self._attachment.address
        found = {"hostIP": host, "hostIPs": [{"ip": host}]}
        return found | ({"podIP": own, "podIPs": [{"ip": own}]} if own else {})

    def _close(self) -> None:
        """Takes away all that the pod had of this machine."""
        if self._attachment:
            self.volumes.close()
            self.sandbox.close()
            self._network.detach(self._attachment)

    async def _publish_changes(self) -> None:
        """Until the last word has been taken, one at a time, so that none overtakes another."""
        while not self._gone:
            self._dirty.clear()
            last = self._ended
            await self._insist(self._publish)
            if last:
                return
            await self._dirty.wait()

    async def _publish(self) -> None:
        await self.node.client.patch_pod_status(self.pod, self._status())

    async def _insist(self, call: Any, *args: Any) -> None:
        """Until the API server has taken it; a pod that it no longer knows is gone."""
        delay = RETRY_S
        while not self._gone:
            try:
                await call(*args)
                return
            except UnreachableError:
                delay = await _pause(delay)
            except ApiError as error:
                if error.status in (404, 409):  # no such pod, or another of its name
                    self._gone = True
                elif error.status < 500 and error.status != 429:  # the next status may be to its liking
                    self.warn("FailedStatusUpdate", str(error))
                    return
                delay = await _pause(delay)

    def _status(self) -> dict[str, Any]:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        phase = self._phase or self._current_phase(policy)
        found = conditions(
            self._inits, self._containers, phase=phase, attached=bool(self._attachment), pod=self.pod
        )  # fmt: skip
        status = {
            "phase": phase, "startTime": self._started_at,
            "conditions": [self._condition(kind, *row) for kind, row in found.items()],
            "containerStatuses": [container_status(one) for one in self._containers],
            "initContainerStatuses": [container_status(one) for one in self._inits] or None,
            "reason": self._reason[0] or None, "message": self._reason[1] or None,
        }  # fmt: skip
        return status | self._addresses()

    def _current_phase(self, policy: str) -> str:
        """Not yet the last word while something of the pod still runs."""
        phase = pod_phase(policy, self._inits, self._containers)
        return "Running" if phase in TERMINAL and self._attachment and self._live else phase

    def _condition(self, kind: str, holds: bool, reason: str, message: str) -> dict[str, Any]:
        held, since = self._since.get(kind, (None, ""))
        if held != holds:
            since = timestamp()
            self._since[kind] = (holds, since)
        return {
            "type": kind, "status": "True" if holds else "False", "lastTransitionTime": since, "lastProbeTime": None,
            "reason": reason or None, "message": message or None,
        }  # fmt: skip

    @property
    def _grace_s(self) -> float:
        meta, spec = self.pod["metadata"], self.pod["spec"]
        given = meta.get("deletionGracePeriodSeconds")
        return float(given if given is not None else spec.get("terminationGracePeriodSeconds", 30))

    def _note(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


def folder_name(pod: Object) -> str:
    meta = pod["metadata"]
    return f"{meta['namespace']}_{meta['name']}_{meta['uid']}"


def _states(pod: Object, kind: str) -> list[ContainerState]:
    """As the pod's status has them where an agent before this one ran it, else new."""
    specs = pod["spec"].get("initContainers" if kind else "containers") or ()
    rows = (pod.get("status") or {}).get("initContainerStatuses" if kind else "containerStatuses") or ()
    known: Mapping[str, Any] = {row["name"]: row for row in rows}
    policy = pod["spec"].get("restartPolicy", "Always")
    return [_state(spec, known.get(spec["name"]), policy, init=bool(kind)) for spec in specs]


def _state(spec: Object, row: Object | None, policy: str, *, init: bool) -> ContainerState:
    sidecar = init and spec.get("restartPolicy") == "Always"
    fresh = ContainerState(name=spec["name"], image=spec["image"], sidecar=sidecar)
    if row is None:
        return fresh
    seen = lost(row, timestamp())
    was_running = "running" in (row.get("state") or {})
    final = seen.exit_code is not None and not restarts("Always" if sidecar else policy, seen.exit_code)
    if final and (was_running or not init):  # an init container that had ended well runs again, as after a reboot
        return seen
    fresh.restarts, fresh.last = seen.restarts, seen.state if was_running else seen.last
    return fresh


async def _pause(delay: float) -> float:
    await asyncio.sleep(delay)
    return min(2 * delay, RETRY_LIMIT_S)
