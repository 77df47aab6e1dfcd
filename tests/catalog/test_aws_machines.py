"""The rows of AWS's machine types and regions: canonical, and as EC2's own data has them (moto, botocore)."""

import gzip
import inspect
import json
import re
import textwrap
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import StringShape
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from components.fabric import Fabric
from components.spec.scheduler import SchedulerKind
from providers.aws.catalog import AwsMachine, CapacityKind, FabricFamily, QuotaFamily, _rows, catalog, machines
from providers.aws.nodes.binding import ami_type
from providers.aws.nodes.interfaces import interfaces
from providers.aws.regions import regions
from rehearsal.providers.aws.moto_oracle import LOCAL_ZONES

FOLDER = Path(inspect.getfile(AwsMachine)).parent
KEYS = (
    "arch", "vcpus", "memory_gib", "accelerator", "accelerator_count", "nvme_gb", "cards", "efa_cards", "max_efa",
    "lustre_interfaces", "fabric_gbps", "fabric_family", "gdr", "addresses_per_interface", "network_layers",
    "quota_family", "capacity", "burstable", "ultra_server", "compute_domain", "kubernetes", "usd_per_hour", "zones",
)  # fmt: skip

NOT_IN_MOTO = {"p6e-gb200.36xlarge": "moto's copy of EC2's data has no UltraServer of it; botocore knows the name"}
WITHOUT_CHIPS = {"trn2u.48xlarge": "moto's copy has no NeuronInfo for it; trn2.48xlarge is the same machine"}
CHIPS = {"RTX PRO Server 6000": "rtx-pro-6000"}
"""EC2's name of a chip -> the row of accelerators.toml, where that is not the same in lower case."""
OTHER_MEMORY = {
    "trainium2": "EC2 says 512 GiB a chip; AWS Neuron's pages say 96, and 16 chips in trn2.48xlarge have 1.5 TB",
    "a10g": "EC2 says what the driver leaves, 22888 MiB of 24 GiB",
    "l4": "EC2 says what the driver leaves, 22888 MiB of 24 GiB",
    "l40s": "EC2 says what the driver leaves, 45776 MiB of 48 GiB",
    "b200": "EC2 says what the driver leaves, 183359 MiB of 180 GiB",
}
OTHER_GBPS = {"p6-b200.48xlarge": "EC2's cards say 200 Gbps, which is what addresses get; EFA gets 400 of each"}
UNKNOWN_ZONES = {"euw2-az4": "offered there by EC2's data, which does not list the zone in its region"}
ROWS = [name for name in machines() if name not in NOT_IN_MOTO]


@cache
def resource(path: str) -> Any:
    return json.loads(gzip.decompress(files("moto.ec2").joinpath("resources", path).read_bytes()))


def ec2(name: str) -> Any:
    return resource("instance_types.json.gz")[name]


def chips_of(name: str) -> dict[str, Any] | None:
    row = ec2(name)
    found = row.get("GpuInfo", {}).get("Gpus") or row.get("NeuronInfo", {}).get("NeuronDevices")
    return found[0] if found else None


@cache
def words(service: str, shape: str) -> frozenset[str]:
    """The values that botocore's model has for a closed set."""
    found = botocore.session.get_session().get_service_model(service).shape_for(shape)
    assert isinstance(found, StringShape)
    return frozenset(found.enum)


# The files


def test_rows_and_their_keys_stand_in_order() -> None:
    tables = tomllib.loads((FOLDER / "machine_types.toml").read_text())
    assert list(tables) == sorted(tables)
    for name, table in tables.items():
        assert list(table) == [key for key in KEYS if key in table], name


