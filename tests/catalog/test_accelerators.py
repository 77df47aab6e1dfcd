"""The rows of chips: canonical, complete, believable."""

import tomllib
from pathlib import Path

import components
from components.catalog import accelerators

FILE = Path(components.__file__).parent / "accelerators.toml"


def test_rows_are_in_alphabetical_order() -> None:
    names = list(tomllib.loads(FILE.read_text()))
    assert names == sorted(names)


def test_every_row_has_every_field_and_no_other() -> None:
    assert len(accelerators()) == len(tomllib.loads(FILE.read_text()))


def test_values_are_in_the_range_of_real_chips() -> None:
    for chip in accelerators().values():
        assert 8 <= chip.memory_gib <= 512, chip.name
        assert (8 if chip.name == "t4" else 50) <= chip.bf16_tflops <= 10_000, chip.name


def test_a_drivers_name_means_one_chip() -> None:
    chips = accelerators().values()
    for chip in chips:
        assert [other.name for other in chips if other.is_called(f"NVIDIA {chip.reported}")] == [chip.name]
