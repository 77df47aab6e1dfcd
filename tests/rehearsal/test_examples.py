"""The programs of examples/, as a user would run them: the real engine, the simulated AWS, the whole cycle."""

import runpy
import shutil
import textwrap
from pathlib import Path

import pytest
import yaml

from engine.cli import Engine
from rehearsal.cycle import Rehearsal, Report, rehearse
from rehearsal.places.cloud import simulated
from rehearsal.places.place import AccountReport
from rehearsal.providers.aws.rules import RULES

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("aws_cluster", "aws_network")


def copied(name: str, folder: Path) -> Path:
    """The example where a user's own program would lie."""
    project = folder / "examples" / name
    shutil.copytree(EXAMPLES / name, project, ignore=shutil.ignore_patterns("__pycache__", ".penstock"))
    program = project / "Pulumi.yaml"
    program.write_text(program.read_text().replace("../../", f"{EXAMPLES.parent}/"))
    return project


def documented_call() -> str:
    """The lines of docs/components.md that rehearse an example from Python."""
    _, _, rest = (EXAMPLES.parent / "docs" / "components.md").read_text().partition("from Python:\n\n")
    return textwrap.dedent(rest.partition("\n\n")[0])


def configure(project: Path, **settings: str | int) -> None:
    stack = project / "Pulumi.dev.yaml"
    content = yaml.safe_load(stack.read_text())
    prefix = yaml.safe_load((project / "Pulumi.yaml").read_text())["name"]
    content["config"] |= {f"{prefix}:{key}": value for key, value in settings.items()}
    stack.write_text(yaml.safe_dump(content))


def test_every_example_is_run_here() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/Pulumi.yaml")} == set(NAMES)


@pytest.mark.slow
def test_the_cluster_comes_up_stays_and_goes(pulumi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the call that the documentation shows."""
    copied("aws_cluster", tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("call.py").write_text(documented_call().replace("aws_network", "aws_cluster"))
    report: Report = runpy.run_path("call.py")["report"]
    assert report.rehearsal is Rehearsal.CYCLE
    assert report.ok, [*map(str, report.phases), *report.account_in_words()]
    up, again, refresh, destroy = report.phases
    assert up.created == again.same == refresh.same == destroy.deleted
    assert_one_of_each(report.account)


def assert_one_of_each(account: AccountReport | None) -> None:
    """Of network and file system, and nothing of them left."""
    assert account
    assert not account.left
    assert account.requests_by_operation["ec2:CreateVpc"] == 1
    assert account.requests_by_operation["fsx:CreateFileSystem"] == 1


def test_a_mistake_in_a_program_of_ones_own_is_told_without_a_traceback(pulumi: Path, tmp_path: Path) -> None:
    project = copied("aws_network", tmp_path)
    configure(project, region="us-eest-2")
    report = rehearse(Rehearsal.PREVIEW, "dev", project=project)
    assert not report.ok
    assert "cluster.region: 'us-eest-2' is not a region of AWS" in report.phases[0].problem
    assert "Traceback" not in report.phases[0].problem


def test_the_network_hands_out_what_others_need_stays_and_goes(pulumi: Path, tmp_path: Path) -> None:
    project = copied("aws_network", tmp_path)
    with simulated(RULES, project / "Pulumi.dev.yaml", tmp_path / "account", None, preview=False) as simulation:
        assert simulation
        engine = Engine(
            project=project, home=tmp_path / "home", backend=tmp_path / "state", passphrase="", env=simulation.env
        )
        engine.stack_init("dev").require_ok()
        engine.up("dev").require_ok()
        outputs = engine.export_state("dev").outputs
        for once_more in (engine.up("dev"), engine.refresh("dev")):
            assert not once_more.require_ok().changed, once_more.output
        engine.destroy("dev").require_ok()
        assert_one_of_each(simulation.report())
    assert str(outputs["subnet"]).startswith("subnet-")
    assert str(outputs["securityGroup"]).startswith("sg-")
    assert "@tcp:/" in str(outputs["mount"])
