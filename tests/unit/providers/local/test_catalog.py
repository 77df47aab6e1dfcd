"""Offer of this machine, and the reading of a driver's listing."""

import os

import psutil
import pytest

from providers.local.catalog import catalog, memory_gib, parse_accelerators


def test_this_machine_is_one_row_of_what_the_process_may_use() -> None:
    (row,) = catalog().machine_types.values()
    assert row.name == "this-machine"
    assert row.cores == len(os.sched_getaffinity(0))
    assert 0 < row.memory_gib <= psutil.virtual_memory().total / 2**30
    assert row.memory_gib == memory_gib()


def test_a_known_chip_is_its_row_of_the_catalog() -> None:
    chip, count = parse_accelerators("NVIDIA H200, 143771\nNVIDIA H200, 143771\n")
    assert chip is not None
    assert (chip.name, chip.bf16_tflops, count) == ("h200", 989, 2)


def test_an_unknown_chip_goes_by_what_the_driver_says() -> None:
    chip, count = parse_accelerators("NVIDIA GeForce RTX 4070, 8188\n")
    assert chip is not None
    assert (chip.name, chip.memory_gib, count) == ("nvidia-geforce-rtx-4070", 7, 1)


@pytest.mark.parametrize("listing", ["", "No devices were found\n"])
def test_no_chip(listing: str) -> None:
    assert parse_accelerators(listing) == (None, 0)


def test_of_two_kinds_the_first_is_taken() -> None:
    chip, count = parse_accelerators("NVIDIA L4, 23034\nNVIDIA H200, 143771\n")
    assert chip is not None
    assert (chip.name, count) == ("l4", 1)
