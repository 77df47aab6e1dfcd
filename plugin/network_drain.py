"""penstock:aws:Drain: nothing, until it is deleted: then what controllers made in a cluster's network goes first."""

from collections.abc import Mapping, Sequence

from components.errors import PenstockError
from plugin.calls import Call, Change, Found, Mistake, Properties, changed, required

INPUTS: Mapping[str, type | tuple[type, ...]] = {"region": str, "cluster": str, "vpc": str, "patienceS": (int, float)}


def check(inputs: Properties) -> Sequence[Mistake]:
    return required(inputs, INPUTS)


def diff(old: Properties, new: Properties, outputs: Properties) -> Sequence[Change]:  # noqa: ARG001 (as every kind)
    return [Change(name=name) for name in changed(old, new, tuple(INPUTS))]


def foresee(inputs: Properties, outputs: Properties | None) -> Properties:  # noqa: ARG001
    return {}


def create(call: Call, inputs: Properties) -> Properties:  # noqa: ARG001
    return {}


def update(call: Call, old: Properties, new: Properties) -> Properties:  # noqa: ARG001
    return {}


def read(inputs: Properties) -> Found | None:  # noqa: ARG001
    return Found(outputs={})


def delete(call: Call, outputs: Properties) -> None:
    """The network is free of what controllers made; AWS's own words where it refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    from providers.aws.drain import Clients, drain

    try:
        drain(Clients.of(outputs["region"]), outputs["cluster"], outputs["vpc"], call.voice.say, outputs["patienceS"])
    except (BotoCoreError, ClientError) as error:
        raise PenstockError(f"what controllers of {outputs['cluster']} made is still there: {error}") from error
