"""Tables of Azure beside this file: prices, quotas, and who owns what on an AKS cluster."""

from pathlib import Path

from components.estimate.bill import price_lists
from components.estimate.quotas import quota_rows
from components.kubernetes.ownership import ownership_tables

PRICES = price_lists(Path(__file__).with_name("prices.toml"))
QUOTAS = quota_rows(Path(__file__).with_name("quotas.toml"))
OWNERSHIP = ownership_tables(Path(__file__).with_name("ownership.toml"))
