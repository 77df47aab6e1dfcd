"""Penstock's resources on this machine, as a Pulumi program writes them. The plugin beside this file makes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Text = pulumi.Input[str]
Object = pulumi.Input[Mapping[str, Any]]

ENGINE_NAMES = {
    "on_destroy": "onDestroy",
    "run_folder": "runFolder",
    "max_agent_restarts": "maxAgentRestarts",
    "validation_loss": "validationLoss",
    "unigram_loss": "unigramLoss",
    "export_folder": "exportFolder",
    "tokens_per_s": "tokensPerS",
    "time_by_cause": "timeByCause",
    "run_bytes": "runBytes",
    "state_folder": "stateFolder",
    "model_digest": "modelDigest",
    "drain_s": "drainS",
}
"""Names by which the engine calls a property that Python calls otherwise. No other key is translated: `env` has its
own.
"""
PYTHON_NAMES = {name: python for python, name in ENGINE_NAMES.items()}


DISK, RUN = "penstock:local:Disk", "penstock:local:Run"
"""Short, as the engine's table gives a row's type all the room it takes, and progress what is left of 80 columns."""


def _known_as(token: str, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """The options, for a resource that stacks made earlier know by that type: it stays what it is."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=token)]))


def _engine_name(_resource: pulumi.Resource, prop: str) -> str:
    return ENGINE_NAMES.get(prop, prop)


def _python_name(_resource: pulumi.Resource, prop: str) -> str:
    return PYTHON_NAMES.get(prop, prop)


class Volume(pulumi.CustomResource):
    """A folder that is the stack's own."""

    path: pulumi.Output[str]
    on_destroy: pulumi.Output[str]

    translate_input_property = _engine_name
    translate_output_property = _python_name

    def __init__(
        self, name: str, *, path: Text, on_destroy: Text, opts: pulumi.ResourceOptions | None = None
    ) -> None:  # fmt: skip
        """`on_destroy`: keep or delete what lies in it."""
        inputs = {"path": path, "on_destroy": on_destroy}
        super().__init__(DISK, name, inputs, _known_as("penstock:local:Volume", opts))


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
    time_by_cause: pulumi.Output[dict[str, float]]
    restarts: pulumi.Output[int]
    run_bytes: pulumi.Output[int]

    translate_input_property = _engine_name
    translate_output_property = _python_name

    def __init__(  # noqa: PLR0913 (its inputs, by name)
        self, name: str, *, volume: Text, run_folder: Text, program: pulumi.Input[Sequence[Text]], env: Object,
        job: Object, identity: Text, max_agent_restarts: pulumi.Input[int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`program`: what follows the Python executable. `identity`: another one is another run."""
        inputs = {
            "volume": volume,
            "run_folder": run_folder,
            "program": program,
            "env": env,
            "job": job,
            "identity": identity,
            "max_agent_restarts": max_agent_restarts,
        }
        outputs = dict.fromkeys(
            ("step", "loss", "validation_loss", "unigram_loss", "export_folder", "digest", "tokens_per_s", "goodput",
             "time_by_cause", "restarts", "run_bytes")
        )  # fmt: skip
        super().__init__(RUN, name, inputs | outputs, _known_as("penstock:local:TrainingRun", opts))


class InferenceServer(pulumi.CustomResource):
    """A server process, there when it is ready."""

    url: pulumi.Output[str]
    port: pulumi.Output[int]
    pid: pulumi.Output[int]
    log: pulumi.Output[str]

    translate_input_property = _engine_name
    translate_output_property = _python_name

    def __init__(  # noqa: PLR0913 (its inputs, by name)
        self, name: str, *, volume: Text, state_folder: Text, program: pulumi.Input[Sequence[Text]], env: Object,
        config: Object, model_digest: Text, drain_s: pulumi.Input[float],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`model_digest`: when it changes, the server is started anew with the new model."""
        inputs = {
            "volume": volume,
            "state_folder": state_folder,
            "program": program,
            "env": env,
            "config": config,
            "model_digest": model_digest,
            "drain_s": drain_s,
        }
        outputs = dict.fromkeys(("url", "port", "pid", "log"))
        super().__init__("penstock:local:InferenceServer", name, inputs | outputs, opts)
