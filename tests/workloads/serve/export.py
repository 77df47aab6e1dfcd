"""A small exported model to serve: random weights, and a byte-level tokenizer trained on a little text."""

from pathlib import Path

import torch
import xxhash
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from components.spec.training import ModelSpec
from workloads.model.export import CHUNK_BYTES, FileSums, Manifest, write_manifest
from workloads.model.transformer import Transformer
from workloads.serve.text import Vocabulary

SPECIAL = ["<|end_of_text|>", "<|user|>", "<|assistant|>"]
TEXT = (
    "The valve at the foot of the penstock opens, and water falls through the pipe to the turbine. "
    "Öl, Wasser, größer; 水は低きに流れる; voilà l'eau. def close(valve): return valve.shut() # 0123456789\n"
)
SMALL = ModelSpec(layers=2, width=64, heads=4, kv_heads=2, vocabulary=320, context=128)


def make_tokenizer(vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    return tokenizer


def make_model(spec: ModelSpec, seed: int = 1) -> Transformer:
    """Random weights, larger than a trainer would start with, so that the texts are not one token repeated."""
    model = Transformer(spec)
    model.initialize(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(6)
    return model.requires_grad_(False).eval()


def write_export(folder: Path, model: Transformer, chunk_bytes: int = CHUNK_BYTES) -> Path:
    folder.mkdir(parents=True)
    tokenizer = make_tokenizer(model.spec.vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "head.weight"}
    if not model.spec.tie_embeddings:
        weights["head.weight"] = model.head.weight
    save_file(weights, folder / "model.safetensors")
    files = {name: _sums(folder / name, chunk_bytes) for name in ("model.safetensors", "tokenizer.json")}
    manifest = Manifest(
        step=1,
        model=model.spec,
        end_of_text=tokenizer.encode(SPECIAL[0]).ids[0],
        validation_loss=None,
        digest=xxhash.xxh3_128_hexdigest("".join(sum_ for file in files.values() for sum_ in file.xxh3).encode()),
        files=files,
    )
    write_manifest(folder, manifest)
    return folder


def _sums(path: Path, chunk_bytes: int) -> FileSums:
    content = path.read_bytes()
    starts = range(0, len(content), chunk_bytes)
    sums = tuple(xxhash.xxh3_64_hexdigest(content[start : start + chunk_bytes]) for start in starts)
    return FileSums(bytes=len(content), chunk_bytes=chunk_bytes, xxh3=sums)


def make_vocabulary(size: int) -> Vocabulary:
    tokenizer = make_tokenizer(size)
    return Vocabulary(tokenizer, tokenizer.encode(SPECIAL[0]).ids[0], size)
