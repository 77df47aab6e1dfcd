"""The folder that a run starts from, and what is said when it is not what the job describes."""

import json
import struct
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path

import pytest

from components.errors import SpecError
from components.spec.training import ModelSpec, RopeScaling
from workloads.model.hugging_face import UnknownModelError, config_of, outer_name, read_spec, tensor_shapes
from workloads.pretrain.train.origin import check_origin

STRETCH = RopeScaling(factor=8.0, original_context=32)
SHAPE = ModelSpec(
    layers=2, width=64, heads=4, kv_heads=2, mlp_width=96, vocabulary=320, context=128, rope_scaling=STRETCH
)


def describe(path: Path, spec: ModelSpec = SHAPE, **config: object) -> Path:
    """The folder with that configuration, changed in some keys."""
    described = config_of(spec, {"bos_token_id": 0, "eos_token_id": 0}) | config
    (path / "config.json").write_text(json.dumps(described))
    return path


def folder(path: Path, spec: ModelSpec = SHAPE) -> Path:
    """A folder with headers alone: the checks read no weights."""
    describe(path, spec)
    (path / "tokenizer.json").write_text("{}")
    entries = {
        outer_name(name): {"dtype": "BF16", "shape": shape, "data_offsets": [0, 0]}
        for name, shape in tensor_shapes(spec).items()
    }
    header = json.dumps(entries).encode()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def told(model: ModelSpec) -> list[str]:
    with pytest.raises(SpecError) as refused:
        check_origin(model)
    return [str(problem) for problem in refused.value.problems]


def asked(path: Path, **changes: object) -> ModelSpec:
    return SHAPE.model_copy(update={"from_folder": str(path), "context": 64, **changes})


def test_a_folder_that_is_as_asked_is_taken(tmp_path: Path) -> None:
    check_origin(asked(folder(tmp_path)))
    check_origin(ModelSpec())


def test_every_difference_is_told_with_what_to_write(tmp_path: Path) -> None:
    path = folder(tmp_path)
    found = told(
        asked(path, layers=3, head_width=32, rope_base=5e5, rope_scaling=None, tie_embeddings=False, context=256)
    )
    scaling = '{"factor": 8.0, "lowFrequencyFactor": 1.0, "highFrequencyFactor": 4.0, "originalContext": 32}'
    assert found == [
        f"training.model.layers: 3, but the model in {path} has 2; set it to 2",
        f"training.model.headWidth: 32, but the model in {path} has 16; set it to 16",
        f"training.model.ropeBase: 500000.0, but the model in {path} has 10000.0; set it to 10000.0",
        f"training.model.ropeScaling: null, but the model in {path} has {scaling}; set it to {scaling}",
        f"training.model.tieEmbeddings: false, but the model in {path} has true; set it to true",
        f"training.model.context: 256 is more than the 128 positions of the model in {path}; lower it",
    ]


def test_a_sum_that_is_set_as_told_is_taken(tmp_path: Path) -> None:
    path = folder(tmp_path, SHAPE.model_copy(update={"rope_scaling": None}))
    assert "has null; remove it" in told(asked(path))[0]
    check_origin(asked(path, rope_scaling=None, head_width=16))


DAMAGE: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda path: (path / "config.json").unlink(), "cannot be read (No such file or directory)"),
    "half a configuration": (lambda path: (path / "config.json").write_text("{"), "is not JSON"),
    "no weights": (lambda path: (path / "model.safetensors").unlink(), "neither model.safetensors.index.json nor"),
    "no safetensors": (lambda path: (path / "model.safetensors").write_text("x"), "is not a safetensors file"),
    "no tokenizer": (lambda path: (path / "tokenizer.json").unlink(), "has no tokenizer.json"),
    "other weights": (
        lambda path: describe(folder(path, SHAPE.model_copy(update={"layers": 1}))),
        "model.layers.1.input_layernorm.weight (and 8 more) is absent, not (64,)",
    ),
    "no end": (lambda path: describe(path, eos_token_id=None), "has an eos_token_id; add it"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: str) -> None:
    path = folder(tmp_path)
    act, words = DAMAGE[damage]
    act(path)
    (found,) = told(asked(path))
    assert found.startswith(f"training.model.from: {path}")
    assert words in found


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "mixtral"}, "model_type 'mixtral'"),
        ({"attention_bias": True}, "attention_bias True"),
        ({"rope_scaling": {"type": "yarn", "factor": 2.0}}, "rope_type 'yarn'"),
        ({"sliding_window": 512}, "sliding_window 512"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"hidden_act": "gelu", "mlp_bias": True}, "mlp_bias True; hidden_act 'gelu'"),
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, config: dict[str, object], words: str) -> None:
    with pytest.raises(UnknownModelError) as refused:
        read_spec(describe(tmp_path, SHAPE, **config))
    assert words in str(refused.value)


def test_a_window_that_is_switched_off_is_none(tmp_path: Path) -> None:
    assert read_spec(describe(tmp_path, sliding_window=512, use_sliding_window=False)) == SHAPE


@pytest.mark.parametrize(
    "spec",
    [
        SHAPE,
        SHAPE.model_copy(update={"head_width": 24, "qk_norm": True, "tie_embeddings": False, "norm_epsilon": 1e-6}),
    ],
)
def test_a_configuration_is_read_as_it_was_written(tmp_path: Path, spec: ModelSpec) -> None:
    assert read_spec(folder(tmp_path, spec)) == spec


def test_the_tensors_of_a_folder_are_all_parameters() -> None:
    for changes in ({}, {"head_width": 24, "qk_norm": True}, {"tie_embeddings": False}):
        spec = SHAPE.model_copy(update=changes)
        assert sum(prod(shape) for shape in tensor_shapes(spec).values()) == spec.parameters
