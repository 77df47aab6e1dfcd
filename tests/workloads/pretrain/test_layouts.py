"""A model learns the same on any layout of its ranks."""

import pytest

from tests.workloads.pretrain.runs import EVERY, AgentHost, Run

TOLERANCE = 2e-4
"""Nats: sums in another order, over 20 steps (seen: below 1e-5)."""

STEPS = 2 * EVERY


@pytest.fixture(scope="module")
def reference(host: AgentHost, unbroken: Run) -> dict[int, float]:
    """The first losses of the run of two DDP ranks; a cosine of other length has another rate, so only these few."""
    return {step: loss for step, loss in unbroken.losses.items() if step <= STEPS}


@pytest.mark.parametrize(
    ("ranks", "changes"),
    [
        pytest.param(1, {}, id="one rank"),
        pytest.param(3, {}, id="three ranks, uneven shares"),
        pytest.param(2, {"parallel": {"sharding": "fsdp"}}, id="FSDP"),
        pytest.param(4, {"parallel": {"sharding": "hsdp", "shardRanks": 2}}, id="HSDP"),
        pytest.param(2, {"activationCheckpointing": "selective"}, id="selective recomputation"),
        pytest.param(
            2, {"activationCheckpointing": "full", "parallel": {"sharding": "fsdp"}}, id="FSDP, full recomputation"
        ),
        pytest.param(2, {"compileBlocks": True}, id="compile", marks=pytest.mark.slow),
    ],
)
def test_losses_agree(
    host: AgentHost, run: Run, reference: dict[int, float], ranks: int, changes: dict[str, object]
) -> None:
    run.change(ranksPerNode=ranks, **changes)
    host.start(run)
    run.wait_until(lambda run: run.step >= STEPS)
    host.stop()
    for step, loss in reference.items():
        assert run.losses[step] == pytest.approx(loss, abs=TOLERANCE), step


def test_bf16_learns_about_the_same(host: AgentHost, run: Run, reference: dict[int, float]) -> None:
    run.change(precision="bf16", parallel={"sharding": "fsdp"})
    host.start(run)
    run.wait_until(lambda run: run.step >= STEPS)
    host.stop()
    assert run.losses != reference, "it is not bf16"
    assert run.losses[STEPS] == pytest.approx(reference[STEPS], abs=0.05)


def test_a_checkpoint_of_one_layout_goes_on_in_another(host: AgentHost, run: Run, unbroken: Run) -> None:
    """Two FSDP ranks, then three DDP ranks, then one: every sample once, the same curve."""
    for ranks, sharding, goal in ((2, "fsdp", 20), (3, "ddp", 35), (1, "ddp", 50)):
        run.change(ranksPerNode=ranks, parallel={"sharding": sharding})
        host.start(run)
        run.wait_until(lambda run, goal=goal: run.step >= goal)  # type: ignore[misc]  # a default's type
        assert host.stop() == 75, run.status
    for step, loss in run.losses.items():
        assert loss == pytest.approx(unbroken.losses[step], abs=5e-3), step
