"""Whatever stands in a stack file, the answer is a spec or a list of mistakes, never a traceback."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.errors import SpecError
from components.spec.stack import StackSpec, parse_stack
from components.spec.training import ModelSpec

GOOD: dict[str, Any] = {
    "penstock:cluster": {"cloud": "local", "nodePools": [{"name": "here", "machineType": "this-machine"}]},
    "penstock:storage": {"volume": {"path": "/data", "onDestroy": "keep"}},
    "penstock:scheduler": {"kind": "process"},
    "penstock:training": {
        "steps": 5,
        "model": {"layers": 2, "width": 64, "heads": 4},
        "batch": {"sequences": 8, "microSequences": 4},
        "optimizer": {"learningRate": 0.001, "schedule": "cosine"},
    },
    "penstock:inference": {"port": 8000, "model": {"fromTraining": "latest"}},
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside, the whole left out."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, child in children for found in [(*path, key), *places(child, (*path, key))]]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def read(config: dict[str, Any]) -> StackSpec | None:
    """The spec, or None after a look at the mistakes; any other exception fails the test."""
    try:
        return parse_stack(config, "x")
    except SpecError as error:
        mistakes = error.problems
    assert mistakes
    assert all(mistake.path and mistake.message for mistake in mistakes)
    return None


def test_the_starting_point_has_no_mistake() -> None:
    assert read(GOOD) is not None


@given(st.sampled_from(places(GOOD)), json_values)
def test_any_value_in_any_place_is_taken_or_explained(place: tuple[Any, ...], value: Any) -> None:
    spec = read(replaced(GOOD, place, value))
    if spec is None:
        return
    assert parse_stack(_dumped(spec), "x") == spec, "what was read is written and read again the same"


@given(st.sampled_from(places(GOOD)), st.text(min_size=1, max_size=6))
def test_a_key_nobody_knows_is_always_refused(place: tuple[Any, ...], key: str) -> None:
    value: Any = GOOD
    for step in place:
        value = value[step]
    if isinstance(value, dict) and key not in value:
        grown = read(replaced(GOOD, place, {**value, key: 1}))
        assert grown is None or key in _known_keys(grown)


@given(st.integers(1, 12), st.integers(1, 8), st.integers(1, 8), st.integers(4, 16), st.booleans())
def test_the_parameter_count_is_that_of_the_shape(
    layers: int, kv_heads: int, groups: int, half_head: int, tied: bool
) -> None:
    heads = kv_heads * groups
    width = heads * 2 * half_head
    model = ModelSpec(layers=layers, width=width, heads=heads, kv_heads=kv_heads, tie_embeddings=tied)
    attention = 2 * width * width + 2 * width * kv_heads * 2 * half_head
    block = attention + 3 * width * model.hidden_width + 2 * width
    embeddings = (1 if tied else 2) * model.vocabulary * width
    assert model.parameters == layers * block + width + embeddings


def _dumped(spec: StackSpec) -> dict[str, Any]:
    content = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {f"penstock:{key}": value for key, value in content.items()}


def _known_keys(spec: StackSpec) -> str:
    return str(spec.model_dump(mode="json", by_alias=True))
