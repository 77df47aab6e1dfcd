"""What a rehearsed preview of an AWS cluster costs: against an empty program, by size, and against `terraform plan`."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.engine import CHECKOUT, empty_program, preview_s, run_s
from bench.figures import Figure, alternate
from bench.terraform import MissingError, Terraform, Translation
from rehearsal.engine.cli import Engine, throwaway
from rehearsal.providers.aws.account import Object
from rehearsal.simulation import simulated
from stacks.config import stack_file

STACK = "aws-prod"
ROUNDS = 3
FEW_NODES, MANY_NODES = 1, 4096


def figures() -> list[Figure]:
    """Preview of aws-prod and of its variants in the simulated AWS, under the policy pack; plan on the command line."""
    return [*_previews(), *_plans()]


def _previews() -> list[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        floor = stack.enter_context(empty_program(folder))
        shipped, few, many = (
            stack.enter_context(_rehearsed(folder / name, change))
            for name, change in (
                ("shipped", _as_shipped),
                ("few", _sized(FEW_NODES)),
                ("many", _sized(MANY_NODES)),
            )
        )
        ours_s, floor_s, few_s, many_s = alternate(
            lambda: preview_s(shipped, STACK),
            lambda: preview_s(floor),
            lambda: preview_s(few, STACK),
            lambda: preview_s(many, STACK),
            rounds=ROUNDS,
        )
    versus = f"{ours_s:.2f} s against {floor_s:.2f} s"
    sizes = f"{many_s:.2f} s against {few_s:.2f} s"
    by_size = f"rehearsed preview with {MANY_NODES:,} nodes / with {FEW_NODES}"
    by_program = f"rehearsed preview of {STACK} / of an empty program"
    return [
        Figure(what=by_program, value=ours_s / floor_s, at_most=2.0, note=versus),
        Figure(what=by_size, value=many_s / few_s, at_most=1.05, note=sizes),
    ]


def _plans() -> list[Figure]:
    """`penstock plan` alone, and both against Terraform where it is on this machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            terraform, translation, of = _terraform(folder)
        except MissingError as missing:
            (plan_s,) = alternate(_plan_s, rounds=ROUNDS)
            return [_plan(plan_s, f"terraform plan is left out: {missing}")]
        rehearsed = stack.enter_context(_rehearsed(folder / "shipped", _as_shipped))
        plan_s, rehearsed_s, terraform_s = alternate(
            _plan_s, lambda: preview_s(rehearsed, STACK), terraform.plan_s, rounds=ROUNDS
        )
    same = f"{translation.count} of {of} resources in Terraform, {len(translation.lost)} arguments without a place"
    return [
        _plan(plan_s, ""),
        Figure(
            what=f"rehearsed preview of {STACK} / terraform plan of its resources", value=rehearsed_s / terraform_s,
            at_most=1.0, note=f"{rehearsed_s:.2f} s against {terraform_s:.2f} s; {same}",
        ),
        Figure(
            what=f"penstock plan {STACK} / terraform plan of its resources", value=plan_s / terraform_s,
            at_most=0.1, note=f"{plan_s:.2f} s against {terraform_s:.2f} s",
        ),
    ]  # fmt: skip


def _plan(seconds: float, note: str) -> Figure:
    return Figure(what=f"penstock plan {STACK}", value=seconds, unit="s", at_most=1.0, note=note)


def _plan_s() -> float:
    return run_s("-m", "penstock", "plan", STACK)


def _terraform(folder: Path) -> tuple[Terraform, Translation, int]:
    """Terraform with the stack as its configuration, and how many resources AWS has of it."""
    work = folder / "terraform"
    work.mkdir()
    region = _content()["config"]["penstock:cluster"]["region"]
    terraform = Terraform(work, region)
    objects = _deployed(folder / "deployed")
    return terraform, terraform.translate(objects), len(objects)


def _deployed(folder: Path) -> tuple[Object, ...]:
    """What the simulated account holds once the stack is up in it."""
    config = _config(folder, _as_shipped)
    with (
        simulated(config, folder, None, preview=False) as simulation,
        throwaway(CHECKOUT, config_file=config, env=simulation.env if simulation else None) as engine,
    ):
        assert simulation is not None
        engine.stack_init(STACK).require_ok()
        engine.up(STACK).require_ok()
        return simulation.cloud.account.objects()


@contextmanager
def _rehearsed(folder: Path, change: Callable[[Any], None]) -> Iterator[Engine]:
    """An engine with the changed stack, beside a simulated AWS of its own."""
    config = _config(folder, change)
    with (
        simulated(config, folder, None, preview=True) as simulation,
        throwaway(CHECKOUT, config_file=config, env=simulation.env if simulation else None) as engine,
    ):
        engine.stack_init(STACK).require_ok()
        yield engine


def _config(folder: Path, change: Callable[[Any], None]) -> Path:
    folder.mkdir()
    content = _content()
    change(content)
    config = folder / "stack.yaml"
    config.write_text(yaml.safe_dump(content))
    return config


def _content() -> Any:
    return yaml.safe_load(stack_file(STACK).path.read_text())


def _as_shipped(content: Any) -> None:
    """Nothing to change."""


def _sized(nodes: int) -> Callable[[Any], None]:
    """The training pool at this size. On demand and without a budget: a capacity block has 64 machines at most."""

    def change(content: Any) -> None:
        cluster = content["config"]["penstock:cluster"]
        del cluster["budgetUsdPerHour"]
        cluster["nodePools"][0] |= {"count": nodes, "capacity": "onDemand"}

    return change
