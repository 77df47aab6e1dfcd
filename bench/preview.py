"""Cost of a preview: against the same registrations by a bare program, an empty program, and another size."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.figures import Figure, Timing, alternate_runs
from bench.places import empty_program, floor, registrations_of, rehearsed
from engine.cli import Engine

STACKS = ("local", "lab", "aws-prod")
SIZED = "aws-prod"
FEW_NODES, MANY_NODES = 1, 4096


def figures(*, stacks: tuple[str, ...] = STACKS, sizes: bool = True, rounds: int = 5) -> list[Figure]:
    """Previews of the shipped stacks under the policy pack, in simulated clouds."""
    with ExitStack() as around:
        folder = Path(around.enter_context(tempfile.TemporaryDirectory()))
        engines = [around.enter_context(empty_program(folder / "empty"))]
        for stack in stacks:
            engines.append(around.enter_context(rehearsed(stack, folder / stack)))
            registrations = registrations_of(stack, folder / f"{stack}-plan")
            engines.append(around.enter_context(floor(stack, folder / f"{stack}-floor", registrations)))
        empty, *timings = alternate_runs(*map(_preview, engines), rounds=rounds)
        found = list(_figures(stacks, empty, timings))
        return [*found, *(_by_size(folder, rounds) if sizes else ())]


def _figures(stacks: tuple[str, ...], empty: Timing, timings: list[Timing]) -> Iterator[Figure]:
    for stack, ours, bare in zip(stacks, timings[::2], timings[1::2], strict=True):
        yield ours.against(bare, f"preview of {stack} / of its registrations by a bare program", at_most=1.3)
        yield ours.against(empty, f"preview of {stack} / of an empty program")


def _by_size(folder: Path, rounds: int) -> Iterator[Figure]:
    with (
        rehearsed(SIZED, folder / "few", sized(FEW_NODES)) as few,
        rehearsed(SIZED, folder / "many", sized(MANY_NODES)) as many,
    ):
        few_nodes, many_nodes = alternate_runs(_preview(few), _preview(many), rounds=rounds)
    what = f"preview of {SIZED} with {MANY_NODES:,} nodes / with {FEW_NODES}"
    yield many_nodes.against(few_nodes, what, at_most=1.05)


def sized(nodes: int) -> Any:
    """The training pool at this size: on demand and without a budget, since a capacity block has 64 machines at most,
    and without queues, training run and what serves it, which need their 32 nodes.
    """

    def change(config: Any) -> None:
        for part in ("scheduler", "training", "inference"):
            del config[f"penstock:{part}"]
        del config["penstock:cluster"]["budgetUsdPerHour"]
        config["penstock:cluster"]["nodePools"][0] |= {"count": nodes, "capacity": "onDemand"}

    return change


def _preview(engine: Engine) -> Any:
    """The engine's whole run, its start and its rules included."""

    def run() -> None:
        (stack,) = engine.stacks()
        engine.preview(stack).require_ok()

    return run
