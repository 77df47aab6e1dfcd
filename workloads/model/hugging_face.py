"""The model as Hugging Face's libraries name and describe it: config.json, and the tensors of a folder.

`LlamaForCausalLM`, or `Qwen3ForCausalLM` where queries and keys are normed. Keys and names as `transformers` 5 writes
and reads them (its configuration_llama.py, configuration_qwen3.py and modeling_rope_utils.py); of `rope_theta` and
`rope_scaling` the older form, which every engine reads.

`python -m workloads.model.hugging_face FOLDER` prints the fields of `training.model` for a folder.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from components.errors import PenstockError
from components.spec.training import ModelSpec, RopeScaling

CONFIG, GENERATION = "config.json", "generation_config.json"
TOKENIZER, TOKENIZER_CONFIG, CHAT_TEMPLATE = "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"
TEXT_FILES = (TOKENIZER, TOKENIZER_CONFIG, CHAT_TEMPLATE, "special_tokens_map.json", GENERATION)
"""Files of a folder that belong to its text side; only the first has to be there."""
INDEX = "model.safetensors.index.json"

_OUTER = {
    "embedding.weight": "model.embed_tokens.weight",
    "norm.weight": "model.norm.weight",
    "head.weight": "lm_head.weight",
}
_INNER = {
    "attention_norm": "input_layernorm",
    "attention.query": "self_attn.q_proj",
    "attention.key": "self_attn.k_proj",
    "attention.value": "self_attn.v_proj",
    "attention.query_norm": "self_attn.q_norm",
    "attention.key_norm": "self_attn.k_norm",
    "attention.output": "self_attn.o_proj",
    "mlp_norm": "post_attention_layernorm",
    "mlp.gate": "mlp.gate_proj",
    "mlp.up": "mlp.up_proj",
    "mlp.down": "mlp.down_proj",
}
_NEUTRAL: Mapping[str, Sequence[object]] = {
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "hidden_act": ("silu",),
    "use_sliding_window": (False,),
    "sliding_window": (None,),
    "quantization_config": (None,),
}
"""Values under which a model is one that is known here."""


class UnknownModelError(PenstockError):
    """A folder whose model is of another kind than those trained and served here."""


def outer_name(name: str) -> str:
    """Hugging Face's name of a parameter of `Transformer`."""
    if name in _OUTER:
        return _OUTER[name]
    _, index, rest = name.split(".", 2)
    module, kind = rest.rsplit(".", 1)
    return f"model.layers.{index}.{_INNER[module]}.{kind}"


