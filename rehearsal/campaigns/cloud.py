"""Campaign of faults against one stack: the same command must go on until it is up, and destroy must leave nothing.

    python -m rehearsal.campaigns.cloud STACK --kills 100 --faults 100 --seed 1 --out FILE

Each line of FILE is one run; a campaign that was stopped goes on after the last of them.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
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
POOLS = (
    "eks:CreateNodegroup",
    "autoscaling:CreateAutoScalingGroup",
    "container:projects.locations.clusters.nodePools.create",
)
"""Operations after which machines start."""
OF_KUBERNETES = ("kubernetes-validate", "CRD schemas")
"""Oracles that judge changes of objects."""


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
    changes: int = 0
    """Of objects in its Kubernetes, over the same time; 0 without one."""


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
    problems: tuple[str, ...]
    """Of the commands after which none was given again."""
    seconds: float


def campaign(stack: str, scripts: Sequence[tuple[str, FaultScript]], *, begin: int) -> Iterator[CampaignRun]:
    """A run for each script from number `begin` on."""
    for number, (kind, script) in list(enumerate(scripts))[begin:]:
        report = rehearse(Rehearsal.UP, stack, project=PROJECT, faults=script)
        if report.kept:  # the next run begins with nothing, and this one can be looked at
            report.kept.rename(report.kept.with_name(f"{stack}-failed-{number}"))
        yield _run(number, kind, script, report)


def scripts(around: Campaign, *, kills: int, faults: int, seed: int) -> list[tuple[str, FaultScript]]:
    """As many scripts that kill the engine at a random request, and as many with other faults, by turns where there are
    both; the same for a seed. Faults of pools are drawn only where an `up` starts machines.
    """
    dice = random.Random(seed)  # noqa: S311 (a simulation)
    kinds: list[Callable[[Campaign, random.Random], tuple[str, FaultScript]]] = [_no_capacity, _part_of_a_pool] * bool(
        around.pools
    )
    kinds += [_throttled, _refused, _deleted, _killed_and_throttled]
    killing = [("engine killed", FaultScript(kill=(_kill(around, dice),))) for _ in range(kills)]
    others = [kinds[index % len(kinds)](around, dice) for index in range(faults)]
    pairs = zip_longest(killing, others)
    return [script for pair in pairs for script in pair if script]


def _kill(around: Campaign, dice: random.Random) -> Kill:
    """At a request to the cloud, or at a change in its Kubernetes, each as likely as another."""
    number = dice.randint(1, around.requests + around.changes)
    if number <= around.requests:
        return Kill(at_request=number)
    return Kill(at_kubernetes_request=number - around.requests)


def _no_capacity(around: Campaign, dice: random.Random) -> tuple[str, FaultScript]:
    lack = NoCapacity(machine_type=dice.choice(around.pools)[1], times=dice.randint(1, 3))
    return "no capacity", FaultScript(capacity=(lack,))


def _part_of_a_pool(around: Campaign, dice: random.Random) -> tuple[str, FaultScript]:
    part = PartOfAPool(resource=dice.choice(around.pools)[0], nodes=0, times=dice.randint(1, 3))
    return "part of a pool", FaultScript(partial=(part,))


def _throttled(_around: Campaign, dice: random.Random) -> tuple[str, FaultScript]:
    """Few attempts at high rates: a provider that asks 25 times, as AWS's does, hardly ever fails."""
    throttle = Throttle(rate=dice.uniform(0.1, 0.5), attempts=dice.randint(2, 6), seed=dice.randint(0, 999))
    return "throttled", FaultScript(throttle=throttle)


def _refused(around: Campaign, dice: random.Random) -> tuple[str, FaultScript]:
    refused = [
        RequestError(
            operation=dice.choice(around.operations), code=dice.choice(around.refusals), times=dice.randint(1, 2)
        )
        for _ in range(dice.randint(1, 3))
    ]
    return "requests refused", FaultScript(errors=tuple(refused))


def _deleted(around: Campaign, dice: random.Random) -> tuple[str, FaultScript]:
    """With a load balancer of a controller's, where there is a cluster that has one."""
    drift = Drift(after="up", resource="*", type=dice.choice(around.deletable), delete=True)
    balancers = (LoadBalancer(),) * bool(around.changes)
    return "deleted by others", FaultScript(drift=(drift,), load_balancers=balancers)


def _killed_and_throttled(around: Campaign, dice: random.Random) -> tuple[str, FaultScript]:
    throttle = Throttle(rate=0.2, seed=dice.randint(0, 999))
    return "killed and throttled", FaultScript(kill=(_kill(around, dice),), throttle=throttle)


def _survey(stack: str, pools: tuple[tuple[str, str], ...]) -> Campaign:
    """The requests of a rehearsal without faults. RuntimeError where even that fails, or nothing is simulated."""
    rules = rules_of(cloud_of(settings_in(read_project(PROJECT).stack_file(stack))))
    report = rehearse(Rehearsal.UP, stack, project=PROJECT)
    if not report.ok or report.account is None or rules is None:
        raise RuntimeError(f"{stack} does not come up and go without faults: {report.phases}")
    counts = report.account.requests_by_operation
    oracle = rules.oracle(Store())
    writing = tuple(name for name in counts if not oracle.is_read_only(name.partition(":")[2]))
    machines = any(operation in counts for operation in POOLS)
    judged = report.account.requests_by_oracle
    return Campaign(
        requests=sum(counts.values()), operations=writing, pools=pools if machines else (), refusals=rules.refusals,
        deletable=rules.deletable, changes=sum(judged.get(oracle, 0) for oracle in OF_KUBERNETES),
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
        problems=tuple(phase.problem for phase in report.phases if phase.problem and not phase.repeated),
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
            verdict = "ok" if run.converged else f"FAILED, left {run.left}: {' '.join(run.problems)}"
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
