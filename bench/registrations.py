"""Registrations of a program: each request that it makes of the engine in a preview, recorded without an engine."""

from collections.abc import Callable
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks

STACK = "pulumi:pulumi:Stack"
NO_MATTER = ("sourcePosition", "stackTrace")
"""Lines of the program: they change with every edit and reach no resource."""

TOLD_OTHERWISE = ("identity",)
"""Inputs that are outputs in another form: a list of identities, which Azure tells as a mapping."""

Registration = dict[str, Any]
"""The engine's RegisterResourceRequest as JSON, with `urn`, and `outputs` where a component has registered some."""


class _Cloud(mocks.Mocks):
    """A cloud before anything is created: no ids, and of the outputs those that were inputs."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"{args.token}: a preview asks no cloud")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return "", {name: value for name, value in args.inputs.items() if name not in TOLD_OTHERWISE}


class _Monitor(mocks.MockMonitor):
    def __init__(self) -> None:
        super().__init__(_Cloud())
        self.seen: dict[str, Registration] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (Pulumi's name)
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type != STACK:
            asked = MessageToDict(request)
            self.seen[urn] = {name: value for name, value in asked.items() if name not in NO_MATTER} | {"urn": urn}
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi's

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 (Pulumi's name)
        if request.urn in self.seen:
            self.seen[request.urn]["outputs"] = MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # Pulumi's


def recorded(program: Callable[[], object], *, project: str = "penstock", stack: str) -> list[Registration]:
    """The registrations of `program` in the order of their requests: each after those it depends on."""
    monitor = _Monitor()
    mocks.set_mocks(_Cloud(), project=project, stack=stack, preview=True, monitor=monitor)

    def run() -> pulumi.Output[None]:
        program()
        return pulumi.Output.from_input(None)

    mocks.test(run)()  # type: ignore[no-untyped-call]  # Pulumi's
    return list(monitor.seen.values())
