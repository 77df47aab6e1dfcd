"""An interrupt while the provider waits for an object: what was made stays known to the engine."""

import threading
from collections.abc import Iterator

import pytest

from engine.provider.errors import UnfinishedError
from rehearsal.cloud.pace import simulated_pace
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.providers.kubernetes.cluster import Body, Cluster


@pytest.fixture
def kubernetes() -> Iterator[SimulatedKubernetes]:
    found = SimulatedKubernetes()
    with found.serving():
        yield found


def job() -> Body:
    """Of a program that nobody here runs, so that it never ends."""
    pod = {"containers": [{"name": "main", "image": "python:3.12"}], "restartPolicy": "Never"}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "text", "namespace": "default"},
        "spec": {"completions": 1, "parallelism": 1, "template": {"spec": pod}},
    }  # fmt: skip


@pytest.mark.parametrize(("interrupted", "word"), [(True, "the operation was canceled"), (False, "timed out")])
def test_an_object_whose_wait_ends_too_early_is_handed_to_the_engine(
    kubernetes: SimulatedKubernetes, interrupted: bool, word: str
) -> None:
    """Without it the next `up` would make it again, and be told that it is there already."""
    canceled = threading.Event()
    cluster = Cluster(kubernetes.access, simulated_pace(kubernetes.clock), canceled=canceled)
    with kubernetes.clock.working():
        made = cluster.create(job(), manager="one", upsert=False, force=False)
        if interrupted:
            canceled.set()
        with pytest.raises(UnfinishedError, match=word) as told:
            cluster.await_ready(made, created=True, timeout_s=60)
        assert told.value.outputs["metadata"]["name"] == "text"
        assert told.value.id == "default/text"
    cluster.close()