def test_the_file_of_machine_types_is_canonical() -> None:
    text = (FOLDER / "machine_types.toml").read_text()
    head, _, rows = text.partition("\n\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert rows == "\n\n".join(written(name, row) for name, row in tomllib.loads(text).items()) + "\n"


def written(name: str, row: Mapping[str, Any]) -> str:
    return "\n".join([f'["{name}"]', *(f"{key} = {value_of(key, row[key])}" for key in row)])


def value_of(key: str, value: Any) -> str:
    if key == "cards":
        items = [
            f"{{ count = {c['count']}, interfaces = {c['interfaces']}, efa = {json.dumps(c['efa'])} }}" for c in value
        ]
        return f"[{items[0]}]" if len(items) == 1 else listed(items, each=True, key=key)
    if isinstance(value, list):
        return listed([json.dumps(item) for item in value], each=False, key=key)
    return json.dumps(value)


def listed(items: list[str], *, each: bool, key: str) -> str:
    line = f"[{', '.join(items)}]"
    if len(f"{key} = {line}") <= 120:
        return line
    if each:
        return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
    wrapped = textwrap.wrap(
        ", ".join(items) + ",", 120, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
    return "[\n" + "\n".join(wrapped) + "\n]"


def test_lists_in_rows_are_sorted() -> None:
    for machine in machines().values():
        assert list(machine.zones) == sorted(set(machine.zones)), machine.name
        assert list(machine.capacity) == sorted(set(machine.capacity)), machine.name


def test_the_file_of_regions_is_canonical() -> None:
    text = (FOLDER / "regions.toml").read_text()
    tables = tomllib.loads(text)
    assert list(tables) == sorted(tables)
    for name, table in tables.items():
        assert list(table) == sorted(table, key=lambda zone: (zone.startswith("-"), zone)), name


# Against EC2's data


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_what_ec2_says_of_the_machine(name: str) -> None:
    machine, row = machines()[name], ec2(name)
    network = row["NetworkInfo"]
    assert [machine.arch] == row["ProcessorInfo"]["SupportedArchitectures"]
    assert machine.cores == row["VCpuInfo"]["DefaultVCpus"]
    assert machine.memory_gib == row["MemoryInfo"]["SizeInMiB"] / 1024
    assert machine.nvme_gb == row.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0)
    assert machine.addresses_per_interface == network["Ipv4AddressesPerInterface"]
    assert machine.max_efa == network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0)
    assert [(card.interfaces, card.efa) for card in machine.cards] == [
        (card["MaximumNetworkInterfaces"], "efa-only" in card["InterfaceTypes"]) for card in network["NetworkCards"]
    ]
    assert machine.burstable == row["BurstablePerformanceSupported"]
    assert machine.burstable != ("cluster" in row["PlacementGroupInfo"]["SupportedStrategies"])


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_how_the_machine_is_to_be_had(name: str) -> None:
    classes = set(ec2(name)["SupportedUsageClasses"])
    reserved = {"on-demand": {CapacityKind.ON_DEMAND, CapacityKind.RESERVATION}}
    kinds = reserved | {"spot": {CapacityKind.SPOT}, "capacity-block": {CapacityKind.CAPACITY_BLOCK}}
    assert set(machines()[name].capacity) == {kind for usage in classes for kind in kinds[usage]}


@pytest.mark.parametrize("name", [name for name in ROWS if name not in WITHOUT_CHIPS])
def test_a_row_has_the_chips_that_ec2_says(name: str) -> None:
    machine, chip = machines()[name], chips_of(name)
    if chip is None:
        assert machine.accelerator is None
        assert machine.accelerator_count == 0
        return
    assert machine.accelerator is not None
    assert machine.accelerator_count == chip["Count"]
    assert machine.accelerator.name.removesuffix("-40gb").removesuffix("-80gb") == CHIPS.get(
        chip["Name"], chip["Name"].lower()
    )
    memory_gib = chip["MemoryInfo"]["SizeInMiB"] / 1024
    same = int(memory_gib) == machine.accelerator.memory_gib
    assert same != (machine.accelerator.name in OTHER_MEMORY)


@pytest.mark.parametrize("name", [name for name in ROWS if machines()[name].max_efa])
def test_a_row_says_how_fast_the_fabric_is(name: str) -> None:
    machine, network = machines()[name], ec2(name)["NetworkInfo"]
    times, gbps = re.fullmatch(r"(?:(\d+)x )?(\d+) Gigabit", network["NetworkPerformance"]).groups()  # type: ignore[union-attr]  # fails as it should
    assert machine.fabric_gbps == int(times or 1) * int(gbps)
    cards = {
        int(card["PeakBandwidthInGbps"]) for card in network["NetworkCards"] if "efa-only" in card["InterfaceTypes"]
    }
    of_cards = max(cards) * machine.max_efa
    assert (of_cards < machine.fabric_gbps and machine.max_efa > 1) == (name in OTHER_GBPS)


def test_what_differs_is_really_so() -> None:
    assert not set(NOT_IN_MOTO) & set(resource("instance_types.json.gz"))
    for name in WITHOUT_CHIPS:
        assert chips_of(name) is None
        assert machines()[name].accelerator == machines()["trn2.48xlarge"].accelerator


