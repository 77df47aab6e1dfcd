"""Creates of a killed engine that took place, as the account tells."""

from collections.abc import Mapping
from typing import Any

from engine.cli import Engine
from engine.process import Result
from engine.state import PendingOperation, Resource, StackState
from rehearsal.cloud.account import Account, Object
from rehearsal.cloud.store import Store
from rehearsal.providers.aws.rules import RULES
from rehearsal.recovery import recover

BUCKET, VERSIONING = "aws:s3/bucket:Bucket", "aws:s3/bucketVersioning:BucketVersioning"
INPUTS = {"bucket": "data", "versioningConfiguration": {"status": "Enabled"}}


class Recorder(Engine):
    """An engine that only notes what it is asked to put into the state."""

    def __init__(self) -> None:
        self.found: Mapping[str, str] | None = None

    def settle_pending_creates(self, stack: str, found: Mapping[str, str]) -> Result:
        self.found = found
        return Result(command=(), returncode=0, output="", events=(), seconds=0.0, interrupted=False)


def thing(token: str, inputs: dict[str, Any]) -> Object:
    return Object(token=token, id="data", called="objects", region="us-east-2", inputs=inputs, outputs=inputs)


def urn(token: str) -> str:
    return f"urn:pulumi:dev::penstock::{token}::objects"


def bucket() -> Resource:
    return Resource(
        urn=urn(BUCKET), type=BUCKET, id="data", inputs={"bucket": "data"}, outputs={}, init_errors=(), retained=False
    )


def pending(token: str, inputs: dict[str, Any]) -> PendingOperation:
    return PendingOperation(op="creating", urn=urn(token), type=token, inputs=inputs)


def recovered(
    resources: tuple[Resource, ...], operation: PendingOperation, *things: Object
) -> Mapping[str, str] | None:
    account = Account(Store(), RULES)
    for one in things:
        account.add(one)
    engine = Recorder()
    recover(engine, "dev", StackState(resources=resources, pending=(operation,)), account)
    return engine.found


def test_settings_that_share_a_buckets_name_are_found_beside_the_bucket() -> None:
    had = (thing(BUCKET, {"bucket": "data"}), thing(VERSIONING, INPUTS))
    assert recovered((bucket(),), pending(VERSIONING, INPUTS), *had) == {urn(VERSIONING): "data"}


def test_what_is_in_the_state_already_is_not_taken_a_second_time() -> None:
    assert recovered((bucket(),), pending(BUCKET, {"bucket": "data"}), thing(BUCKET, {"bucket": "data"})) == {}


def test_what_was_not_made_is_forgotten() -> None:
    assert recovered((), pending(VERSIONING, INPUTS)) == {}
    other = thing(VERSIONING, {"bucket": "other"})
    assert recovered((), pending(VERSIONING, INPUTS), other) == {}


def test_without_pending_creates_the_state_is_left_alone() -> None:
    engine = Recorder()
    assert recover(engine, "dev", StackState(resources=(bucket(),), pending=()), Account(Store(), RULES)) == ()
    assert engine.found is None
