"""The product knows nothing of what it is tried out against: no branch, version, volume or variable is there for it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("components", "providers", "plugin", "stacks", "workloads")
SIMULATORS = re.compile(r"simulat|rehearsal|rehearsed|\bmoto\b|\blab\b", re.IGNORECASE)
"""`penstock rehearse` may be named: it is a command that a message sends its reader to."""


def mentions(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if SIMULATORS.search(line)]


@pytest.mark.parametrize("package", PRODUCT)
def test_a_package_of_the_product_names_no_simulator(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    found = {str(file.relative_to(ROOT)): lines for file in files if (lines := mentions(file.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        'SERVER = "PENSTOCK_REHEARSAL_SERVER"',
        "if is_simulated(api):",
        'return "+simulated" in version',
        'REHEARSED = SeenVolume(source={"hostPath": {"path": "/rehearsed"}})',
        'if os.environ.get("LAB"):  # on the lab no pod is pulled',
    ],
)
def test_such_knowledge_would_be_seen(line: str) -> None:
    assert mentions(line)
