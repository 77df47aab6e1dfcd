"""Pulumi's own mocks, with a record of every registration: what a component asks the engine for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks

Outputs = Mapping[str, Mapping[str, Any] | Callable[[str, Mapping[str, Any]], Mapping[str, Any]]]
"""By the last part of a token, the values that the cloud adds: for each, or by a resource's name and inputs."""
ACCOUNT, REGION = "123456789012", "us-east-2"
STACK = "pulumi:pulumi:Stack"
SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 (Pulumi's mark of one in a message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One resource as the engine is asked for it; inputs in pulumi-aws's camelCase names."""

    token: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    """Logical name of the parent, empty at the top."""
    depends_on: tuple[str, ...]
    """Logical names of those it must come after, by reference or by option."""
    retain_on_delete: bool
    protect: bool
    ignore_changes: tuple[str, ...]
    """Inputs that others change: left as they are once the resource is there."""
    delete_before_replace: bool
    timeouts: Mapping[str, str]
    """By create, update and delete: `2h`."""
    urn: str
    needs: tuple[str, ...]
    """URNs of those in `depends_on`."""
    above: str
    """URN of the parent, the stack's at the top."""


@dataclass(slots=True)
class Graph:
    """All that a program has registered."""

    registrations: list[Registration] = field(default_factory=list)
    made: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """By URN, the id and outputs that the cloud gave."""
    result: Any = None
    """Result of the program, Outputs resolved; None in a preview for unknown values."""

    def of(self, token: str) -> list[Registration]:
        """Those of a type: `aws:ec2/subnet:Subnet`, or its last part."""
        return [found for found in self.registrations if token in (found.token, found.token.rpartition(":")[2])]

    def one(self, token: str) -> Registration:
        (found,) = self.of(token)
        return found

    def named(self, name: str, token: str) -> Registration:
        (found,) = [each for each in self.of(token) if each.name == name]
        return found


class _Cloud(mocks.Mocks):
    """Ids and outputs that look like AWS's; in a preview none."""

    def __init__(self, preview: bool, outputs: Outputs, identify: Callable[[str, str], str]) -> None:
        self._preview, self._outputs, self._identify = preview, outputs, identify

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answered = self._outputs.get(args.token)
        if answered is None or callable(answered):
            raise AssertionError(f"{args.token}: a component must not ask AWS while it is previewed")
        return dict(answered), []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if self._preview:
            return "", dict(args.inputs)
        kind = args.typ.rpartition(":")[2]
        made = {"arn": f"arn:aws:{kind.lower()}:{REGION}:{ACCOUNT}:{args.name}", "ownerId": ACCOUNT, "name": args.name}
        added = self._outputs.get(kind, {})
        more = added(args.name, args.inputs) if callable(added) else added
        return self._identify(kind, args.name) if args.custom else "", made | dict(args.inputs) | dict(more)


class _Monitor(mocks.MockMonitor):
    def __init__(self, cloud: _Cloud, graph: Graph) -> None:
        super().__init__(cloud)
        self._graph = graph

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (Pulumi's name)
        if request.type != STACK:
            self._graph.registrations.append(
                Registration(
                    token=request.type,
                    name=request.name,
                    inputs=MessageToDict(request.object),
                    parent="" if request.parent.split("::")[2] == STACK else _name(request.parent),
                    depends_on=tuple(map(_name, request.dependencies)),
                    retain_on_delete=request.retainOnDelete,
                    protect=request.protect,
                    ignore_changes=tuple(request.ignoreChanges),
                    delete_before_replace=request.deleteBeforeReplace,
                    timeouts=MessageToDict(request.customTimeouts),
                    urn=self.make_urn(request.parent, request.type, request.name),
                    needs=tuple(request.dependencies),
                    above=request.parent,
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi has no types here


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _identity(_kind: str, name: str) -> str:
    return f"{name}-id"


def register(
    program: Callable[[], Any],
    *,
    preview: bool = False,
    outputs: Outputs | None = None,
    identify: Callable[[str, str], str] = _identity,
) -> Graph:
    """Registrations of `program`, and what the cloud made of them. `identify`: ids by the last part of a token and the
    name.
    """
    graph = Graph()
    cloud = _Cloud(preview, outputs or {}, identify)
    monitor = _Monitor(cloud, graph)
    mocks.set_mocks(cloud, project="penstock", stack="aws-test", preview=preview, monitor=monitor)

    def keep(value: Any) -> None:
        graph.result = value

    def run() -> pulumi.Output[None]:
        return pulumi.Output.from_input(program()).apply(keep)

    mocks.test(run)()  # type: ignore[no-untyped-call]  # Pulumi has no types here
    graph.made = {urn: (one.id, one.state) for urn, one in monitor.resources.items()}
    return graph


def whole(value: Any) -> Any:
    """Numbers without a fraction as the engine writes them, and secrets as what they hide."""
    if isinstance(value, Mapping):
        if SECRET in value:
            return whole(value.get("value"))
        return {key: whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
