"""Amounts as Kubernetes writes them."""

from decimal import Decimal

import pytest

from rehearsal.field.pods import quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500m", Decimal("0.5")),
        ("96", Decimal(96)),
        (8, Decimal(8)),
        ("2052371068Ki", Decimal(2052371068 * 1024)),
        ("1.5Gi", Decimal(3 * 2**29)),
        ("20M", Decimal(20_000_000)),
    ],
)
def test_an_amount_is_read_with_its_suffix(text: object, amount: Decimal) -> None:
    assert quantity(text) == amount
