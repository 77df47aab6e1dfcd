"""A run that starts from a folder that `transformers` wrote."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from tests.workloads.foreign import write_foreign
from tests.workloads.pretrain.runs import AgentHost, make_run
from workloads.model.hugging_face import read_spec
from workloads.pretrain.data.tokens import open_data


@pytest.mark.parametrize(
    ("kind", "ranks", "sharding"), [("llama", 3, "fsdp"), ("qwen3", 2, "ddp")], ids=["three FSDP ranks", "DDP"]
)
def test_a_run_starts_from_a_folder_of_transformers(
    tmp_path: Path,
    host: AgentHost,
    texts: Path,
    kind: str,
    ranks: int,
    sharding: str,
) -> None:
    """At a rate that changes no weight, the run exports the very weights that it started from."""
    origin = write_foreign(tmp_path / "origin", kind)
    (tmp_path / "run").mkdir()
    run = make_run(tmp_path / "run", texts, steps=1, ranksPerNode=ranks, parallel={"sharding": sharding})
    model = read_spec(origin).model_copy(update={"context": 32, "from_folder": str(origin)})
    run.change(optimizer={"learningRate": 1e-12, "warmupSteps": 0, "weightDecay": 0.0})
    job = json.loads(run.job.read_text())
    job["training"]["model"] = model.model_dump(mode="json", by_alias=True)
    run.job.write_text(json.dumps(job))
    assert host.run(run) == 0, run.status
    expected = {name: tensor for file in origin.glob("*.safetensors") for name, tensor in load_file(file).items()}
    found = {name: tensor for file in run.export.glob("*.safetensors") for name, tensor in load_file(file).items()}
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    assert (run.export / "tokenizer.json").read_bytes() == (origin / "tokenizer.json").read_bytes()
    first = sorted(texts.iterdir())[0].read_text()
    tokens = AutoTokenizer.from_pretrained(run.export)(first)["input_ids"]
    (trained_on,) = open_data(run.folder / "data").train
    assert trained_on.tokens.rows([0], len(tokens) + 1)[0].tolist() == [*tokens, 0]
