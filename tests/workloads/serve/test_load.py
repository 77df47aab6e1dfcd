"""The weights that are served are the weights that were exported; anything else is refused in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from components.spec.training import ModelSpec
from tests.workloads.serve.export import SMALL, make_model, write_export
from workloads.serve.load import LoadError, find_export, load_model
from workloads.serve.text import load_vocabulary

CPU = torch.device("cpu")
UNTIED = ModelSpec(layers=2, width=64, heads=4, kv_heads=2, vocabulary=320, context=128, tie_embeddings=False)


@pytest.mark.parametrize("spec", [SMALL, UNTIED], ids=["tied", "untied"])
@pytest.mark.parametrize(
    ("chunk_bytes", "file_bytes"), [(1000, 50_000), (2**20, 10**9)], ids=["many chunks and files", "one chunk and file"]
)
def test_weights_come_back_bit_for_bit(tmp_path: Path, spec: ModelSpec, chunk_bytes: int, file_bytes: int) -> None:
    model = make_model(spec)
    export = find_export(write_export(tmp_path / "export", model, chunk_bytes, file_bytes))
    assert (len(list(export.folder.glob("*.safetensors"))) > 1) == (file_bytes == 50_000)
    loaded = load_model(export, CPU)
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    tokens = torch.arange(20)[None]
    assert torch.equal(loaded(tokens), model(tokens))
    assert (loaded.head.weight is loaded.embedding.weight) == spec.tie_embeddings


def test_a_runs_folder_means_its_newest_export(tmp_path: Path) -> None:
    model = make_model(SMALL)
    for step in (10, 200):
        write_export(tmp_path / "export" / f"step-{step:08}", model)
    unfinished = tmp_path / "export" / "step-00000300"
    unfinished.mkdir()
    assert find_export(tmp_path).folder.name == "step-00000200"


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def rewrite(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


WEIGHTS = "model-00001-of-00001.safetensors"


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit in the first byte": (lambda folder: flip(folder / WEIGHTS, 0), "damaged.* byte 0"),
    "a flipped bit in the last byte": (lambda folder: flip(folder / WEIGHTS, -1), "damaged: 1 of"),
    "shorter weights": (lambda folder: cut(folder / WEIGHTS), "bytes, but manifest.json says"),
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "No such file"),
    "a flipped bit in the tokenizer": (lambda folder: flip(folder / "tokenizer.json", 50), "tokenizer.json: damaged"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json.*No such file"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "neither a model in Hugging Face's form"),
    "no index": (lambda folder: (folder / "model.safetensors.index.json").unlink(), "nor model.safetensors"),
    "a manifest that does not parse": (lambda folder: (folder / "manifest.json").write_text("{"), "is damaged"),
    "one layer more": (
        lambda folder: rewrite(folder / "config.json", lambda config: config.update(num_hidden_layers=3)),
        r"has no model\.layers\.2\.",
    ),
    "one layer fewer": (
        lambda folder: rewrite(folder / "config.json", lambda config: config.update(num_hidden_layers=1)),
        r"model\.layers\.1\..* is no part",
    ),
    "another shape": (
        lambda folder: rewrite(folder / "config.json", lambda config: config.update(intermediate_size=96)),
        r"gate_proj\.weight is \(192, 64\), but the model of config.json has \(96, 64\)",
    ),
    "another kind of model": (
        lambda folder: rewrite(folder / "config.json", lambda config: config.update(model_type="gpt2")),
        "model_type 'gpt2'; Llama and Qwen3 models",
    ),
    "no checksums": (lambda folder: rewrite(folder / "manifest.json", lambda m: m.update(files={})), "no checksums of"),
}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_export_is_refused(tmp_path: Path, damage: str) -> None:
    folder = write_export(tmp_path / "export", make_model(SMALL), chunk_bytes=4096)
    act, message = DAMAGE[damage]
    act(folder)
    with pytest.raises(LoadError, match=message) as raised:
        load_all(folder)
    assert str(folder) in str(raised.value)


def load_all(folder: Path) -> None:
    export = find_export(folder)
    load_vocabulary(export)
    load_model(export, CPU)
