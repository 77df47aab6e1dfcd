"""One container of a pod: prepared, started, probed, started again, stopped."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any, Protocol

from components.kubernetes.api import ApiError, Object, UnreachableError
from lab.node import probes
from lab.node.client import Client, timestamp
from lab.node.environment import MissingError, environment, expand, references
from lab.node.images import Content, Image, UnknownImageError, image_content
from lab.node.mounts import BindMount
from lab.node.process import tail
from lab.node.sandbox import Command, Running, Sandbox, StartError
from lab.node.status import ContainerState, restarts
from lab.node.volumes import PodVolumes, VolumeError

BACK_OFF_S, BACK_OFF_LIMIT_S = 1.0, 30.0
CALM_S = 60.0
"""A container that ran for so long starts without back-off."""
RETRY_S = 1.0
KILL_GRACE_S = 1.0
MESSAGE_BYTES = 4096
LOG_MESSAGE_BYTES = 2048
START_CODE = 128
CONFIG_ERRORS = (MissingError, VolumeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeContext:
    """State that all pods of one node share."""

    name: str
    home: Path
    client: Client
    images: tuple[Image, ...]
    programs: Mapping[str, str]
    allocatable: Mapping[str, str]


class ContainerPlace(Protocol):
    """The pod that the container is of."""

    node: NodeContext
    pod: Object
    sandbox: Sandbox
    volumes: PodVolumes

    def changed(self) -> None:
        """Something of the pod's status is new."""

    def warn(self, reason: str, message: str) -> None:
        """An event of the pod."""


