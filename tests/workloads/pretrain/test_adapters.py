"""Runs that train adapters of a model from elsewhere: what they learn, keep and export."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.distributed.checkpoint.filesystem import FileSystemReader
from transformers import AutoModelForCausalLM

from components.spec.lora import LoraSpec
from tests.workloads.foreign import write_foreign
from tests.workloads.pretrain.runs import AgentHost, Run
from tests.workloads.pretrain.test_conversations import chat_run
from tests.workloads.test_hugging_face import CLOSE, TOKENS
from workloads.model.hugging_face import outer_name, read_spec
from workloads.model.lora import adapted, adapter_names, add_adapters
from workloads.model.transformer import Transformer
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.train.export import export_checkpoint
from workloads.serve.load import find_export, load_model

LORA = {"rank": 4, "alpha": 8}
STEPS = 20
TOLERANCE = 2e-3


def adapter_run(folder: Path, chats: Path, origin: Path, **training: object) -> Run:
    run = chat_run(folder, chats, lora=LORA, **training)
    model = read_spec(origin).model_copy(update={"context": 128, "from_folder": str(origin)})
    job = json.loads(run.job.read_text())
    job["training"]["model"] = model.model_dump(mode="json", by_alias=True)
    job["training"] |= {"steps": STEPS, "evaluateEverySteps": STEPS}
    job["training"]["checkpoint"]["everySteps"] = 5
    run.job.write_text(json.dumps(job))
    return run


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_foreign(tmp_path_factory.mktemp("origin") / "llama", "llama")


@pytest.fixture(scope="module")
def trained(
    host: AgentHost, chats: Path, origin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:  # fmt: skip
    run = adapter_run(tmp_path_factory.mktemp("adapted"), chats, origin)
    assert host.run(run) == 0, run.status
    return run


def ours(origin: Path, adapter: Path) -> Transformer:
    """The model of a folder with adapters beside its weights."""
    model = load_model(find_export(origin), torch.device("cpu"))
    add_adapters(model, LoraSpec.model_validate(LORA), torch.float32)
    weights = load_file(adapter / "adapter_model.safetensors")
    with torch.no_grad():
        for matrix in adapted(model.spec, LoraSpec.model_validate(LORA)):
            outer = f"base_model.model.{outer_name(matrix).removesuffix('.weight')}"
            for name, theirs in zip(adapter_names(matrix), ("lora_A", "lora_B"), strict=True):
                model.get_parameter(name).copy_(weights[f"{outer}.{theirs}.weight"])
    return model


def test_peft_reads_the_adapter_and_computes_the_same(trained: Run, origin: Path) -> None:
    adapter = trained.export / "adapter"
    base = AutoModelForCausalLM.from_pretrained(origin, dtype=torch.float32)
    before = base(TOKENS).logits.detach().clone()
    theirs = PeftModel.from_pretrained(base, str(adapter))
    with torch.inference_mode():
        expected = theirs(TOKENS).logits
        assert torch.allclose(ours(origin, adapter)(TOKENS), expected, atol=CLOSE)
        assert not torch.allclose(before, expected, atol=0.1), "it has learned something"
    merged = theirs.merge_and_unload()
    whole = AutoModelForCausalLM.from_pretrained(trained.export, dtype=torch.float32)
    for (name, weight), (_, wanted) in zip(whole.named_parameters(), merged.named_parameters(), strict=True):
        torch.testing.assert_close(weight, wanted, rtol=2**-8, atol=1e-6, msg=name)
    served = load_model(find_export(trained.export), torch.device("cpu"))
    with torch.inference_mode():
        assert torch.allclose(served(TOKENS), whole(TOKENS).logits, atol=CLOSE)


def test_the_loss_falls_and_a_checkpoint_has_the_adapters_alone(trained: Run) -> None:
    assert trained.losses[STEPS] < 0.7 * trained.losses[1]
    held = FileSystemReader(trained.checkpoints[-1]).read_metadata().state_dict_metadata
    weights = [name for name in held if name.startswith("model.")]
    assert len(weights) == 2 * 7 * 2
    assert all(name.endswith((".lora_a", ".lora_b")) for name in weights)
    moments = [name for name in held if name.endswith("exp_avg")]
    assert len(moments) == len(weights)
    assert all(".lora_" in name for name in held if name.startswith("optimizer."))


def test_the_newest_checkpoint_is_exported_by_hand_as_the_run_does(trained: Run, tmp_path: Path) -> None:
    kept = trained.digest
    aside = trained.export.rename(tmp_path / trained.export.name)
    made = export_checkpoint(RunFolder(trained.folder))
    assert trained.digest == kept
    for file in ("adapter/adapter_config.json", "adapter/adapter_model.safetensors"):
        assert (made / file).read_bytes() == (aside / file).read_bytes()


def test_a_killed_run_ends_as_one_that_was_not(
    host: AgentHost, chats: Path, origin: Path, trained: Run, tmp_path: Path
) -> None:  # fmt: skip
    run = adapter_run(tmp_path, chats, origin)
    host.start(run)
    run.wait_until(lambda run: run.step >= STEPS // 2)
    os.kill(run.workers[1], signal.SIGKILL)
    assert host.wait() == 0, run.status
    assert run.digest == trained.digest
    assert "step 0 of" not in run.log(rank=0, attempt=2), "it went on, and did not begin anew"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ranksPerNode": 3, "parallel": {"sharding": "fsdp"}}, id="FSDP"),
        pytest.param({"ranksPerNode": 4, "parallel": {"sharding": "hsdp", "shardRanks": 2}}, id="HSDP"),
        pytest.param({"parallel": {"sharding": "fsdp"}, "activationCheckpointing": "full"}, id="recomputed"),
    ],
)
def test_every_layout_learns_and_exports_the_same(
    host: AgentHost, chats: Path, origin: Path, trained: Run, tmp_path: Path, changes: dict[str, object]
) -> None:
    run = adapter_run(tmp_path, chats, origin, **changes)
    assert host.run(run) == 0, run.status
    for step, loss in trained.losses.items():
        assert run.losses[step] == pytest.approx(loss, abs=TOLERANCE), step
    for file in ("model-00001-of-00001.safetensors", "adapter/adapter_model.safetensors"):
        expected = load_file(trained.export / file)
        for name, tensor in load_file(run.export / file).items():
            torch.testing.assert_close(tensor.float(), expected[name].float(), rtol=2**-7, atol=2e-3, msg=name)


def test_in_bf16_the_frozen_weights_take_half_and_it_learns_about_the_same(
    host: AgentHost, chats: Path, origin: Path, trained: Run, tmp_path: Path
) -> None:  # fmt: skip
    run = adapter_run(tmp_path, chats, origin, precision="bf16", parallel={"sharding": "fsdp"})
    assert host.run(run) == 0, run.status
    assert run.losses != trained.losses, "it is not bf16"
    assert run.losses[STEPS] == pytest.approx(trained.losses[STEPS], abs=0.3)


def test_another_rank_is_refused_where_there_is_a_checkpoint(
    host: AgentHost, chats: Path, origin: Path, trained: Run
) -> None:  # fmt: skip
    trained.change(lora={"rank": 8}, steps=STEPS + 1)
    assert host.run(trained) == 78
    assert "training.lora" in str(trained.status["message"])
