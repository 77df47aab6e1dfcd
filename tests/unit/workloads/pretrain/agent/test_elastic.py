"""The agent where a node of the gang is lost, without torch's rendezvous."""

import signal
from typing import Any

import pytest
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent

from components.spec.training import TrainingSpec
from workloads.pretrain.agent.elastic import Agent
from workloads.pretrain.config import Device, JobFile


@pytest.mark.parametrize(
    ("least", "expected"),
    [(2, [signal.SIGKILL, "torch"]), (1, ["torch"])],
    ids=["a gang that may not shrink is killed at once", "one that may is asked to save"],
)
def test_workers_of_a_gang_that_lost_a_node(
    monkeypatch: pytest.MonkeyPatch, least: int, expected: list[object]
) -> None:
    """Torch alone waits `stopS` for workers that are stuck in a collective with a node that is gone."""
    done: list[object] = []
    agent = Agent.__new__(Agent)
    training = TrainingSpec(nodes=2, min_nodes=least)
    agent._job = JobFile(training=training, run_folder="/r", device=Device.CPU)

    def signalled(_agent: Agent, number: signal.Signals) -> int:
        done.append(number)
        return 1

    def restart(_agent: Any, _group: Any) -> None:
        done.append("torch")

    monkeypatch.setattr(Agent, "_signal_workers", signalled)
    monkeypatch.setattr(LocalElasticAgent, "_restart_workers", restart)
    agent._restart_workers(None)  # type: ignore[arg-type]  # not looked at here
    assert done == expected