@pytest.mark.parametrize("name", ROWS)
def test_a_row_names_the_zones_that_offer_it(name: str) -> None:
    machine = machines()[name]
    there = {
        (region, offer["Location"])
        for region in regions()
        for offer in resource(f"instance_type_offerings/availability-zone-id/{region}.json.gz")
        if offer["InstanceType"] == name and offer["Location"] not in UNKNOWN_ZONES
    }
    told = {
        (region.name, region.zone_ids.get(zone, zone))
        for region in regions().values()
        for zone in machine.zones_in(region)
    }
    assert told == there
    assert set(machine.regions()) == {region for region, _ in there}


def test_regions_have_the_zones_that_the_simulation_knows() -> None:
    for name, region in regions().items():
        known = {zone.name: zone.zone_id for zone in RegionsAndZonesBackend.zones[name]}
        assert region.zone_ids == known | LOCAL_ZONES.get(name, {})


# What no API tells


def test_names_are_botocores() -> None:
    assert set(machines()) <= words("ec2", "InstanceType")


@pytest.mark.parametrize("name", machines())
def test_the_image_has_the_machines_architecture_and_is_one_of_ekss(name: str) -> None:
    machine = machines()[name]
    image = ami_type(machine)
    assert image in words("eks", "AMITypes")
    assert ("ARM_64" in image) == (machine.arch == "arm64")
    vendor = machine.accelerator.vendor if machine.accelerator else ""
    assert image.endswith({"nvidia": "_NVIDIA", "aws": "_NEURON", "": "_STANDARD"}[vendor])


def test_only_the_p4_machines_keep_their_fabric_to_themselves() -> None:
    alone = [machine.name for machine in machines().values() if machine.fabric_family is FabricFamily.P4]
    assert alone == ["p4d.24xlarge", "p4de.24xlarge"]


def test_machines_that_need_gdr_have_a_fabric() -> None:
    for machine in machines().values():
        assert not machine.gdr or machine.fabric is Fabric.EFA, machine.name


def test_quota_families_follow_the_names() -> None:
    for machine in machines().values():
        letters = re.match(r"(p4|p5|p6|g(?=r?\d)|trn|inf)", machine.name)
        expected = QuotaFamily(letters[1]) if letters else QuotaFamily.STANDARD
        assert machine.quota_family is expected, machine.name


def test_prices_are_those_of_machines_with_a_list_price() -> None:
    unknown = {machine.name for machine in machines().values() if machine.usd_per_hour is None}
    without = {"p5e.48xlarge", "p6e-gb200.36xlarge", "trn2.3xlarge", "trn2.48xlarge", "trn2u.48xlarge"}
    assert unknown == without
    for machine in machines().values():
        if machine.usd_per_hour is not None:
            assert 0 < machine.usd_per_hour / machine.cores < 1, machine.name


def test_a_machine_type_is_a_row_and_nothing_else() -> None:
    """No code of nodes names one, so a new one needs none."""
    sources = [FOLDER / "catalog.py", FOLDER / "regions.py", *FOLDER.joinpath("nodes").glob("*.py")]
    assert len(sources) > 10
    for source in sources:
        assert not re.findall(r"\b[a-z][-a-z0-9]*\.(?:\d*xlarge|large|metal)\b", source.read_text()), source.name


def test_a_new_row_is_a_new_machine_type() -> None:
    """One that the catalog has not: g5g, with an ARM processor."""
    row = """
        ["g5g.metal"]
        arch = "arm64"
        vcpus = 64
        memory_gib = 128
        cards = [{ count = 1, interfaces = 15, efa = true }]
        max_efa = 1
        fabric_gbps = 25
        addresses_per_interface = 50
        quota_family = "g"
        capacity = ["onDemand", "spot"]
        zones = ["use2"]
    """
    ((name, machine),) = _rows(tomllib.loads(row))
    assert name == machine.name == "g5g.metal"
    assert machine.regions() == ("us-east-2",)
    assert len(interfaces(machine, fabric=True)) == 2
    assert ami_type(machine) == "AL2023_ARM_64_STANDARD"


def test_a_row_with_an_unknown_key_is_an_error() -> None:
    table = tomllib.loads((FOLDER / "machine_types.toml").read_text())["m7i.large"]
    with pytest.raises(TypeError, match="colour"):
        dict(_rows({"m7i.large": table | {"colour": "red"}}))


def test_the_catalog_says_what_it_is() -> None:
    assert catalog().cloud == "aws"
    assert set(catalog().capabilities.schedulers) == set(SchedulerKind) - {SchedulerKind.PROCESS}
    assert catalog().machine_types == machines()
