"""`python -m bench.server_plain EXPORT_FOLDER THREADS TOKENS`: the peer: one text after the other, no batching.

The same model and modules, greedy, its keys and values kept in one tensor a layer. Prints tokens/s.
"""

import random
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from bench.server_client import PROMPT_TOKENS
from workloads.model.transformer import Block, Transformer
from workloads.serve.load import find_export, load_model


def main(folder: Path, threads: int, tokens: int) -> None:
    torch.set_num_threads(threads)
    model = load_model(find_export(folder), torch.device("cpu"))
    with torch.inference_mode():
        _generate(model, tokens)
        begin = time.perf_counter()
        _generate(model, tokens)
        _generate(model, tokens)
    print(2 * tokens / (time.perf_counter() - begin))


def _generate(model: Transformer, tokens: int) -> list[int]:
    """Greedy tokens after a random prompt."""
    spec = model.spec
    cache = torch.zeros(spec.layers, 2, spec.context, spec.kv_heads, spec.head_size)
    fresh = torch.randint(256, 2000, (PROMPT_TOKENS,))
    position, chosen = 0, []
    for _ in range(tokens):
        x = model.embedding(fresh)
        for layer, block in enumerate(model.blocks):
            assert isinstance(block, Block)
            x = _block(block, x, model.table[position : position + len(fresh)], cache[layer], position)
        position += len(fresh)
        fresh = model.head(model.norm(x[-1:])).argmax(-1)
        chosen.append(int(fresh))
    return chosen


def _block(block: Block, x: Tensor, table: Tensor, cache: Tensor, position: int) -> Tensor:
    query, key, value = block.attention.project(block.attention_norm(x), table)
    end = position + len(x)
    cache[0, position:end], cache[1, position:end] = key, value
    q, k, v = (t.transpose(0, 1).unsqueeze(0) for t in (query, cache[0, :end], cache[1, :end]))
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=len(x) > 1, enable_gqa=True)
    x = x + block.attention.output(mixed.squeeze(0).transpose(0, 1).flatten(-2))
    y: Tensor = x + block.mlp(block.mlp_norm(x))
    return y


if __name__ == "__main__":
    random.seed(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
