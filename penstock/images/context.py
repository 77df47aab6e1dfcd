"""Folder that images are built from: the workloads, what they import, and the Containerfile with its lock."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import PenstockError
from components.project import CHECKOUT

PACKAGES = ("components", "workloads")
PLACES = (CHECKOUT / "images" / "cuda", Path(__file__).with_name("cuda"))
"""Folder of the Containerfile: in a checkout, and in penstock as it is installed."""


@contextmanager
def build_context() -> Iterator[Path]:
    """The folder while the block runs. Made anew, as engines send all of a folder to where they build."""
    recipe = next((place for place in PLACES if (place / "Containerfile").is_file()), None)
    if recipe is None:
        raise PenstockError(f"{PLACES[0]}: the Containerfile is missing; install penstock again, or run in a checkout")
    with tempfile.TemporaryDirectory(prefix="penstock-images-") as folder:
        context = Path(folder)
        shutil.copytree(recipe, context / "images" / "cuda")
        for package in PACKAGES:
            shutil.copytree(CHECKOUT / package, context / package, ignore=shutil.ignore_patterns("__pycache__"))
        yield context
