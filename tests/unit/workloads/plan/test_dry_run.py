"""A dry run beside a plan: refusals, and the trainer itself in another process."""

import pytest

from components.errors import PenstockError, SpecError
from components.spec.training import BatchSpec, ModelSpec, TrainingSpec
from tests.unit.workloads.plan.test_training import job, pool
from workloads.plan import dry_run
from workloads.plan.sizes import GIB


def test_without_a_training_there_is_nothing_to_run() -> None:
    with pytest.raises(PenstockError, match="this stack trains nothing; leave it out"):
        dry_run.dry_run(None, [])


@pytest.mark.parametrize(("found_gib", "fits"), [(77.9, True), (78.1, False)])
def test_a_rank_that_does_not_fit_is_refused_by_what_was_found(
    monkeypatch: pytest.MonkeyPatch, found_gib: float, fits: bool
) -> None:
    planned = job(TrainingSpec(batch=BatchSpec(sequences=64)), chips=8, cores=96, memory_gib=2000)
    monkeypatch.setattr(dry_run, "tensor_bytes", lambda _job: int(found_gib * GIB))
    if fits:
        said = dry_run.dry_run(planned, [pool(chips=8)])
        assert "rank 0 of 8 on fake tensors takes 77.90 GiB" in said
        assert said.endswith("79.90 GiB, of 80 GiB of one h100")
    else:
        with pytest.raises(SpecError, match=r"a rank needs about 80\.1 GiB, one h100 has 80"):
            dry_run.dry_run(planned, [pool(chips=8)])


def test_the_trainers_own_step_is_run() -> None:
    model = ModelSpec(layers=1, width=32, heads=2, kv_heads=1, vocabulary=300, context=16)
    planned = job(TrainingSpec(model=model, batch=BatchSpec(sequences=2, micro_sequences=1)), cores=2)
    assert 12 * model.parameters < dry_run.tensor_bytes(planned) < 40 * model.parameters


def test_a_step_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "MODULE", "workloads.pretrain.no_such_module")
    with pytest.raises(SpecError, match=r"training: its step fails on fake tensors: .*no_such_module"):
        dry_run.tensor_bytes(job())
