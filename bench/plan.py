"""Cost of the command line: `penstock plan` and `--help`, and `terraform plan` of the same resources."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figures import Figure, Timing, alternate_runs
from bench.places import CHECKOUT, config_file, rehearsed
from bench.terraform import NoTerraformError, Terraform, Translation
from engine.cli import throwaway
from rehearsal.cloud.account import Object
from rehearsal.places.cloud import simulated
from rehearsal.providers.aws.rules import RULES
from stacks.config import read_path

STACK = "aws-prod"


def figures(*, terraform: bool = True, rounds: int = 7) -> list[Figure]:
    """Seconds of each command, and where Terraform is on this machine, ratios to its plan."""
    local, ours, usage, bare = alternate_runs(
        _command("-m", "penstock", "plan", "local"),
        _command("-m", "penstock", "plan", STACK),
        _command("-m", "penstock", "--help"),
        _command("-c", "pass"),
        rounds=rounds,
    )
    note = f"interpreter alone {bare}"
    return [
        _seconds("penstock plan local", local, 1.0, note),
        _seconds(f"penstock plan {STACK}", ours, 1.0, note),
        _seconds("penstock --help", usage, 0.3, note),
        *(_against_terraform() if terraform else ()),
    ]


def _seconds(what: str, timing: Timing, at_most: float, note: str) -> Figure:
    note = f"{timing.processor_s:.2f} s of processor time; {note}"
    return Figure(what=what, value=timing.wall_s, unit="s", at_most=at_most, note=note)


def _command(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, capture_output=True, check=True)


def _against_terraform(rounds: int = 3) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            terraform, translation, of = _terraform(folder)
        except NoTerraformError as missing:
            sys.stderr.write(f"terraform plan is left out: {missing}\n")
            return
        with rehearsed(STACK, folder / "shipped") as engine:
            previewed, planned, theirs = alternate_runs(
                lambda: engine.preview(STACK).require_ok(),
                _command("-m", "penstock", "plan", STACK),
                terraform.plan,
                rounds=rounds,
            )
    same = f"terraform plan of {translation.count} of its {of} resources ({len(translation.lost)} arguments left out)"
    yield previewed.against(theirs, f"preview of {STACK} / {same}", at_most=1.0)
    yield planned.against(theirs, f"penstock plan {STACK} / {same}", at_most=0.1)


def _terraform(folder: Path) -> tuple[Terraform, Translation, int]:
    """Terraform with the stack as its configuration, and how many resources AWS has of it."""
    work = folder / "terraform"
    work.mkdir()
    file = config_file(STACK, folder / "deployed")
    terraform = Terraform(work, read_path(file).cluster.region or "")
    objects = _deployed(file)
    return terraform, terraform.translate(objects), len(objects)


def _deployed(file: Path) -> tuple[Object, ...]:
    """The contents of the simulated account once the stack is up in it."""
    with (
        simulated(RULES, file, file.parent, None, preview=False) as simulation,
        throwaway(CHECKOUT, config_file=file, env=simulation.env) as engine,
    ):
        engine.stack_init(STACK).require_ok()
        engine.up(STACK).require_ok()
        return simulation.cloud.account.objects()
