"""A model's folder as `transformers` writes it, made from a configuration with random weights: no download."""

from pathlib import Path
from typing import Any

import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tests.workloads.serve.export import SPECIAL, make_tokenizer

TEMPLATE = (
    "{{- bos_token -}}{%- for message in messages -%}{{- '<|user|>' + message.role + '\\n' + message.content | trim + "
    "'<|assistant|>' -}}{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|user|>assistant\\n' -}}{%- endif -%}"
)
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 320,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-6,
    "initializer_range": 0.12,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
}
STRETCHED = {
    "rope_type": "llama3",
    "rope_theta": 20_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}


def make_foreign(kind: str) -> PreTrainedModel:
    """`llama` (untied, stretched positions, wide heads), `llama tied`, or `qwen3` (normed queries and keys, tied); in
    fp32, each weight a number that bf16 has.
    """
    torch.manual_seed(3)
    model: PreTrainedModel
    if kind == "llama":
        config = LlamaConfig(**SHAPE, head_dim=24, tie_word_embeddings=False, rope_parameters=STRETCHED)
        model = LlamaForCausalLM(config)
    elif kind == "llama tied":
        model = LlamaForCausalLM(LlamaConfig(**SHAPE, tie_word_embeddings=True))
    else:
        model = Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=32, tie_word_embeddings=True))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:  # norms, which are all ones
                parameter.uniform_(0.5, 1.5)
            parameter.copy_(parameter.bfloat16())
    return model.eval()


def write_foreign(folder: Path, kind: str) -> Path:
    """The model in bf16 with a tokenizer that begins each text with a token of its own, and a chat template."""
    tokenizer = make_tokenizer(320)
    tokenizer.post_processor = TemplateProcessing(single=f"{SPECIAL[0]} $A", special_tokens=[(SPECIAL[0], 0)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=SPECIAL[0], eos_token=SPECIAL[0])
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    model = make_foreign(kind).bfloat16()
    model.generation_config = GenerationConfig(bos_token_id=0, eos_token_id=[0, 2])
    model.save_pretrained(folder, max_shard_size="80KB")
    return folder
