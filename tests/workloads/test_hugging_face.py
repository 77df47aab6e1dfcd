"""Models go to `transformers` and come from it with the same logits and the same greedy text."""

import json
import queue
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from components.spec.training import ModelSpec, RopeScaling
from penstock.demo.second_opinion import greedy_text
from tests.workloads.foreign import make_foreign, write_foreign
from tests.workloads.serve.export import SMALL, make_model, write_export
from workloads.model.hugging_face import read_spec
from workloads.serve.config import ServeFile
from workloads.serve.engine import InferenceEngine
from workloads.serve.load import find_export, load_model
from workloads.serve.metrics import Metrics
from workloads.serve.schema import ChatBody, CompletionBody, parse
from workloads.serve.sequence import Output, Sequence
from workloads.serve.service import build

TOKENS = torch.arange(3, 103)[None]
"""Longer than the context before the positions were stretched."""
CLOSE = 2e-4
"""Of logits in fp32 that are some units large (seen: below 2e-5)."""

OURS = {
    "tied": SMALL,
    "untied, stretched": ModelSpec(
        layers=2, width=64, heads=4, kv_heads=2, head_width=24, vocabulary=320, context=128, norm_epsilon=1e-6,
        rope_base=20_000.0, rope_scaling=RopeScaling(factor=8.0, original_context=32), tie_embeddings=False,
    ),
    "normed queries and keys": ModelSpec(
        layers=2, width=64, heads=4, kv_heads=1, head_width=32, vocabulary=320, context=128, qk_norm=True
    ),
}  # fmt: skip
KINDS = ["llama", "llama tied", "qwen3"]


@pytest.mark.parametrize("name", OURS)
def test_transformers_computes_the_logits_of_an_export(tmp_path: Path, name: str) -> None:
    model = make_model(OURS[name])
    with torch.no_grad():
        for norm in (parameter for parameter in model.parameters() if parameter.ndim == 1):
            norm.uniform_(0.5, 1.5).copy_(norm.bfloat16())
    folder = write_export(tmp_path / "export", model, file_bytes=50_000)
    theirs, told = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not any(told.values()), told
    assert read_spec(folder) == OURS[name].model_copy(update={"mlp_width": OURS[name].hidden_width})
    with torch.inference_mode():
        assert torch.allclose(theirs(TOKENS).logits, model(TOKENS), atol=CLOSE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_transformers_is_loaded_with_its_logits(tmp_path: Path, kind: str) -> None:
    ours = load_model(find_export(write_foreign(tmp_path / "folder", kind)), torch.device("cpu"))
    with torch.inference_mode():
        assert torch.allclose(ours(TOKENS), make_foreign(kind)(TOKENS).logits, atol=CLOSE)


@pytest.mark.parametrize("kind", ["llama", "qwen3", "own export"])
def test_the_server_writes_the_greedy_text_of_transformers(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "folder"
    write_export(folder, make_model(SMALL)) if kind == "own export" else write_foreign(folder, kind)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    config = ServeFile.model_validate({"inference": {"cacheTokens": 512}, "modelFolder": str(folder), "port": 8000})
    engine, asker = build(config, Metrics("test"))
    limits = {"model": "serve", "max_tokens": 24, "temperature": 0}

    def greedy(tokens: torch.Tensor) -> str:
        made = model.generate(tokens, max_new_tokens=24, do_sample=False)
        text: str = tokenizer.decode(made[0, tokens.shape[1] :], skip_special_tokens=True)
        return text

    asked, expected = [], []
    for prompt in ("The valve", "def close(", "größer"):
        asked.append(asker.completion(parse(CompletionBody, json.dumps({**limits, "prompt": prompt}).encode())))
        expected.append(greedy(tokenizer(prompt, return_tensors="pt")["input_ids"]))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Öl?  "}]
    asked.append(asker.chat(parse(ChatBody, json.dumps({**limits, "messages": messages}).encode())))
    chat = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    assert list(asked[-1].sequences[0].prompt) == chat["input_ids"][0].tolist()
    expected.append(greedy(chat["input_ids"]))
    assert all(expected)
    assert greedy_text(folder, "def close(", 24) == expected[1], "the demo's second opinion"
    assert answered(engine, [sequence for ask in asked for sequence in ask.sequences]) == expected


def answered(engine: InferenceEngine, sequences: list[Sequence]) -> list[str]:
    """The texts of the sequences, computed side by side."""
    outputs: queue.Queue[list[Output]] = queue.Queue()
    engine.start(outputs.put, lambda: None)
    engine.submit(sequences)
    texts, left = {id(sequence): "" for sequence in sequences}, len(sequences)
    while left:
        for output in outputs.get(timeout=120):
            texts[id(output.sequence)] += output.text
            left -= output.finish is not None
    engine.stop()
    return list(texts.values())
