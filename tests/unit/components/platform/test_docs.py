"""The documentation's table of add-ons. Made by `python -m tests.unit.components.platform.test_docs`."""

from pathlib import Path

from components.platform.catalog import ADDONS
from components.platform.plan import plan_platform
from components.platform.versions import versions
from tests.unit.components.platform.requests import PROCESSORS, request

MARK = "<!-- made by tests/unit/components/platform/test_docs.py -->\n"


def table() -> str:
    """A row for each add-on: version, namespace, and why it is off on a cluster that asks for nothing."""
    reasons = {
        decision.path.rsplit(".", 1)[-1]: decision.reason
        for decision in plan_platform(request(PROCESSORS, scheduler_addons=())).decisions
    }
    rows = [
        f"| {name} | {row.version} | {row.namespace} | {reasons[name]} |"
        for name, row in ((name, versions()[name]) for name in ADDONS)
    ]
    return "\n".join(["| add-on | chart | namespace | where nothing asks for it |", "|---|---|---|---|", *rows]) + "\n"


def document(repository: Path) -> tuple[Path, str, str, str]:
    """The page, and its text before, in and after the table."""
    file = repository / "docs" / "platform.md"
    before, mark, rest = file.read_text().partition(MARK)
    inside, gap, after = rest.partition("\n\n")
    return file, before + mark, f"{inside}\n", gap[1:] + after


def test_the_documented_addons_are_those_there_are(repository: Path) -> None:
    assert document(repository)[2] == table()


if __name__ == "__main__":
    page, before, _, after = document(Path(__file__).parents[4])
    page.write_text(before + table() + after)
