"""Registration of the made-up cloud, in tests only."""

from pathlib import Path

import rehearsal.providers
from providers.registry import MODULES

MADE_UP = "madeup"
MODULE = "tests.contract.made_up_cloud.provider"


def register() -> None:
    """Makes the cloud known: one line in the registry, and its folder beside those of rehearsal/providers."""
    MODULES[MADE_UP] = MODULE
    folder = str(Path(__file__).with_name("simulation"))
    if folder not in rehearsal.providers.__path__:
        rehearsal.providers.__path__.append(folder)
