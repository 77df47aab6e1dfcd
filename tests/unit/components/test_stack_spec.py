"""Mistakes of a user, and the message for each."""

import json
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from components.errors import SpecError
from components.spec.stack import parse_stack, stack_schema
from providers import clouds
from tests.clouds import CLOUDS_IN_WORDS

POOL = {"name": "here", "machineType": "this-machine"}
CLUSTER = {"cloud": "local", "nodePools": [POOL]}


def config(**parts: Any) -> dict[str, Any]:
    return {"penstock:" + key: value for key, value in {"cluster": CLUSTER, **parts}.items()}


def problems(**parts: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_stack(config(**parts), "Pulumi.x.yaml", clouds())
    return [str(problem) for problem in caught.value.problems]


def test_a_whole_stack_is_read() -> None:
    spec = parse_stack(config(training={"steps": 7, "model": {"kvHeads": 1}}, inference={}), "x", clouds())
    assert spec.training is not None
    assert spec.training.steps == 7
    assert spec.training.model.kv_heads == 1
    assert spec.inference is not None
    assert spec.inference.host == "127.0.0.1"


@pytest.mark.parametrize("mirror", ["mirror.example/hub/", "mirror.example:5000", "localhost/hub", "mirror:5000/a_b/c"])
def test_names_of_registries_are_mirrors(mirror: str) -> None:
    found = parse_stack(config(platform={"registryMirror": mirror}), "x", clouds())
    assert found.platform.registry_mirror == mirror


def test_keys_of_other_programs_are_passed_over() -> None:
    assert parse_stack(config() | {"aws:region": "us-east-2"}, "x").cluster.cloud == "local"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"trainig": {}}, "penstock:trainig: unknown key; did you mean 'penstock:training'?"),
        ({"training": {"stepz": 5}}, "training.stepz: unknown key; did you mean 'steps'?"),
        ({"training": {"model": {"layer": 5}}}, "training.model.layer: unknown key; did you mean 'layers'?"),
        (
            {"platform": {"registryMirror": "https://mirror.example/hub"}},
            "platform.registryMirror: 'https://mirror.exam",
        ),
        ({"platform": {"registryMirror": "mirror"}}, "platform.registryMirror: 'mirror' is not the name of a registry"),
        ({"training": {"steps": "ten"}}, "training.steps: 'ten' is not a whole number"),
        ({"training": {"steps": 1.5}}, "training.steps: 1.5 is not a whole number"),
        ({"training": {"steps": 0}}, "training.steps: 0 is out of range; 1 or more is right"),
        ({"training": {"nodes": -2}}, "training.nodes: -2 is out of range; 1 or more is right"),
        ({"training": {"compileBlocks": "yes"}}, "training.compileBlocks: 'yes' is not true or false"),
        ({"training": {"model": 3}}, "training.model: 3 is not a mapping of keys to values"),
        (
            {"training": {"precision": "fp23"}},
            "training.precision: 'fp23' is not one of 'fp32' or 'bf16'; did you mean 'fp32'?",
        ),
        ({"training": {"model": {"heads": 3}}}, "training.model.width: 128 is not a multiple of heads (3)"),
        (
            {"training": {"model": {"kvHeads": 3}}},
            "training.model.heads: 4 is not a multiple of kvHeads (3)",
        ),
        (
            {"training": {"batch": {"sequences": 2}}},
            "training.batch.microSequences: 8 is more than batch.sequences (2)",
        ),
        ({"training": {"parallel": {"shardRanks": 2}}}, "training.parallel.shardRanks: is only for sharding: hsdp"),
        ({"training": {"lora": {}}}, "training.lora: trains adapters of a model that is there; give model.from"),
        (
            {"training": {"model": {"from": "/m"}, "lora": {"rank": 128}}},
            "training.lora.rank: 128 is more than the smaller side of k_proj, 64; lower it",
        ),
        (
            {"training": {"model": {"from": "/m"}, "lora": {"targets": ["q_proj", "q_proj"]}}},
            "training.lora.targets: q_proj stands there twice; remove one",
        ),
        (
            {"training": {"model": {"from": "/m"}, "lora": {"targets": ["query"]}}},
            "training.lora.targets.0: 'query' is not one of 'q_proj'",
        ),
        (
            {"training": {"data": {"text": {"files": "/x", "column": "talk"}}}},
            "training.data.text.column: is for format: jsonl, parquet or chat",
        ),
        ({"training": {"nodes": 1, "minNodes": 2}}, "training.minNodes: 2 is more than nodes (1)"),
        ({"inference": {"port": 80}}, "inference.port: 80 is out of range; 1024 or more is right"),
        ({"inference": {"port": 70000}}, "inference.port: 70000 is out of range; 65535 or less is right"),
        (
            {"inference": {"model": {"fromTraining": "latest", "path": "/x"}}},
            "inference.model: give exactly one of fromTraining, path and huggingFace",
        ),
        ({"storage": {"volume": {"onDestroy": "kep"}}}, "did you mean 'keep'?"),
        (
            {"cluster": {"cloud": "locl", "nodePools": [POOL]}},
            f"cluster.cloud: 'locl' is not one of {CLOUDS_IN_WORDS}; did you mean 'local'?",
        ),
        ({"cluster": {"cloud": "local", "nodePools": []}}, "cluster.nodePools: needs at least 1 entry"),
        ({"cluster": {"cloud": "local"}}, "cluster.nodePools: is required and missing"),
        (
            {"cluster": {"cloud": "local", "nodePools": [POOL | {"count": -1}]}},
            "cluster.nodePools.here.count: -1 is out of range; 0 or more is right",
        ),
        (
            {"cluster": {"cloud": "local", "nodePools": [POOL | {"name": "Big Pool"}]}},
            "'Big Pool' is not a name: lower-case letters, digits and dashes",
        ),
        ({"cluster": {"cloud": "local", "nodePools": [POOL, POOL]}}, "the name 'here' is given to more than one pool"),
    ],
)
def test_a_mistake_has_path_value_and_remedy(parts: dict[str, Any], expected: str) -> None:
    (problem,) = problems(**parts)
    assert expected in problem


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(training={"steps": 0, "stepz": 1, "model": {"layers": "x"}}, inference={"port": 1})
    assert len(found) == 4


def test_the_message_names_the_file_and_that_nothing_was_created() -> None:
    with pytest.raises(SpecError, match=r"Pulumi\.x\.yaml: 1 problem, nothing was created"):
        parse_stack(config(inference={"port": 1}), "Pulumi.x.yaml")


def test_the_schema_is_valid_and_judges_as_the_parser_does() -> None:
    schema = stack_schema(clouds())
    Draft202012Validator.check_schema(schema)
    jsonschema.validate({"config": config(training={"steps": 5})}, schema)
    with pytest.raises(jsonschema.ValidationError, match="stepz"):
        jsonschema.validate({"config": config(training={"stepz": 5})}, schema)


def test_the_schema_documents_fields_for_editors() -> None:
    text = json.dumps(stack_schema(clouds()))
    assert "Raised later, the run continues from its last checkpoint" in text
