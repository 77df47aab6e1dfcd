"""Reconciles pending creates after the engine was killed."""

from collections.abc import Mapping
from typing import Any, Protocol

from engine.cli import Engine
from engine.provider.values import SIGNATURE
from engine.state import PendingOperation, StackState
from rehearsal.cloud.account import Account, Object
from rehearsal.providers.kubernetes.tokens import RELEASE, read_token


class ClusterLookup(Protocol):
    """A Kubernetes that can be asked what is there."""

    def find(self, token_kind: tuple[str, str], namespace: str, name: str) -> str:
        """The id of the object of that apiVersion and kind, "" where there is none."""


def recover(
    engine: Engine, stack: str, state: StackState, account: Account | None, kubernetes: ClusterLookup | None = None
) -> tuple[str, ...]:
    """Puts what the account and the cluster have into the state, forgets what they lack. In words, what was done."""
    creates = [operation for operation in state.pending if operation.op == "creating"]
    if not creates:
        return ()
    # By type too: a bucket's settings have the bucket's own name as their id.
    known = {(resource.type, resource.id) for resource in state.resources}
    found = {}
    for operation in creates:
        if operation.type.startswith("kubernetes:"):
            if kubernetes and (id := _in_cluster(operation, kubernetes)):  # noqa: A001 (the engine's own word)
                found[operation.urn] = id
        elif account and (made := _made_by(operation, account, known)):
            found[operation.urn] = made.id
            known.add((made.token, made.id))
    engine.settle_pending_creates(stack, found).require_ok()
    return tuple(
        f"{operation.urn.rpartition('::')[2]}: {found.get(operation.urn, 'was not made')}" for operation in creates
    )


def _in_cluster(operation: PendingOperation, kubernetes: ClusterLookup) -> str:
    """The id of the object that the create made, "" where it made none: its name is its own in its namespace."""
    inputs = operation.inputs
    if operation.type == RELEASE:
        return kubernetes.find(
            ("v1", "Secret"), _release_place(inputs), f"sh.helm.release.v1.{inputs['name']}.v1"
        ) and (f"{_release_place(inputs)}/{inputs['name']}")
    token, meta = read_token(operation.type), inputs.get("metadata") or {}
    return kubernetes.find((token.api_version, token.kind), meta.get("namespace") or "default", str(meta.get("name")))


def _release_place(inputs: Mapping[str, Any]) -> str:
    return str(inputs.get("namespace") or "default")


def _made_by(operation: PendingOperation, account: Account, known: set[tuple[str, str]]) -> Object | None:
    """The object that the create made: of its type, with its inputs, and in nobody's state."""
    candidates = (
        thing
        for thing in account.objects()
        if thing.token == operation.type
        and (thing.token, thing.id) not in known
        and _same(operation.inputs, thing.inputs)
    )
    return next(candidates, None)


def _same(asked: Mapping[str, Any], had: Mapping[str, Any]) -> bool:
    """True if the inputs are the same; those that are secret in the state cannot be compared."""
    plain = {name: value for name, value in asked.items() if SIGNATURE not in str(value)}
    return all(had.get(name) == value for name, value in plain.items())
