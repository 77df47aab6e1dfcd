"""Problems of different parts of a stack file are told in one round: none hides another that does not depend on it."""

from pathlib import Path

import pytest

from tests.properties.stack_cases import YAML, read_cases, text_of, told_by_plan, told_of

READ = [case for case in read_cases() if not case.is_right and not case.told[0].startswith(YAML)]
TRAINING, INFERENCE, STORAGE = (
    [case for case in READ if case.place == place] for place in ("local.training", "local.inference", "local.storage")
)
AWS = "{cloud: aws, region: us-east-2, nodePools: [{name: train, machineType: p5.48xlarge, count: 2}]}"
SPOT = (
    "{cloud: aws, region: us-east-2, nodePools: [{name: train, machineType: p5.48xlarge, count: 2}, "
    "{name: serve, machineType: g6.xlarge, capacity: {spot: {fallback: onDemand}}}]}"
)
TOGETHER: dict[str, tuple[dict[str, str], set[str]]] = {
    "a pool, a run and an add-on": (
        {
            "cluster": AWS.replace("p5.48xlarge", "p5.48xlarg"),
            "training": "{pool: trian, image: 'a:1'}",
            "storage": "{fileSystem: {capacityTib: 4.8}}",
            "platform": "{addons: {kuue: true}}",
        },
        {"cluster.nodePools.train.machineType", "training.pool", "platform.addons.kuue"},
    ),
    "the forms of a pool and a run, and an add-on": (
        {
            "cluster": AWS.replace("count: 2", "count: two"),
            "training": "{steps: ten}",
            "platform": "{addons: {kuue: true}}",
        },
        {"cluster.nodePools.train.count", "training.steps", "platform.addons.kuue"},
    ),
    "the form of a run, a tag, a service and an add-on": (
        {
            "cluster": AWS,
            "training": "{steps: ten}",
            "aws": "tags: {'aws:team': a}",
            "inference": "{pool: serv, model: {fromTraining: latest}}",
            "storage": "{fileSystem: {capacityTib: 4.8}}",
            "platform": "{addons: {kuue: true}}",
        },
        {"training.steps", "aws.tags.aws:team", "inference.pool", "platform.addons.kuue"},
    ),
    "what a stack costs, more nodes than there are, and an add-on without its zone": (
        {
            "cluster": AWS.replace("region", "budgetUsdPerHour: 50, region"),
            "training": "{nodes: 3, image: 'a:1', batch: {sequences: 48}}",
            "storage": "{fileSystem: {capacityTib: 4.8}}",
            "platform": "{addons: {external-dns: true}}",
        },
        {"cluster.budgetUsdPerHour", "training.nodes", "platform.domain"},
    ),
    "a date and a version, a run, and a store": (
        {
            "cluster": AWS.replace("region", "expiresAt: 2027-02-30, kubernetesVersion: 1.30, region"),
            "training": "{pool: trian, image: 'a:1'}",
            "storage": "{fileSystem: {capacityTib: 5}}",
        },
        {"cluster.expiresAt", "cluster.kubernetesVersion", "storage.fileSystem.capacityTib", "training.pool"},
    ),
    "the form of a store, a run and a pool of fallback": (
        {
            "cluster": SPOT,
            "training": "{pool: train, nodes: 3, image: 'a:1', batch: {sequences: 48}}",
            "storage": "{fileSystem: {capacityTib: many}}",
            "inference": "{pool: serve-on-demand, image: 'a:1', model: {path: /fsx/m}}",
        },
        {"storage.fileSystem.capacityTib", "training.nodes", "inference.pool"},
    ),
    "a run, a scheduler and an add-on": (
        {
            "cluster": AWS,
            "training": "{nodes: 3, image: 'a:1', batch: {sequences: 48}}",
            "storage": "{fileSystem: {capacityTib: 4.8}}",
            "scheduler": "{kind: kue}",
            "platform": "{addons: {kuue: true}}",
        },
        {"training.nodes", "scheduler.kind", "platform.addons.kuue"},
    ),
    "a cloud in capitals, what it lacks, and a run": (
        {
            "cluster": "{cloud: AWS, nodePools: [{name: train, machineType: p5.48xlarge}]}",
            "training": "{pool: trian, image: 'a:1'}",
            "storage": "{fileSystem: {capacityTib: 4.8}}",
        },
        {"cluster.cloud", "cluster.region", "training.pool"},
    ),
}
"""By description, parts of a stack file and the places at which each has a problem."""


@pytest.mark.parametrize("at", range(0, len(TRAINING), 3))
def test_three_parts_are_told_what_each_is_told_alone(at: int, stack_file: Path) -> None:
    group = (TRAINING[at], INFERENCE[at % len(INFERENCE)], STORAGE[at % len(STORAGE)])
    alone = {text for case in group for text in told_of(case.text, case.stack, stack_file)}
    stack_file.write_text(text_of("local", {case.place.partition(".")[2]: case.raw for case in group}))
    assert set(told_by_plan(stack_file)) == alone


@pytest.mark.parametrize("parts", TOGETHER.values(), ids=TOGETHER)
def test_parts_of_a_cluster_are_told_together(parts: tuple[dict[str, str], set[str]], stack_file: Path) -> None:
    sections, paths = parts
    told = told_of(text_of("aws", sections), "case", stack_file)
    assert {text.removeprefix("penstock:").partition(": ")[0] for text in told} == paths, told


def test_a_pool_with_a_fallback_is_one_pool(stack_file: Path) -> None:
    """Pods of the service go to either; the fallback has no name of its own in the stack file."""
    pool = SPOT.replace("{name: train, machineType: p5.48xlarge, count: 2}, ", "")
    rest = {"storage": "{fileSystem: {capacityTib: 4.8}}", "inference": "{image: 'a:1', model: {path: /fsx/m}}"}
    assert told_of(text_of("aws", {"cluster": pool, **rest}), "case", stack_file) == []
