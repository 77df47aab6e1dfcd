"""The Hugging Face folder that a run starts from: whether it is what the job describes, found without torch."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.errors import PenstockError, Problem, SpecError
from components.home import expand_home
from components.spec.training import ModelSpec
from workloads.model.hugging_face import (
    TOKENIZER,
    end_tokens,
    outer_name,
    read_ends,
    read_spec,
    tensor_shapes,
    tensors_of,
    weight_files,
)

FIELDS = (
    "layers",
    "width",
    "heads",
    "kv_heads",
    "head_size",
    "hidden_width",
    "vocabulary",
    "rope_base",
    "rope_scaling",
    "norm_epsilon",
    "qk_norm",
    "tie_embeddings",
)
"""Fields that have to be as in the folder; of sizes that follow from others, the one that is built."""
NAMES = {"head_size": "headWidth", "hidden_width": "mlpWidth"}
FROM = "training.model.from"


def origin_of(model: ModelSpec) -> Path | None:
    """The folder that a run starts from; None where it starts from random weights."""
    return None if model.from_folder is None else expand_home(model.from_folder)


def check_origin(model: ModelSpec) -> None:
    """SpecError with every reason why a run of this shape cannot start from its folder; nothing where there is none."""
    try:
        folder = origin_of(model)
    except ValueError as error:
        raise SpecError([Problem(path=FROM, message=str(error))]) from None
    if folder is None:
        return
    try:
        found = read_spec(folder)
        problems = list(_differences(model, found, folder)) or list(_lacks(model, folder))
    except PenstockError as error:
        problems = [Problem(path=FROM, message=str(error))]
    if problems:
        raise SpecError(problems)


def _differences(asked: ModelSpec, found: ModelSpec, folder: Path) -> Iterator[Problem]:
    for field in FIELDS:
        ours, theirs = getattr(asked, field), getattr(found, field)
        if ours != theirs:
            key = NAMES.get(field) or _key(field)
            message = f"{_written(ours)}, but the model in {folder} has {_written(theirs)}; {_remedy(theirs)}"
            yield Problem(path=f"training.model.{key}", message=message)
    if asked.context > found.context:
        message = f"{asked.context} is more than the {found.context} positions of the model in {folder}; lower it"
        yield Problem(path="training.model.context", message=message)


def _remedy(theirs: object) -> str:
    return "remove it" if theirs is None else f"set it to {_written(theirs)}"


def _key(field: str) -> str:
    alias = ModelSpec.model_fields[field].alias
    assert alias is not None
    return alias


def _written(value: object) -> str:
    """The value as in a stack file."""
    if isinstance(value, int | float | bool) or value is None:
        return json.dumps(value)
    return json.dumps(value.model_dump(by_alias=True)) if hasattr(value, "model_dump") else repr(value)


def _lacks(model: ModelSpec, folder: Path) -> Iterator[Problem]:
    """Problems of the folder's files, where config.json is as asked."""
    found = {name: shape for file in weight_files(folder) for name, shape in tensors_of(folder / file).items()}
    wanted = {outer_name(name): shape for name, shape in tensor_shapes(model).items()}
    wrong = [name for name, shape in wanted.items() if found.get(name) != shape]
    if wrong:
        has = found.get(wrong[0], "absent")
        message = f"{folder}: {wrong[0]}{_more(wrong)} is {has}, not {wanted[wrong[0]]}; bring the folder anew"
        yield Problem(path=FROM, message=message)
    if not (folder / TOKENIZER).is_file():
        message = f"{folder}: has no {TOKENIZER}; bring the folder anew, or have `transformers` write it"
        yield Problem(path=FROM, message=message)
    if not end_tokens(read_ends(folder)):
        message = f"{folder}: neither generation_config.json nor config.json has an eos_token_id; add it"
        yield Problem(path=FROM, message=message)


def _more(wrong: Sequence[str]) -> str:
    return f" (and {len(wrong) - 1} more)" if wrong[1:] else ""
