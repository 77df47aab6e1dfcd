"""Plans the job that makes a run's text into tokens, where jobs are pods: on processors where the stack has some."""

from collections.abc import Sequence
from dataclasses import replace

from components.plan.cluster import NodePoolPlan
from components.plan.part import Decision
from components.plan.work import JobPlan, PreparationPlan
from components.pods.bind import leader_share
from components.spec.training import TrainingSpec

PREPARED = "prepared"
"""Folder on the volume of the text that runs have made into tokens."""
SHARE = 0.5
"""Of a node that is asked for: a server may be on it, which takes half at most where it is on processors."""
CONCERNED = {"name", "model", "data", "batch"}
"""Fields that the tokens depend on, or how many of them there have to be."""
ALONE = {"ranksPerNode": 1, "minNodes": 1, "precision": "fp32", "parallel": {"sharding": "ddp"}}
"""Fields that a job's file has to decide, and that change nothing here."""


def _now(pool: NodePoolPlan) -> int:
    """Nodes of the pool at `up`."""
    return pool.node_count if pool.desired_now is None else pool.desired_now


def plan_preparation(
    decided: TrainingSpec, job: JobPlan, pool: NodePoolPlan, pools: Sequence[NodePoolPlan]
) -> tuple[PreparationPlan | None, tuple[Decision, ...]]:
    """The preparation, and where it runs; None where the run reads tokens that are there."""
    if all(tokens is not None for _, _, tokens, _ in decided.data.sources()):
        return None, ()
    plain = [one for one in pools if not one.machine.accelerator_count and max(one.node_count, one.max_count)]
    there = [one for one in pools if _now(one)]
    if plain:
        chosen = max(plain, key=lambda one: (_now(one) > 0, one.room.cores))
        reason = f"no accelerator waits for it: {chosen.machine.name} has none"
    elif pool in there or not there:
        chosen, reason = pool, "no pool is without accelerators: one of these nodes works on it alone, and uses none"
    else:
        chosen = max(there, key=lambda one: one.room.cores)
        reason = f"{pool.name} has no nodes yet, and `up` waits for the text; it uses no accelerator here"
    training = decided.model_dump(mode="json", by_alias=True, include=CONCERNED) | ALONE
    preparation = PreparationPlan(
        pool=chosen.name,
        binding=leader_share(replace(chosen.binding, env={})),
        cpu=round(max(0.1, SHARE * chosen.room.cores), 2),
        memory_gib=round(max(0.5, SHARE * chosen.room.memory_gib), 2),
        config={
            "training": training,
            "runFolder": job.run_folder,
            "dataFolder": job.config["dataFolder"],
            "device": "cpu",
        },
    )
    return preparation, (Decision(path="training.data", value=f"prepared on {chosen.name}", reason=reason),)
