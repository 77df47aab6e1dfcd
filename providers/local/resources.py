"""Penstock's resources on this machine, as a Pulumi program writes them. The plugin beside this file makes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Text = pulumi.Input[str]
Object = pulumi.Input[Mapping[str, Any]]


class Volume(pulumi.CustomResource):
    """A folder that is the stack's own."""

    path: pulumi.Output[str]

    def __init__(
        self, name: str, *, path: Text, on_destroy: Text, opts: pulumi.ResourceOptions | None = None
    ) -> None:  # fmt: skip
        """`on_destroy`: keep or delete what lies in it."""
        super().__init__("penstock:local:Volume", name, {"path": path, "onDestroy": on_destroy}, opts)


class TrainingRun(pulumi.CustomResource):
    """A training run, there when it has finished."""

    run_folder: pulumi.Output[str]
    step: pulumi.Output[int]
    loss: pulumi.Output[float]
    validation_loss: pulumi.Output[float]
    unigram_loss: pulumi.Output[float]
    export_folder: pulumi.Output[str]
    digest: pulumi.Output[str]
    tokens_per_s: pulumi.Output[float]
    goodput: pulumi.Output[float]
    restarts: pulumi.Output[int]

    def __init__(  # noqa: PLR0913 (its inputs, by name)
        self, name: str, *, volume: Text, run_folder: Text, program: pulumi.Input[Sequence[Text]], env: Object,
        job: Object, identity: Text, max_agent_restarts: pulumi.Input[int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`program`: what follows the Python executable. `identity`: another one is another run."""
        inputs = {
            "volume": volume,
            "runFolder": run_folder,
            "program": program,
            "env": env,
            "job": job,
            "identity": identity,
            "maxAgentRestarts": max_agent_restarts,
        }
        outputs = dict.fromkeys(
            ("step", "loss", "validationLoss", "unigramLoss", "exportFolder", "digest", "tokensPerS", "goodput",
             "restarts")
        )  # fmt: skip
        super().__init__("penstock:local:TrainingRun", name, inputs | outputs, opts)


class InferenceServer(pulumi.CustomResource):
    """A server process, there when it is ready."""

    url: pulumi.Output[str]
    port: pulumi.Output[int]
    pid: pulumi.Output[int]
    log: pulumi.Output[str]

    def __init__(  # noqa: PLR0913 (its inputs, by name)
        self, name: str, *, volume: Text, state_folder: Text, program: pulumi.Input[Sequence[Text]], env: Object,
        config: Object, model_digest: Text, drain_s: pulumi.Input[float],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`model_digest`: when it changes, the server is started anew with the new model."""
        inputs = {
            "volume": volume,
            "stateFolder": state_folder,
            "program": program,
            "env": env,
            "config": config,
            "modelDigest": model_digest,
            "drainS": drain_s,
        }
        outputs = dict.fromkeys(("url", "port", "pid", "log"))
        super().__init__("penstock:local:InferenceServer", name, inputs | outputs, opts)
