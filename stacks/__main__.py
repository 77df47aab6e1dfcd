"""The program that the engine runs for every stack: read, plan, look, build."""

import gc

from stacks import lean_sdk

lean_sdk.install()  # before anything imports an SDK

import pulumi  # noqa: E402

from components.errors import PenstockError  # noqa: E402
from stacks import cycles  # noqa: E402
from stacks.program import build, decide  # noqa: E402

# What a program makes lives to its end, a few seconds later: collecting costs a fifth of its time and frees nothing.
gc.disable()
# The SDK hands each of its debug lines, five for a resource, to the engine in a request of its own: an eighth of a
# preview's time for what is shown under `pulumi --debug` only.
vars(pulumi.log).update(debug=lambda *_, **__: None)
cycles.install()
try:
    chosen, decided = decide()
except PenstockError as problem:
    # RunError is the engine's way to show a message without a traceback.
    raise pulumi.RunError(str(problem)) from None
for warning in decided.warnings:
    pulumi.log.warn(warning)
build(chosen, decided)
