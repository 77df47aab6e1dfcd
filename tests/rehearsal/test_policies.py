"""The policy pack under the real engine."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from engine.cli import throwaway
from engine.process import Result
from policies import (
    budget_per_hour,
    capacity_agrees,
    encrypted_with_key,
    expiry_set,
    fabric_in_one_zone,
    fabric_interfaces,
    fabric_security,
    gang_fabric,
    no_open_ingress,
    placement_consistent,
    reservation_targeted,
    versions_pinned,
)
from rehearsal.places.cloud import simulated
from rehearsal.providers.aws.rules import RULES
from stacks.config import stack_file

LOCAL = "local"


def preview(repository: Path, folder: Path, host: str) -> tuple[bool, str]:
    """A preview of the local stack with the server on that address, and what it printed."""
    content = yaml.safe_load(stack_file(LOCAL).path.read_text())
    content["config"]["penstock:storage"] = {"volume": {"path": str(folder / "volume")}}
    content["config"]["penstock:inference"] = {"host": host, "port": 18765}
    config = folder / "stack.yaml"
    config.write_text(yaml.safe_dump(content))
    with throwaway(repository, config_file=config) as engine:
        engine.stack_init(LOCAL)
        result = engine.preview(LOCAL)
    return result.ok, result.output


@pytest.mark.usefixtures("pulumi")
def test_an_open_server_is_reported_and_not_forbidden(repository: Path, tmp_path: Path) -> None:
    ok, output = preview(repository, tmp_path, "0.0.0.0")  # noqa: S104 - what the policy speaks of
    assert ok, output
    assert "[advisory]  loopback-only" in output
    assert "it listens on 0.0.0.0, where others can reach it" in output


@pytest.mark.usefixtures("pulumi")
def test_the_shipped_stack_keeps_every_rule(repository: Path, tmp_path: Path) -> None:
    ok, output = preview(repository, tmp_path, "127.0.0.1")
    assert ok, output
    assert "advisory" not in output
    assert "penstock@" in output, "the pack was run"


PROGRAM = """
import pulumi

class Account(pulumi.ComponentResource):
    def __init__(self, name, password):
        super().__init__("tests:index:Account", name, {"password": password}, remote=False)

Account("plain", "hunter2")
Account("marked", pulumi.Output.secret("hunter2"))
"""


def project(folder: Path, repository: Path, program: str) -> Path:
    """A project of that program, held to penstock's rules."""
    runtime = {"name": "python", "options": {"virtualenv": str(repository / ".venv")}}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "ruled", "runtime": runtime}))
    (folder / "__main__.py").write_text(program)
    for shared in ("policies", ".venv"):
        (folder / shared).symlink_to(repository / shared)
    return folder


@pytest.mark.usefixtures("pulumi")
def test_a_plain_secret_is_forbidden_and_a_marked_one_is_not(repository: Path, tmp_path: Path) -> None:
    with throwaway(project(tmp_path, repository, PROGRAM)) as engine:
        engine.stack_init("dev")
        result = engine.preview("dev")
    assert not result.ok
    assert "[mandatory]  no-plaintext-secret  (tests:index:Account: plain)" in result.output
    assert "password is plain text of 7 characters" in result.output
    assert "Account: marked" not in result.output
    assert "hunter2" not in result.output


@pytest.fixture(scope="module")
def previews(pulumi: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Result]:
    """Previews of the programs of tests/rehearsal/policies on the simulated AWS, by name, each made once."""
    source = (repository / "tests" / "rehearsal" / "policies" / "__main__.py").read_text()

    @cache
    def result(program: str) -> Result:
        folder = project(tmp_path_factory.mktemp(program), repository, source)
        config = folder / "Pulumi.dev.yaml"
        cloud, reservation = {"cloud": "aws"}, "cr-0a1b2c3d4e5f60718"
        settings = {"ruled:program": program, "ruled:there": reservation, "penstock:cluster": cloud}
        config.write_text(yaml.safe_dump({"config": settings}))
        with (
            simulated(RULES, config, folder / "home", None, preview=True) as simulation,
            throwaway(folder, config_file=config, env=simulation.env if simulation else {}) as engine,
        ):
            engine.stack_init("dev").require_ok()
            return engine.preview("dev")

    return result


def test_a_stack_on_aws_that_keeps_the_rules_passes(previews: Callable[[str], Result]) -> None:
    result = previews("kept")
    assert result.ok, result.output
    assert "penstock@" in result.output, "the pack was run"
    assert "[mandatory]" not in result.output
    assert "[advisory]" not in result.output


OF_ONE = (
    encrypted_with_key,
    expiry_set,
    fabric_interfaces,
    no_open_ingress,
    placement_consistent,
    reservation_targeted,
    versions_pinned,
)
OF_SEVERAL = (budget_per_hour, capacity_agrees, fabric_in_one_zone, fabric_security, gang_fabric)
CASES = [*((each, "apart") for each in OF_ONE), *((each, "together") for each in OF_SEVERAL)]


@pytest.mark.parametrize(("module", "program"), CASES, ids=[module.RULE.name for module, _ in CASES])
def test_a_stack_on_aws_that_breaks_a_rule_is_refused(
    module: ModuleType, program: str, previews: Callable[[str], Result]
) -> None:
    """By the resource that the program calls after the rule, and by no other of that rule."""
    result, name = previews(program), module.RULE.name
    assert not result.ok
    (line,) = [line for line in result.output.splitlines() if f"[mandatory]  {name}  " in line]
    assert line.endswith(f": {name})")
    assert module.RULE.remedy in result.output
