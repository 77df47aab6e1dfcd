"""Campaign of faults against one stack: the same command must go on until it is up, and destroy must leave nothing.

    python -m rehearsal.campaigns.cloud STACK --kills 100 --faults 100 --seed 1 --out FILE

Each line of FILE is one run; a campaign that was stopped goes on after the last of them.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from components.project import read_project
from rehearsal.cloud.store import Store
from rehearsal.cycle import Rehearsal, Report, rehearse
from rehearsal.faults import (
    Drift,
    FaultScript,
    Kill,
    LoadBalancer,
    NoCapacity,
    PartOfAPool,
    RequestError,
    Throttle,
)
from rehearsal.places.lookup import rules_of
from rehearsal.stack_file import cloud_of, settings_in

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Names that a fault script may use, gathered from a rehearsal without faults."""

    requests: int
    """Made to the cloud from the beginning of `up` to the end of `destroy`."""
    operations: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]
    """Name in the program and machine type of each node pool."""
    refusals: tuple[str, ...]
    """Codes of transient errors."""
    deletable: tuple[str, ...]
    """Resource types that others may delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRun:
    """One rehearsal with faults. `commands`: how often `up` and `destroy` were given, two where nothing failed."""

    number: int
    kind: str
    script: str
    injected: tuple[str, ...]
    commands: int
    converged: bool
    left: tuple[str, ...]
    seconds: float


def campaign(stack: str, scripts: Sequence[tuple[str, FaultScript]], *, begin: int) -> Iterator[CampaignRun]:
    """A run for each script from number `begin` on."""
    for number, (kind, script) in list(enumerate(scripts))[begin:]:
        report = rehearse(Rehearsal.UP, stack, project=PROJECT, faults=script)
        if report.kept:  # the next run begins with nothing, and this one can be looked at
            report.kept.rename(report.kept.with_name(f"{stack}-failed-{number}"))
        yield _run(number, kind, script, report)


def scripts(around: Campaign, *, kills: int, faults: int, seed: int) -> list[tuple[str, FaultScript]]:
    """As many scripts that kill the engine at a random request, and as many with other faults; the same for a seed."""
    dice = random.Random(seed)  # noqa: S311 (a simulation)
    killing = [
        ("engine killed", FaultScript(kill=(Kill(at_request=dice.randint(1, around.requests)),))) for _ in range(kills)
    ]
    return killing + [_other(around, dice, index) for index in range(faults)]


def _other(around: Campaign, dice: random.Random, index: int) -> tuple[str, FaultScript]:
    pool, machine = dice.choice(around.pools)
    match index % 6:
        case 0:
            lack = NoCapacity(machine_type=machine, times=dice.randint(1, 3))
            return "no capacity", FaultScript(capacity=(lack,))
        case 1:
            part = PartOfAPool(resource=pool, nodes=0, times=dice.randint(1, 3))
            return "part of a pool", FaultScript(partial=(part,))
        case 2:
            throttle = Throttle(rate=dice.uniform(0.1, 0.5), attempts=dice.randint(3, 25), seed=dice.randint(0, 999))
            return "throttled", FaultScript(throttle=throttle)
        case 3:
            refused = [
                RequestError(
                    operation=dice.choice(around.operations),
                    code=dice.choice(around.refusals),
                    times=dice.randint(1, 2),
                )
                for _ in range(dice.randint(1, 3))
            ]
            return "requests refused", FaultScript(errors=tuple(refused))
        case 4:
            drift = Drift(after="up", resource="*", type=dice.choice(around.deletable), delete=True)
            return "deleted by others", FaultScript(drift=(drift,), load_balancers=(LoadBalancer(),))
        case _:
            kill = Kill(at_request=dice.randint(1, around.requests))
            throttle = Throttle(rate=0.2, seed=dice.randint(0, 999))
            return "killed and throttled", FaultScript(kill=(kill,), throttle=throttle)


def _survey(stack: str, pools: tuple[tuple[str, str], ...]) -> Campaign:
    """The requests of a rehearsal without faults. RuntimeError where even that fails, or nothing is simulated."""
    rules = rules_of(cloud_of(settings_in(read_project(PROJECT).stack_file(stack))))
    report = rehearse(Rehearsal.UP, stack, project=PROJECT)
    if not report.ok or report.account is None or rules is None:
        raise RuntimeError(f"{stack} does not come up and go without faults: {report.phases}")
    counts = report.account.requests_by_operation
    oracle = rules.oracle(Store())
    writing = tuple(name for name in counts if not oracle.is_read_only(name.partition(":")[2]))
    return Campaign(
        requests=sum(counts.values()), operations=writing, pools=pools, refusals=rules.refusals,
        deletable=rules.deletable,
    )  # fmt: skip


def _run(number: int, kind: str, script: FaultScript, report: Report) -> CampaignRun:
    return CampaignRun(
        number=number,
        kind=kind,
        script=script.model_dump_json(by_alias=True, exclude_defaults=True),
        injected=tuple(fault for phase in report.phases for fault in phase.faults),
        commands=len(report.phases),
        converged=report.ok,
        left=report.account.left if report.account else (),
        seconds=round(sum(phase.seconds for phase in report.phases), 1),
    )


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 where every run converged and left nothing."""
    asked = _arguments(arguments)
    done = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    around = _survey(asked.stack, _pools(asked.stack))
    planned = scripts(around, kills=asked.kills, faults=asked.faults, seed=asked.seed)
    failed = sum(not run["converged"] for run in done)
    with asked.out.open("a") as out:
        for run in campaign(asked.stack, planned, begin=len(done)):
            out.write(json.dumps(asdict(run)) + "\n")
            out.flush()
            failed += not run.converged
            verdict = "ok" if run.converged else f"FAILED, left {run.left}"
            sys.stdout.write(f"{run.number + 1}/{len(planned)} {run.kind}, {run.commands} commands: {verdict}\n")
            sys.stdout.flush()
    return 1 if failed else 0


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.campaigns.cloud")
    parser.add_argument("stack")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


def _pools(stack: str) -> tuple[tuple[str, str], ...]:
    settings = yaml.safe_load(read_project(PROJECT).stack_file(stack).read_text())
    pools = settings["config"]["penstock:cluster"]["nodePools"]
    return tuple((f"{stack}-{pool['name']}", str(pool["machineType"])) for pool in pools)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
