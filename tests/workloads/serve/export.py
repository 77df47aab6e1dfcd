"""A small exported model to serve: random weights, and a byte-level tokenizer trained on a little text."""

from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from components.spec.training import ModelSpec
from workloads.model.chat import ChatTemplate, TemplateSource
from workloads.model.export import CHUNK_BYTES, FILE_BYTES, lay_out
from workloads.model.transformer import Transformer
from workloads.prepare.tokenizer import CHAT, save_tokenizer
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.record.progress import Progress
from workloads.pretrain.train import export
from workloads.pretrain.train.export import ExportWriter, Rows
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
    model.initialize(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(6)
            # As an export holds them.
            parameter.copy_(parameter.bfloat16())
    return model.requires_grad_(False).eval()


def write_export(
    folder: Path, model: Transformer, chunk_bytes: int = CHUNK_BYTES, file_bytes: int = FILE_BYTES
) -> Path:
    """The export that a run would have made of a model, with the tokens of `make_tokenizer`."""
    run = RunFolder(folder.with_name(f"{folder.name}-run"))
    run.data.mkdir(parents=True)
    save_tokenizer(run.data, make_tokenizer(model.spec.vocabulary))
    progress = Progress(step=1, model=model.spec.model_dump(by_alias=True), data_digest="", world_size=1)
    rows = [Rows(name, 0, weight) for name, weight in model.state_dict().items()]
    layout = partial(lay_out, file_bytes=file_bytes)
    with patch.object(export, "lay_out", layout), patch.object(export, "CHUNK_BYTES", chunk_bytes):
        writer = ExportWriter(run, progress, rank=0, ranks=1, attempt="1")
        writer.begin()
        written = writer.write(rows, None)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return written.rename(folder)


def make_vocabulary(size: int) -> Vocabulary:
    return Vocabulary(make_tokenizer(size), [0, 1], size, ChatTemplate(TemplateSource(CHAT, ())))
