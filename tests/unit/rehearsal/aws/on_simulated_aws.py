"""Components of the AWS provider on the simulated account, without an engine: Pulumi's mocks hand on to it."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks

from rehearsal.cloud.autonaming import completed
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.rules import Treatment
from rehearsal.providers.aws.kinds import kind_of
from rehearsal.providers.aws.rules import RULES
from tests.unit.providers.aws.mocks import whole

REGION = "us-east-2"


class SimulatedAws(mocks.Mocks):
    """Creates each resource in the account, in the order in which the program's outputs allow it."""

    def __init__(self, standing: frozenset[str] = frozenset(), file: Path | None = None) -> None:
        self.cloud = SimulatedCloud(RULES, file, existing=standing)
        self.made: list[tuple[str, str, str]] = []
        self._one_at_a_time = threading.Lock()

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"{args.token}: a component must not ask AWS")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.typ.startswith("aws:"):
            return args.name, dict(args.inputs)
        kind = kind_of(args.typ)
        assert kind is not None, f"{args.typ}: no oracle"
        with self._one_at_a_time:
            inputs = completed(kind, whole(args.inputs), {}, proposed=f"{args.name}-0123456", seed=args.name.encode())
            thing = self.cloud.create(args.typ, args.name, inputs, region=REGION)
            self.made.append((args.typ, thing.id, args.name))
        return thing.id, thing.outputs

    def build(self, program: Callable[[], Any]) -> None:
        mocks.set_mocks(self, project="penstock", stack="aws-test", preview=False)
        test: Any = mocks.test  # it has no types
        test(lambda: pulumi.Output.from_input(program()))()

    def one(self, token: str) -> Mapping[str, Any]:
        """The outputs of the one object of the type."""
        (found,) = [each for each in self.cloud.account.objects() if each.token == token]
        return found.outputs

    def requested(self, treatment: Treatment) -> set[str]:
        """`pcs:CreateCluster`, ... that this oracle judged."""
        return {
            f"{service}:{operation}" for service, operation, judge in self.cloud.requests.counts if judge is treatment
        }

    def destroy(self) -> None:
        """In the opposite order, as the engine does it."""
        for token, id_, name in reversed(self.made):
            self.cloud.delete(token, id_, name)