def tensor_shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of a model's folder by its name in `Transformer`, in the order of the files.

    An output layer that shares the embedding's matrix is left out.
    """
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (spec.vocabulary, spec.width)}
    for index in range(spec.layers):
        shapes |= {f"blocks.{index}.{name}.weight": shape for name, shape in _block_shapes(spec)}
    shapes["norm.weight"] = (spec.width,)
    return shapes if spec.tie_embeddings else shapes | {"head.weight": (spec.vocabulary, spec.width)}


def _block_shapes(spec: ModelSpec) -> Iterator[tuple[str, tuple[int, ...]]]:
    queries, keys = spec.heads * spec.head_size, spec.kv_heads * spec.head_size
    yield "attention_norm", (spec.width,)
    yield "attention.query", (queries, spec.width)
    yield "attention.key", (keys, spec.width)
    yield "attention.value", (keys, spec.width)
    if spec.qk_norm:
        yield "attention.query_norm", (spec.head_size,)
        yield "attention.key_norm", (spec.head_size,)
    yield "attention.output", (spec.width, queries)
    yield "mlp_norm", (spec.width,)
    yield "mlp.gate", (spec.hidden_width, spec.width)
    yield "mlp.up", (spec.hidden_width, spec.width)
    yield "mlp.down", (spec.width, spec.hidden_width)


def config_of(spec: ModelSpec, ends: Mapping[str, object]) -> dict[str, object]:
    """config.json of a model in bf16; `ends` has the ids of the tokens that begin and end a text."""
    kind = "Qwen3" if spec.qk_norm else "Llama"
    scaling = spec.rope_scaling
    return {
        "architectures": [f"{kind}ForCausalLM"],
        "model_type": kind.lower(),
        "attention_bias": False,
        "bos_token_id": ends.get("bos_token_id"),
        "eos_token_id": ends.get("eos_token_id"),
        "head_dim": spec.head_size,
        "hidden_act": "silu",
        "hidden_size": spec.width,
        "intermediate_size": spec.hidden_width,
        "max_position_embeddings": spec.context,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
        "num_key_value_heads": spec.kv_heads,
        "rms_norm_eps": spec.norm_epsilon,
        "rope_scaling": None if scaling is None else _scaling_written(scaling),
        "rope_theta": spec.rope_base,
        "tie_word_embeddings": spec.tie_embeddings,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": spec.vocabulary,
    }


def _scaling_written(scaling: RopeScaling) -> dict[str, object]:
    return {
        "rope_type": "llama3",
        "factor": scaling.factor,
        "low_freq_factor": scaling.low_frequency_factor,
        "high_freq_factor": scaling.high_frequency_factor,
        "original_max_position_embeddings": scaling.original_context,
    }


def read_spec(folder: Path) -> ModelSpec:
    """The shape that a folder's config.json describes, `context` its longest; UnknownModelError with all reasons why
    the model is none that is trained and served here, PenstockError where the file cannot be read.
    """
    path = folder / CONFIG
    config = read_object(path)
    unknown = list(_unknown(config))
    if unknown:
        raise UnknownModelError(f"{path}: {'; '.join(unknown)}; Llama and Qwen3 models without these are known here")
    try:
        return _spec_of(config)
    except KeyError as error:
        raise PenstockError(f"{path}: has no {error.args[0]}; bring the folder anew") from None
    except (ValidationError, TypeError, AttributeError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UnknownModelError(f"{path}: describes no model that is known here ({reason})") from None


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a folder; PenstockError where it cannot be read."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        remedy = "give a Hugging Face folder, with config.json, *.safetensors and tokenizer.json"
        raise PenstockError(f"{path}: cannot be read ({error.strerror}); {remedy}") from None
    except ValueError as error:
        raise PenstockError(f"{path}: is not JSON ({error}); bring the folder anew") from None
    if not isinstance(content, dict):
        raise PenstockError(f"{path}: is not a JSON object; bring the folder anew")
    return content


def _unknown(config: Mapping[str, Any]) -> Iterator[str]:
    """Settings of a config.json that are not known here."""
    kind, scaling = config.get("model_type"), _scaling(config)
    if kind not in ("llama", "qwen3"):
        yield f"model_type {kind!r}"
    for key, values in _NEUTRAL.items():
        # A window that is switched off is named all the same.
        window_off = key == "sliding_window" and not config.get("use_sliding_window", True)
        if key in config and config[key] not in values and not window_off:
            yield f"{key} {config[key]!r}"
    if scaling and _scaling_type(scaling) not in ("default", "llama3"):
        yield f"rope_type {_scaling_type(scaling)!r}"
    if scaling.get("partial_rotary_factor", 1.0) != 1.0:
        yield f"partial_rotary_factor {scaling['partial_rotary_factor']}"


def _scaling(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return config.get("rope_parameters") or config.get("rope_scaling") or {}


def _scaling_type(scaling: Mapping[str, Any]) -> object:
    return scaling.get("rope_type", scaling.get("type", "default"))


def _spec_of(config: Mapping[str, Any]) -> ModelSpec:
    scaling = _scaling(config)
    heads, width = config["num_attention_heads"], config["hidden_size"]
    head_width = config.get("head_dim") or width // heads
    llama3 = _scaling_type(scaling) == "llama3"
    return ModelSpec(
        layers=config["num_hidden_layers"],
        width=width,
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_width=None if head_width * heads == width else head_width,
        mlp_width=config["intermediate_size"],
        vocabulary=config["vocab_size"],
        context=config["max_position_embeddings"],
        rope_base=float(scaling.get("rope_theta", config.get("rope_theta", 10_000.0))),
        rope_scaling=_scaling_read(scaling, config) if llama3 else None,
        norm_epsilon=config.get("rms_norm_eps", 1e-6),
        qk_norm=config["model_type"] == "qwen3",
        tie_embeddings=config.get("tie_word_embeddings", False),
    )


def _scaling_read(scaling: Mapping[str, Any], config: Mapping[str, Any]) -> RopeScaling:
    return RopeScaling(
        factor=float(scaling["factor"]),
        low_frequency_factor=float(scaling["low_freq_factor"]),
        high_frequency_factor=float(scaling["high_freq_factor"]),
        original_context=scaling.get("original_max_position_embeddings") or config["max_position_embeddings"],
    )


def read_ends(folder: Path) -> dict[str, Any]:
    """`bos_token_id` and `eos_token_id` of a folder, from generation_config.json before config.json; None where
    neither says.
    """
    config = read_object(folder / CONFIG) if (folder / CONFIG).exists() else {}
    generation = read_object(folder / GENERATION) if (folder / GENERATION).exists() else {}
    found = {key: generation.get(key, config.get(key)) for key in ("bos_token_id", "eos_token_id")}
    return {key: config.get(key) if value is None else value for key, value in found.items()}


def end_tokens(ends: Mapping[str, Any]) -> tuple[int, ...]:
    """Ids of the tokens that end a text, the first first; empty where a folder names none."""
    found = ends.get("eos_token_id")
    return () if found is None else tuple(found) if isinstance(found, list) else (int(found),)


def weight_files(folder: Path) -> list[str]:
    """Names of the files that hold a folder's weights; PenstockError where there are none."""
    if (folder / INDEX).exists():
        index = read_object(folder / INDEX)
        return sorted(set(index.get("weight_map", {}).values()))
    if (folder / "model.safetensors").exists():
        return ["model.safetensors"]
    remedy = "bring the folder anew, with its *.safetensors (PyTorch's *.bin are not read)"
    raise PenstockError(f"{folder}: has neither {INDEX} nor model.safetensors; {remedy}")


def tensors_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name from the header of a safetensors file, whose tensors are not read; PenstockError where it is
    none (format: 8 bytes of header size, little-endian, and a header in JSON).
    """
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
    except OSError as error:
        raise PenstockError(f"{path}: cannot be read ({error.strerror}); bring the folder anew") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError):
        raise PenstockError(f"{path}: is not a safetensors file; bring the folder anew") from None


if __name__ == "__main__":
    try:
        spec = read_spec(Path(sys.argv[1]).expanduser().resolve())
    except PenstockError as error:
        sys.exit(str(error))
    fields = {"from": str(Path(sys.argv[1]).expanduser().resolve()), **spec.model_dump(mode="json", by_alias=True)}
    sys.stdout.write(f"model: {json.dumps(fields)}\n")
