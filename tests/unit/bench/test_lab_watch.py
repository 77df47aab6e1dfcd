"""A partial start, too much, and a wait, as the lab's benchmark judges them."""

from typing import Any

from rehearsal.campaigns.watch import Bound, Seen, early, node_seconds, over_quota, seen, waits


def state(job: str, revision: int, *, holds: bool = False, done: bool = False, **changes: Any) -> Seen:
    fields: dict[str, Any] = {"gang": "gang", "queue": "a", "nodes": 4, "priority": 100, "at_s": float(revision)}
    return Seen(job=job, revision=revision, holds=holds, done=done, **fields | changes)


def bound(revision: int, gang: str = "gang") -> Bound:
    return Bound(gang=gang, revision=revision, at_s=0.0)


def test_a_pod_bound_before_its_gang_is_admitted_is_found() -> None:
    states = [state("gang", 10), state("gang", 20, holds=True)]
    assert early({"late": bound(21), "soon": bound(19)}, states) == ["soon"]
    assert early({"any": bound(30)}, states[:1]) == ["any"]
    assert early({"other": bound(30, gang="of which nothing is known")}, states) == ["other"]


def test_a_pod_bound_after_its_gang_has_lost_its_quota_is_found() -> None:
    states = [state("gang", 10, holds=True), state("gang", 20), state("gang", 30, holds=True)]
    assert early({"first": bound(15), "between": bound(25), "again": bound(35)}, states) == ["between"]


def test_quota_is_counted_at_every_moment() -> None:
    first, second = state("one", 1, holds=True), state("two", 2, holds=True)
    assert over_quota([first, second], 8) == []
    assert over_quota([first, second], 7) == [second]
    assert over_quota([first, state("one", 2, done=True), state("two", 3, holds=True)], 4) == []


def test_a_job_that_waits_for_ever_is_told_from_one_that_was_admitted() -> None:
    found = waits([state("one", 1), state("two", 2), state("one", 5, holds=True)])
    assert {one.job: one.waited_s for one in found} == {"one": 4.0, "two": None}


def test_queues_are_compared_while_both_have_jobs_that_wait() -> None:
    states = [
        state("a1", 0, holds=True), state("b1", 0, holds=True, queue="b"), state("b2", 0, queue="b"), state("a2", 0),
        state("a2", 6, holds=True), state("b2", 10, holds=True, queue="b"), state("a1", 20, done=True),
        state("b1", 20, done=True, queue="b"), state("a2", 20, done=True), state("b2", 20, done=True, queue="b"),
    ]  # fmt: skip
    assert node_seconds(states) == {"a": 4 * 6.0, "b": 4 * 6.0}


def test_what_a_workload_says_of_itself() -> None:
    body: dict[str, Any] = {
        "metadata": {"name": "job", "resourceVersion": "7", "ownerReferences": [{"kind": "JobSet", "name": "gang"}]},
        "spec": {"queueName": "a", "priority": 1000, "podSets": [{"count": 3}, {"count": 2}]},
        "status": {"admission": {}, "conditions": [{"type": "Finished", "status": "False"}]},
    }
    assert seen(body, 1.0) == state("job", 7, holds=True, nodes=5, priority=1000, at_s=1.0)
    body["status"]["conditions"][0]["status"] = "True"
    assert seen(body, 1.0) == state("job", 7, done=True, nodes=5, priority=1000, at_s=1.0)
