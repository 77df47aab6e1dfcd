"""The schema that editors read: texts, completions, and the same verdict as penstock's own."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jsonschema import Draft202012Validator

from components.errors import SpecError
from components.platform.catalog import ADDONS
from penstock.schema import editor_schema
from providers import MODULES, load
from stacks.config import read_path

ROOT = Path(__file__).parents[3]
STACKS = sorted([*ROOT.glob("stacks/Pulumi.*.yaml"), *ROOT.glob("tests/golden/*/stack.yaml")])
POOL = {"name": "train", "machineType": "p5.48xlarge"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return editor_schema()


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def parts(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside; a key of the stack file that is called like a keyword is none."""
    yield path, schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for name, part in schema.get(keyword, {}).items():
            yield from parts(part, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from parts(schema[keyword], f"{path}[]")
    for part in schema.get("anyOf", []) + schema.get("oneOf", []):
        yield from parts(part, path)


def test_every_key_has_a_text(schema: dict[str, Any]) -> None:
    keys = [(f"{path}.{name}", key) for path, part in parts(schema) for name, key in part.get("properties", {}).items()]
    assert len(keys) > 250
    without = [path for path, key in keys if len(key.get("description", "")) < 4]
    assert without == []


def test_no_title_is_made_of_a_keys_letters(schema: dict[str, Any]) -> None:
    assert [path for path, part in parts(schema) if isinstance(part.get("title"), str) and path] == []


def test_no_text_speaks_of_penstocks_own_folders(schema: dict[str, Any]) -> None:
    texts = [(path, part.get("description", "")) for path, part in parts(schema)]
    assert [(path, text) for path, text in texts if "providers/" in text or "components/" in text] == []


def test_times_are_checked_as_times(schema: dict[str, Any]) -> None:
    definitions = schema["$defs"]
    assert definitions["CapacityBlock"]["properties"]["startsAt"]["format"] == "date-time"
    assert definitions["CapacityBlock"]["properties"]["endsAt"]["format"] == "date-time"
    assert {"format": "date-time", "type": "string"} in definitions["ClusterSpec"]["properties"]["expiresAt"]["anyOf"]


def offered(schema: dict[str, Any], definition: str, key: str) -> list[str]:
    return list(schema["$defs"][definition]["properties"][key]["anyOf"][0]["enum"])


def machine_names(cloud: str) -> list[str]:
    """The machine types in the cloud's rows, those of its catalog where it has no rows."""
    rows = ROOT / "providers" / cloud / "machine_types.toml"
    return list(tomllib.loads(rows.read_text()) if rows.exists() else load(cloud).catalog().machine_types)


def region_names(cloud: str) -> list[str]:
    """The same of its regions."""
    rows = ROOT / "providers" / cloud / "regions.toml"
    return list(tomllib.loads(rows.read_text()) if rows.exists() else load(cloud).catalog().regions)


def test_names_are_those_of_the_rows(schema: dict[str, Any]) -> None:
    machines = offered(schema, "NodePoolSpec", "machineType")
    assert sorted(machines) == sorted(name for cloud in MODULES for name in machine_names(cloud))
    assert set(offered(schema, "ClusterSpec", "region")) == {name for cloud in MODULES for name in region_names(cloud)}
    addons = schema["$defs"]["PlatformSpec"]["properties"]["addons"]
    assert set(addons["properties"]) == set(ADDONS)
    assert len({str(part["description"]) for part in addons["properties"].values()}) == len(ADDONS)
    assert offered(schema, "MachineSpec", "accelerator") == list(
        tomllib.loads((ROOT / "components" / "accelerators.toml").read_text())
    )


@pytest.mark.parametrize("path", STACKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_stack_of_the_repository_is_valid(path: Path, validator: Draft202012Validator) -> None:
    content = yaml.load(path.read_text(), Loader=_AsEditorsRead)  # noqa: S506 - a SafeLoader
    assert [error.message for error in validator.iter_errors(content)] == []


class _AsEditorsRead(yaml.SafeLoader):
    """YAML as language servers read it: a time is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - what the base class has
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def aws(**cluster: Any) -> dict[str, Any]:
    return {"penstock:cluster": {"cloud": "aws", "region": "us-east-2", "nodePools": [POOL], **cluster}}


RIGHT = {
    "plain": aws(),
    "a machine type of tomorrow": aws(nodePools=[POOL | {"machineType": "p9.48xlarge"}]),
    "an end": aws(expiresAt="2027-12-31T00:00:00Z"),
    "an add-on": aws() | {"penstock:platform": {"addons": {"loki": True, "keda": {"values": {"a": 1}}}}},
    "keys of others": aws() | {"aws:region": "us-east-2", "other:thing": 1},
}
WRONG = {
    "a month that is none": aws(expiresAt="2027-13-01T00:00:00Z"),
    "a day that is none": aws(expiresAt="2027-02-30T00:00:00Z"),
    "a word for a time": aws(expiresAt="tomorrow"),
    "a time without its zone": aws(expiresAt="2027-12-31T00:00:00"),
    "a number for a time": aws(expiresAt=1830000000),
    "snake case in a pool": aws(nodePools=[{"name": "train", "machine_type": "p5.48xlarge"}]),
    "snake case in the cluster": aws(budget_usd_per_hour=3),
    "snake case deep inside": aws() | {"penstock:training": {"batch": {"micro_sequences": 1}}},
    "snake case of a cloud": aws() | {"penstock:aws": {"control_plane": {}}},
    "a section misspelt": aws() | {"penstock:inferense": {}},
    "a prefix misspelt": aws() | {"penstok:training": {}},
    "no prefix": aws() | {"training": {}},
    "a key misspelt": aws() | {"penstock:training": {"stepz": 5}},
    "no machine type": aws(nodePools=[{"name": "train"}]),
    "no cluster": {"penstock:training": {}},
}


def refused(config: dict[str, Any], folder: Path) -> bool:
    """True where penstock refuses a stack file with that configuration, in a project of another name."""
    (folder / "Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    file = folder / "Pulumi.x.yaml"
    file.write_text(json.dumps({"config": config}))
    try:
        read_path(file)
    except SpecError:
        return True
    return False


@pytest.mark.parametrize("case", RIGHT)
def test_what_penstock_takes_the_editor_takes(case: str, validator: Draft202012Validator, tmp_path: Path) -> None:
    assert not refused(RIGHT[case], tmp_path)
    assert validator.is_valid({"config": RIGHT[case]})


@pytest.mark.parametrize("case", WRONG)
def test_what_penstock_refuses_the_editor_marks(case: str, validator: Draft202012Validator, tmp_path: Path) -> None:
    assert refused(WRONG[case], tmp_path)
    assert not validator.is_valid({"config": WRONG[case]})


def test_an_add_on_misspelt_is_marked(validator: Draft202012Validator) -> None:
    config = aws() | {"penstock:platform": {"addons": {"lokki": True}}}
    assert not validator.is_valid({"config": config})


def test_the_schema_beside_the_docs_is_current(schema: dict[str, Any]) -> None:
    written = json.loads((ROOT / "docs" / "stack.schema.json").read_text())
    assert written == schema, "run `make schema`"
