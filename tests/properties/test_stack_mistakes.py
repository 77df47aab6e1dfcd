"""Any stack file gets a spec or a list of problems as its answer, never a traceback."""

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.engine_yaml import YamlError, read_yaml
from components.errors import SpecError
from components.spec.stack import StackSpec, parse_stack
from components.spec.training import ModelSpec
from penstock.__main__ import main
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.properties.stack_cases import Case, read_cases, told_by_plan, told_of

CASES = read_cases()
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


@pytest.mark.parametrize("kind", dict.fromkeys(case.kind for case in CASES))
def test_each_wrong_file_is_told_in_one_message_with_path_value_and_remedy(kind: str, stack_file: Path) -> None:
    wrong = {}
    for case in (case for case in CASES if case.kind == kind):
        told = [text.replace(str(Path.home()), "HOME") for text in told_of(case.text, case.stack, stack_file)]
        if len(told) != len(case.told) or not all(map(str.startswith, told, case.told)):
            wrong[f"{case.place} {case.raw}"] = {"told": told, "expected": case.told}
    assert wrong == {}


@pytest.mark.parametrize("case", CASES[::17], ids=lambda case: f"{case.kind} {case.raw}"[:60])
def test_the_command_says_the_same_and_ends_with_its_status(
    case: Case, stack_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = stack_file.with_name(f"Pulumi.{case.stack}.yaml")
    file.write_text(case.text)
    monkeypatch.setattr(sys, "argv", ["penstock", "plan", str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == (0 if case.is_right else 1)
    said = capsys.readouterr()
    assert bool(said.out) == case.is_right
    assert all(text in said.err.replace(str(Path.home()), "HOME") for text in case.told)
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe\x00", "is not UTF-16"),
        (b"config: {penstock:cluster: {cloud: l\xf6cal}}", "line 1: byte 0xf6 is not UTF-8; save the file as UTF-8"),
        (b"config: {penstock:cluster: {cloud: \x01}}", "line 1: U+0001 is a control character; remove it"),
        (b"config: {penstock:cluster: " + b"[" * 2000 + b"]" * 2000 + b"}", "nested too deep"),
        (
            b"config: {penstock:cluster: " + b"[" * 150 + b"]" * 150 + b"}",
            "penstock:cluster: lists and mappings are nested",
        ),
        (b"config: {penstock:cluster: " + b"[" * 100_000, "nested too deep"),
        (
            b"config: {penstock:cluster: {cloud: '" + b"x" * 1_000_000 + b"'}}",
            "... (1000000 characters)' is not one of",
        ),
        (b"\x00", "is a control character"),
        ("config: {penstock:cluster: {cloud: löcal}}".encode("utf-16"), "'löcal' is not one of"),
        (b"\xef\xbb\xbfconfig: {penstock:cluster: {cloud: locl}}", "'locl' is not one of"),
        (b'config: {penstock:cluster: {cloud: "\\uD800"}}', "line 1, column"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_no_bytes_are_too_strange_for_a_message(content: bytes, expected: str, stack_file: Path) -> None:
    stack_file.write_bytes(content)
    told = told_by_plan(stack_file)
    assert expected in "\n".join(told)
    assert all(len(text) < 300 for text in told)


def test_aliases_that_repeat_without_end_are_refused_at_once() -> None:
    steps = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]\n" for n in range(1, 12))
    with pytest.raises(YamlError, match="aliases repeat too much"):
        read_yaml(f"b0: &b0 [x]\n{steps}".encode())


def test_what_only_the_engine_can_read_or_passes_over_is_a_warning(stack_file: Path) -> None:
    cluster = "penstock:cluster: {cloud: local, nodePools: [{name: here, machineType: this-machine}]}"
    stack_file.write_text(
        f"config:\n  {cluster}\n  penstock:training: {{seed: {{secure: abc}}, steps: 7}}\n--- \nmore: 1\n"
    )
    spec = read_path(stack_file)
    assert spec.training is not None
    assert (spec.training.seed, spec.training.steps) == (1, 7)
    encrypted, documents = plan_stack(spec, "case", NOW).warnings
    assert encrypted.startswith("penstock:training.seed: is encrypted, which only the engine can read")
    assert "more than one YAML document" in documents
    stack_file.write_text("config: {penstock:cluster: {cloud: local, nodePools: {secure: abc}}}")
    (told,) = told_by_plan(stack_file)
    assert told.startswith("penstock:cluster.nodePools: is encrypted, which only the engine can read, and no plan can")


def test_a_key_without_prefix_is_the_projects_own_as_for_the_engine(stack_file: Path) -> None:
    stack_file.write_text("config: {cluster: {cloud: local, nodePools: [{name: here, machineType: this-machine}]}}")
    assert told_by_plan(stack_file) == []
    stack_file.with_name("Pulumi.yaml").write_text("{name: team, runtime: python}")
    (told,) = told_by_plan(stack_file)
    assert told == "config.cluster: without a prefix it is the project's own ('team:cluster'); write 'penstock:cluster'"


@pytest.mark.parametrize("name", ["with space", "ünï", "-dash", "a" * 101, ""])
def test_a_name_that_pulumi_takes_for_no_stack_is_refused(name: str, stack_file: Path) -> None:
    stack_file.write_text(CASES[0].text.replace("steps: ten", "steps: 5"))
    with pytest.raises(SpecError, match=r"stack: .* is not a name that Pulumi takes") as caught:
        plan_stack(read_path(stack_file), name, NOW)
    assert len(caught.value.problems) == 1


def test_two_rules_for_a_name_are_told_as_one(stack_file: Path) -> None:
    stack_file.write_text(next(case.text for case in CASES if case.place == "aws.cluster" and case.is_right))
    for name in ("with space", "A" * 40):
        with pytest.raises(SpecError) as caught:
            plan_stack(read_path(stack_file), name, NOW)
        assert [problem.path for problem in caught.value.problems] == ["stack"]


def test_the_schema_judges_keys_as_the_plan_does(repository: Path) -> None:
    schema = json.loads((repository / "docs" / "stack.schema.json").read_text())
    cluster = GOOD["penstock:cluster"]
    for key in ("penstok:inference", "inference", "penstock:inferense", "Penstock:cluster", "penstock.inference"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"config": {"penstock:cluster": cluster, key: {}}}, schema)
    for key in (
        "aws:region",
        "kubernetes:cluster",
        "openstack:cluster",
        "penstock-team:inference",
        "mine",
        "pulumi:tags",
    ):
        jsonschema.validate({"config": {"penstock:cluster": cluster, key: {}}}, schema)
    snake = {"penstock:cluster": cluster, "penstock:training": {"model": {"kv_heads": 2}}}
    with pytest.raises(jsonschema.ValidationError, match="kv_heads"):
        jsonschema.validate({"config": snake}, schema)
