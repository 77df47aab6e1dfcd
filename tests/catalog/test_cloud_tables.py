"""Prices, quotas and owners of every cloud: what each row must say."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from components.estimate.bill import price_lists
from components.estimate.quotas import quota_rows
from components.kubernetes.ownership import ownership_tables
from components.plan.kubernetes import Concern, Owner

PROVIDERS = Path(__file__).parents[2] / "providers"


def files(name: str) -> list[Path]:
    found = sorted(PROVIDERS.glob(f"*/{name}"))
    assert found
    return found


@pytest.mark.parametrize("file", [*files("prices.toml"), *files("quotas.toml")], ids=lambda file: str(file.parts[-2:]))
def test_every_table_has_a_source_and_a_date(file: Path) -> None:
    tables = {name: table for name, table in tomllib.loads(file.read_text()).items() if isinstance(table, dict)}
    assert {name for name, table in tables.items() if not (table["source"] and "20" in table["date"])} == set()


@pytest.mark.parametrize("file", files("prices.toml"))
def test_every_price_is_a_decimal_above_nothing(file: Path) -> None:
    for name, prices in price_lists(file).items():
        assert "{" not in prices.source, name
        assert all(isinstance(price, Decimal) and price > 0 for price in prices.usd_per_hour.values()), name


@pytest.mark.parametrize("file", files("quotas.toml"))
def test_a_code_stands_for_one_quota(file: Path) -> None:
    names: dict[str, set[str]] = {}
    for row in quota_rows(file).values():
        names.setdefault(row.code or row.name, set()).add(row.name)
    assert {code: found for code, found in names.items() if len(found) > 1} == {}


@pytest.mark.parametrize("file", files("ownership.toml"))
def test_every_owner_has_a_name_and_a_reason(file: Path) -> None:
    for table in ownership_tables(file).values():
        for rows in table.values():
            assert rows
            for concern, row in rows.items():
                assert isinstance(concern, Concern)
                found = row.owned(Owner.OTHERS, "Deployment a/b")
                assert found.by
                assert "{" not in found.reason


def test_a_price_is_unknown_in_a_region_that_its_list_does_not_name(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        'hours_per_month = 730\nregions = ["here"]\n'
        '[disk]\nsource = "list, {date}"\ndate = "2026"\nusd_per_month = { gib = 73 }\n'
        '[gpu]\nsource = "list, {date}"\ndate = "2026"\nregions = []\nquoted_in = "here"\n'
        "usd_per_hour = { one = 0.50 }\n"
    )
    prices = price_lists(file)
    here, there = (prices["disk"].line("gib", "disk", region, 2) for region in ("here", "there"))
    assert (here.usd_per_hour, here.source) == (Decimal("0.2"), "list, 2026")
    assert (there.usd_per_hour, there.source) == (None, "no price of there is known")
    assert prices["gpu"].line("one", "gpu", "there").source == "list, 2026; there may differ"
