"""Names of AWS without a row of penstock's: what is said of them, and that the lists are botocore's."""

import re
import tomllib
from pathlib import Path

import botocore.session
import pytest
from botocore.model import StringShape

from providers.aws import known_names
from providers.aws.catalog import machines
from providers.aws.known_names import machine_type_problem, region_problem
from providers.aws.regions import regions

NAMES = tomllib.loads(Path(known_names.__file__).with_suffix(".toml").read_text())
SESSION = botocore.session.get_session()


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("c5.large", {"c7i", "c7g", "c8g"}),
        ("c6gn.16xlarge", {"c7i", "c7g", "c8g"}),
        ("m6i.4xlarge", {"m7i", "m7a", "m7g", "m8g"}),
        ("r6i.large", {"r7i", "r7g"}),
        ("i4i.large", {"c7i", "c7g", "c8g", "m7i", "m7a", "m7g", "m8g", "r7i", "r7g", "t3", "t4g"}),
        ("t3.medium", {"t3"}),
        ("p3.16xlarge", {"p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200"}),
        ("g6.metal", {"g6"}),
        ("g4dn.metal", {"g4dn"}),
        ("g3.8xlarge", {"g4dn", "g5", "g6", "g6e", "g7e"}),
    ],
)
def test_a_type_without_a_row_is_known_to_exist_and_gets_its_own_kind(name: str, offered: set[str]) -> None:
    message = machine_type_problem(name, machines())
    assert "not known to penstock" in message
    families = {one.partition(".")[0] for one in re.findall(r"[\w-]+\.\w+", message.partition("it knows")[2])}
    assert families
    assert families <= offered


def test_what_has_no_family_of_awss_is_no_machine_type() -> None:
    for name in ("z99.large", "this-machine", "q", "c5."):
        assert "is not a machine type of aws" in machine_type_problem(name, machines())
    assert "did you mean 'g6.2xlarge'" in machine_type_problem("g6.2large", machines())
    assert "did you mean 'g6e.xlarge'" in machine_type_problem("g6ee.xlarge", machines())


@pytest.mark.parametrize("name", ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eu-isoe-west-1", "eusc-de-east-1"])
def test_a_region_of_another_partition_is_said_to_be_one(name: str) -> None:
    message = region_problem(name, regions())
    assert "a partition of AWS" in message
    assert "did you mean" not in message


def test_a_region_that_is_newer_than_the_table_exists() -> None:
    assert "a region of AWS that is not known to penstock" in region_problem("mx-central-1", regions())
    assert "is not a region of AWS; did you mean 'us-east-2'" in region_problem("us-east-22", regions())


def test_the_lists_are_botocores() -> None:
    types = SESSION.get_service_model("ec2").shape_for("InstanceType")
    assert isinstance(types, StringShape)
    assert set(NAMES["families"]["names"]) >= {one.partition(".")[0] for one in types.enum}
    partitions = {one["name"]: one for one in NAMES["partitions"]}
    assert {*partitions, "aws"} >= set(SESSION.get_available_partitions())
    for name, partition in partitions.items():
        assert set(partition["regions"]) >= set(SESSION.get_available_regions("ec2", name))
    known = {*NAMES["new_regions"]["names"], *regions()}
    assert known >= set(SESSION.get_available_regions("ec2"))
    assert not set(NAMES["new_regions"]["names"]) & set(regions())


def test_all_regions_that_are_planned_are_of_the_partition_that_arns_and_hosts_are_built_for() -> None:
    """`arn:aws:` and `amazonaws.com` stand in policies, trusts and registries: right in the partition aws alone."""
    suffixes = {one["partition"]: one["dnsSuffix"] for one in SESSION.get_data("endpoints")["partitions"]}
    assert suffixes["aws"] == "amazonaws.com"
    assert {SESSION.get_partition_for_region(name) for name in regions()} == {"aws"}
