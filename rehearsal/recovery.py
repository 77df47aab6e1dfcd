"""Going on after an engine that was killed: which of the creates that it never saw the end of took place."""

from collections.abc import Mapping
from typing import Any

from rehearsal.engine.cli import Engine
from rehearsal.engine.state import PendingOperation, State
from rehearsal.providers.aws.account import Account, Object
from rehearsal.providers.aws.values import SIGNATURE


def recover(engine: Engine, stack: str, state: State, account: Account) -> tuple[str, ...]:
    """Puts what the account has into the state, and forgets what it has not. In words, what was done."""
    creates = [operation for operation in state.pending if operation.op == "creating"]
    if not creates:
        return ()
    # By type too: a bucket's settings have the bucket's own name as their id.
    known = {(resource.type, resource.id) for resource in state.resources}
    found = {}
    for operation in creates:
        if made := _made_by(operation, account, known):
            found[operation.urn] = made.id
            known.add((made.token, made.id))
    engine.settle_pending_creates(stack, found).require_ok()
    return tuple(
        f"{operation.urn.rpartition('::')[2]}: {found.get(operation.urn, 'was not made')}" for operation in creates
    )


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
    """Whether the inputs are the same; those that are secret in the state cannot be compared."""
    plain = {name: value for name, value in asked.items() if SIGNATURE not in str(value)}
    return all(had.get(name) == value for name, value in plain.items())
