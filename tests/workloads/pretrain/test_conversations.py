"""A run on conversations: the loss is on answers, and what it has learned answers in their form."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from tests.workloads.pretrain.runs import AgentHost, Run, make_run
from tests.workloads.test_hugging_face import answered
from workloads.model.export import read_manifest
from workloads.serve.config import ServeFile
from workloads.serve.metrics import Metrics
from workloads.serve.schema import ChatBody, parse
from workloads.serve.sequence import Sequence
from workloads.serve.service import build

FORM = r"<[a-z]+> is a word\."
STEPS = 60
UNIFORM = 5.95
"""Nats of one of 384 tokens when nothing is known."""


def chat_run(folder: Path, chats: Path, **training: object) -> Run:
    run = make_run(folder, chats, steps=STEPS, evaluateEverySteps=STEPS, **training)
    data = {"text": {"files": str(chats), "format": "chat"}, "validationShare": 0.05}
    run.change(data=data, model={"context": 64}, optimizer={"learningRate": 1e-2})
    return run


@pytest.fixture(scope="module")
def taught(host: AgentHost, chats: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = chat_run(tmp_path_factory.mktemp("taught"), chats)
    assert host.run(run) == 0, run.status
    return run


def test_the_loss_on_answers_falls_and_answers_follow_their_form(taught: Run) -> None:
    assert taught.losses[1] == pytest.approx(UNIFORM, abs=0.3), "the mean of answers, not of all tokens"
    assert taught.losses[STEPS] < 0.5
    validation = read_manifest(taught.export).validation_loss
    assert validation is not None
    assert validation < 0.5
    assert "1 conversation left out: 1 without an answer" in str(taught.status["warning"])
    config = ServeFile.model_validate({"inference": {}, "modelFolder": str(taught.export), "port": 8000})
    engine, asker = build(config, Metrics("test"))
    asked = list[Sequence]()
    for word in ("winter", "copper", "nothing at all"):
        messages = [{"role": "user", "content": f"Tell me of the {word}, number 9"}]
        body = {"model": "serve", "messages": messages, "max_tokens": 32, "temperature": 0}
        asked += asker.chat(parse(ChatBody, json.dumps(body).encode())).sequences
    for answer in answered(engine, asked):
        assert re.fullmatch(FORM, answer), answer


def test_a_killed_run_ends_as_one_that_was_not(host: AgentHost, chats: Path, taught: Run, tmp_path: Path) -> None:
    run = chat_run(tmp_path, chats)
    host.start(run)
    run.wait_until(lambda run: run.step >= STEPS // 2)
    os.kill(run.workers[0], signal.SIGKILL)
    assert host.wait() == 0, run.status
    assert run.digest == taught.digest
    assert "step 0 of" not in run.log(rank=0, attempt=2), "it went on, and did not begin anew"


def test_three_sharded_ranks_learn_the_same(host: AgentHost, chats: Path, taught: Run, tmp_path: Path) -> None:
    """The mean is over the answers of all ranks, however few one of them has."""
    run = chat_run(tmp_path, chats, ranksPerNode=3, parallel={"sharding": "fsdp"})
    host.start(run)
    run.wait_until(lambda run: run.step >= 20)
    host.stop()
    for step in range(1, 20):
        assert run.losses[step] == pytest.approx(taught.losses[step], abs=2e-3), step
