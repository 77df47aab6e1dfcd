"""The resources of this machine as the engine knows them."""

import pytest

from plugin.servicer import KINDS
from providers.local.cluster import what_destroy_does
from providers.local.plan import MACHINE
from providers.local.resources import DISK, RUN

ROOM = 11
"""`33% 2m 5.08`"""


def test_the_engines_table_leaves_room_for_progress_in_80_columns() -> None:
    """Mark, type (3 columns a level), name, status with dots, each with a gap; the last column stays empty."""
    types = max(3 + len(MACHINE), 6 + len(DISK), 6 + len(RUN))
    taken = len(" +   ") + types + len("  ") + len("penstock-local") + len("  ") + len("creating (119s)...") + len("  ")
    assert 79 - taken >= ROOM


@pytest.mark.parametrize("kind", [DISK, RUN, "penstock:local:Volume", "penstock:local:TrainingRun"])
def test_the_plugin_serves_a_kind_by_its_earlier_name_too(kind: str) -> None:
    assert kind in KINDS


def test_what_destroy_does_is_said_with_the_size() -> None:
    said = what_destroy_does("/data", "delete", 41_200_000)
    assert said == "deletes all that penstock made in /data (41.2 MB of this run); your own files there stay"
    assert what_destroy_does("/data", "keep") == "keeps /data"