class Container:
    """`task` ends when the container has ended for good. `state` tells of it meanwhile."""

    def __init__(self, place: ContainerPlace, spec: Object, state: ContainerState, policy: str) -> None:
        self.state = state
        self._place, self._spec, self._policy = place, spec, policy
        self._running: Running | None = None
        self._command: Command | None = None
        self._stopping = False
        self._started_at = ""
        self.up = asyncio.Event()
        """Set once it is started, its startup probe passed."""
        self.task = asyncio.create_task(self._run())

    async def stop(self, grace_s: float) -> None:
        """Ends it for good: preStop, SIGTERM, and SIGKILL after `grace_s`. Called again, the shorter grace counts."""
        self._stopping = True
        if self._running:
            await self._terminate(self._running, grace_s)
        else:
            self.task.cancel()
        await asyncio.wait({self.task})

    async def _run(self) -> None:
        failures = 0
        while True:
            command = await self._prepared()
            began = time.monotonic()
            code = await self._once(command)
            if self._stopping or not restarts(self._policy, code):
                return
            failures = 0 if time.monotonic() - began > CALM_S else failures + 1
            await self._back_off(failures)

    async def _prepared(self) -> Command:
        """The command, once its image, its environment and its volumes are there."""
        delay = RETRY_S
        while True:
            try:
                content = image_content(self._spec["image"], self._place.node.images, self._place.node.programs)
                return await self._plan(content)
            except UnknownImageError as error:
                self._waits("ErrImagePull" if delay == RETRY_S else "ImagePullBackOff", str(error), "Failed")
            except CONFIG_ERRORS as error:
                self._waits("CreateContainerConfigError", str(error), "Failed")
            except ApiError as error:
                self._waits("CreateContainerConfigError", f"{error.reason}: {error}", "Failed")
            except UnreachableError:
                delay = RETRY_S / 2  # nothing is wrong with the container
            await asyncio.sleep(delay)
            delay = min(2 * delay, BACK_OFF_LIMIT_S)

    async def _plan(self, content: Content) -> Command:
        place, spec = self._place, self._spec
        namespace = place.pod["metadata"]["namespace"]
        objects = {key: await place.node.client.get(*key, namespace) for key in references(spec)}
        base = dict(content.env) | {"HOSTNAME": place.sandbox.hostname}
        env = environment(spec, place.pod, objects, base=base, allocatable=place.node.allocatable)
        argv = [*(spec.get("command") or content.entrypoint), *(spec.get("args") or ())]
        if not argv:
            raise MissingError(f"image {spec['image']!r} has no entrypoint, and the container no command")
        return Command(
            argv=[expand(word, env) for word in argv], env=env, cwd=spec.get("workingDir") or content.workdir,
            programs=content.mounts, volumes=[*place.volumes.mounts(spec, env), self._message_mount()],
        )  # fmt: skip

    def _message_mount(self) -> BindMount:
        path = self._spec.get("terminationMessagePath") or "/dev/termination-log"
        return BindMount(source=self._message_file, path=path)

    @property
    def _message_file(self) -> Path:
        return self._place.sandbox.folder / "messages" / self.state.name

    async def _once(self, command: Command) -> int:
        """One life of the container, from start to exit status."""
        self._message_file.parent.mkdir(exist_ok=True)
        self._message_file.write_bytes(b"")
        state, self._command, self._started_at = self.state, command, timestamp()
        state.run_id, state.restarts = uuid.uuid4().hex, state.restarts + bool(state.last)
        try:
            running = await self._place.sandbox.start(state.name, command)
        except StartError as error:
            self._ended(START_CODE, "StartError", str(error))
            return START_CODE
        self._running = running
        state.state = {"running": {"startedAt": self._started_at}}
        probing = asyncio.create_task(self._probe(running, command))
        try:
            code = await running.wait()
        finally:
            probing.cancel()
            self._running = None
        self._ended(code, "Completed" if code == 0 else "Error", self._message(code))
        return code

    async def _back_off(self, failures: int) -> None:
        """Waits before the next start; `lastState` tells how the last life ended."""
        self.state.last = self.state.state
        if failures:
            delay = min(BACK_OFF_S * 2 ** (failures - 1), BACK_OFF_LIMIT_S)
            self._waits(
                "CrashLoopBackOff", f"back-off {delay:.0f}s restarting failed container={self.state.name}", "BackOff"
            )
            await asyncio.sleep(delay)

    async def _probe(self, running: Running, command: Command) -> None:
        """Keeps `started` and `ready` true to what the probes say, and ends a container that must start again."""
        if hook := (self._spec.get("lifecycle") or {}).get("postStart"):
            await self._hook(hook, running, command, "FailedPostStartHook")
        startup, readiness, liveness = (self._spec.get(f"{kind}Probe") for kind in ("startup", "readiness", "liveness"))
        self._place.changed()
        if startup:
            await self._until_started(startup, running, command)
        self.state.started, self.state.ready = True, readiness is None
        self.up.set()
        self._place.changed()
        async with asyncio.TaskGroup() as group:
            if readiness:
                group.create_task(self._watch(readiness, running, command, self._set_ready))
            if liveness:
                group.create_task(self._watch(liveness, running, command, self._judge("Liveness", liveness, running)))

    async def _until_started(self, probe: Object, running: Running, command: Command) -> None:
        judge, good = self._judge("Startup", probe, running), asyncio.Event()

        def tell(is_good: bool, message: str) -> None:
            good.set() if is_good else judge(is_good, message)

        watching = asyncio.create_task(self._watch(probe, running, command, tell))
        try:
            await good.wait()
        finally:
            watching.cancel()

    async def _watch(self, probe: Object, running: Running, command: Command, tell: Any) -> None:
        async def execute(argv: Any, timeout_s: float) -> tuple[int, str]:
            return await self._place.sandbox.execute(running, argv, command, timeout_s)

        ports = {row["name"]: row["containerPort"] for row in self._spec.get("ports") or () if "name" in row}
        address = self._place.sandbox.attachment.address
        await probes.watch(probe, probes.attempt_of(probe, address=address, ports=ports, execute=execute), tell)

    def _set_ready(self, good: bool, message: str) -> None:
        if good != self.state.ready:
            self.state.ready = good
            self._place.changed()
        if not good:
            self._place.warn("Unhealthy", f"Readiness probe failed: {message}")

    def _judge(self, kind: str, probe: Object, running: Running) -> Any:
        """Ends the container, once, when its probe has failed for good."""
        ending: list[asyncio.Task[None]] = []

        def tell(good: bool, message: str) -> None:
            if not good and not ending:
                self._place.warn("Unhealthy", f"{kind} probe failed: {message}; the container will be restarted")
                default = self._place.pod["spec"].get("terminationGracePeriodSeconds", 30)
                grace_s = probe.get("terminationGracePeriodSeconds", default)
                ending.append(asyncio.create_task(self._terminate(running, grace_s)))

        return tell

    async def _terminate(self, running: Running, grace_s: float) -> None:
        deadline = time.monotonic() + max(grace_s, KILL_GRACE_S)
        hook = (self._spec.get("lifecycle") or {}).get("preStop")
        try:
            async with asyncio.timeout_at(_loop_time(deadline)):
                if hook and self._command:
                    await self._hook(hook, running, self._command, "FailedPreStopHook")
                running.signal(SIGTERM)
                await running.wait()
        except TimeoutError:
            running.signal(SIGKILL)
            await running.wait()

    async def _hook(self, hook: Object, running: Running, command: Command, reason: str) -> None:
        if "sleep" in hook:
            await asyncio.sleep(hook["sleep"]["seconds"])
            return

        async def execute(argv: Any, timeout_s: float) -> tuple[int, str]:
            return await self._place.sandbox.execute(running, argv, command, timeout_s)

        ports = {row["name"]: row["containerPort"] for row in self._spec.get("ports") or () if "name" in row}
        address = self._place.sandbox.attachment.address
        grace_s = self._place.pod["spec"].get("terminationGracePeriodSeconds", 30)
        try:
            attempt = probes.attempt_of(
                hook | {"timeoutSeconds": grace_s}, address=address, ports=ports, execute=execute
            )
            await attempt()
        except (probes.ProbeError, OSError) as error:
            self._place.warn(reason, str(error))

    def _waits(self, reason: str, message: str, event: str) -> None:
        if self.state.state.get("waiting", {}).get("message") != message:
            self._place.warn(event, message)
        self.state.waits(reason, message)
        self._place.changed()

    def _ended(self, code: int, reason: str, message: str) -> None:
        ended = {
            "exitCode": code, "reason": reason, "startedAt": self._started_at, "finishedAt": timestamp(),
            "containerID": f"process://{self.state.run_id}",
        }  # fmt: skip
        self.state.state = {"terminated": ended | ({"message": message} if message else {})}
        self.state.ready = self.state.started = False
        self._place.changed()

    def _message(self, code: int) -> str:
        """Last word of the container, or where it asks for that the end of its log."""
        said = tail(self._message_file, MESSAGE_BYTES)
        if not said and code and self._spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            return tail(self._place.sandbox.folder / f"{self.state.name}.log", LOG_MESSAGE_BYTES)
        return said


def _loop_time(deadline: float) -> float:
    return asyncio.get_running_loop().time() + deadline - time.monotonic()
