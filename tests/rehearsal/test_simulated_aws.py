"""A small cluster on the simulated AWS, through the real engine: what is refused, what fails, what goes on."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli import Command, Engine
from engine.process import Result
from rehearsal.cloud.account import Object
from rehearsal.cycle import Rehearsal, Report, rehearse
from rehearsal.faults import FaultScript
from rehearsal.places.cloud import Simulation, simulated
from rehearsal.providers.aws.rules import RULES
from tests.rehearsal.conftest import TINY

AWS = TINY.parent / "aws_tiny"
RESOURCES = 28  # of AWS's own; the engine counts the stack and the provider too
COUNTED = RESOURCES + 1


class Project:
    """A copy of the program with a stack file of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(AWS, folder)
        environment = AWS.parents[2] / ".venv"
        settings = (folder / "Pulumi.yaml").read_text().replace("../../../.venv", str(environment))
        (folder / "Pulumi.yaml").write_text(settings)
        (folder / "stacks").mkdir()
        self.configure()

    def configure(self, **settings: str | int) -> None:
        """Writes the settings into the stack file."""
        config: dict[str, Any] = {f"aws-tiny:{name}": value for name, value in settings.items()}
        content = {"config": {"penstock:cluster": {"cloud": "aws"}} | config}
        (self.folder / "stacks" / "Pulumi.dev.yaml").write_text(yaml.safe_dump(content))

    def rehearse(self, rehearsal: Rehearsal = Rehearsal.CYCLE, **faults: Any) -> Report:
        return rehearse(rehearsal, "dev", project=self.folder, faults=FaultScript.model_validate(faults))


class Deployed:
    """The program's stack with the account beside it, as `run` leaves them."""

    def __init__(self, project: Project, simulation: Simulation) -> None:
        self._simulation = simulation
        self.project = project
        self.engine = Engine(
            project=project.folder, home=project.folder / "home", backend=project.folder / "backend",
            passphrase=secrets.token_hex(8), env=simulation.env,
        )  # fmt: skip
        self.engine.stack_init("dev").require_ok()

    def run(self, command: Command, **settings: str | int) -> Result:
        self.project.configure(**settings)
        return self.engine.start(command, "dev").wait()

    def objects(self, token: str) -> list[Object]:
        return [thing for thing in self._simulation.cloud.account.objects() if thing.token == token]

    @property
    def simulation(self) -> Simulation:
        return self._simulation


@pytest.fixture
def project(pulumi: Path, tmp_path: Path) -> Project:
    return Project(tmp_path / "aws-tiny")


@pytest.fixture
def deployed(project: Project) -> Iterator[Deployed]:
    with deploy(project) as stack:
        yield stack


@contextmanager
def deploy(project: Project, **faults: Any) -> Iterator[Deployed]:
    file = project.folder / "stacks" / "Pulumi.dev.yaml"
    script = FaultScript.model_validate(faults)
    with simulated(RULES, file, project.folder / "account", script, preview=False) as simulation:
        assert simulation
        yield Deployed(project, simulation)


def names(report: Report) -> list[str]:
    return [phase.name for phase in report.phases]


def test_a_cycle_leaves_nothing_and_says_who_judged(project: Project) -> None:
    report = project.rehearse()
    assert report.notes == (), "a program of one's own has no images of penstock's to push"
    assert report.ok, [str(phase) for phase in report.phases]
    counts = [(phase.name, phase.created, phase.deleted, phase.same) for phase in report.phases]
    assert counts == [
        ("up", COUNTED, 0, 0), ("up again", 0, 0, COUNTED), ("refresh", 0, 0, COUNTED), ("destroy", 0, COUNTED, 0)
    ]  # fmt: skip
    assert report.account
    assert not report.account.left
    assert not report.account.uncovered
    assert report.account.requests_by_operation["eks:CreateNodegroup"] == 1
    assert report.account.requests_by_operation["ec2:CreatePlacementGroup"] == 1
    by_oracle = report.account.requests_by_oracle
    assert by_oracle["botocore's model, executed by moto"] > by_oracle["botocore's model, kept by the account"] > 0
    assert report.phases[0].simulated_min >= 12  # a cluster is ready after 9 minutes, its nodes 3 later


def test_an_unexpected_finding_in_the_field_fails_a_rehearsal(project: Project) -> None:
    project.configure(spare=1)
    report = project.rehearse(Rehearsal.UP)
    assert not report.ok
    assert names(report) == ["up", "destroy"]
    title, finding = report.phases[0].problem.splitlines()
    assert title == "the field rules find what would go wrong on a real cloud:"
    assert finding.startswith("scaling, pool train: train may have 3 nodes and stays at 2")


def test_a_preview_judges_every_create_and_makes_nothing(project: Project) -> None:
    report = project.rehearse(Rehearsal.PREVIEW)
    assert report.ok, [str(phase) for phase in report.phases]
    assert report.account
    assert set(report.account.requests_by_oracle) == {"botocore's model, in a preview"}
    assert report.account.requests_by_operation["ec2:CreateLaunchTemplate"] == 1
    assert report.kept is None


def test_an_illegal_value_is_refused_in_the_preview(project: Project) -> None:
    project.configure(authentication="APY")
    report = project.rehearse(Rehearsal.PREVIEW)
    assert not report.ok
    assert "accessConfig.authenticationMode: 'APY' is not one of API, " in report.phases[0].problem


def test_a_reference_to_nothing_is_refused(project: Project) -> None:
    with deploy(project) as stack:
        result = stack.run("up", vpcId="vpc-0123456789abcdef0")
    # The stack file's own identifiers stand in the account; this one was written after the account was opened.
    assert any("InvalidVpcID.NotFound: The vpc ID 'vpc-0123456789abcdef0' does not exist" in e for e in result.errors)


def test_update_replace_and_drift(deployed: Deployed) -> None:
    assert deployed.run("up").ok
    outputs = deployed.engine.export_state("dev").outputs
    assert str(outputs["clusterSecurityGroup"]).startswith("sg-")
    assert str(outputs["scalingGroup"]).startswith("eks-train-")
    grown = deployed.run("up", nodes=3)
    assert dict(grown.changed) == {"update": 1}
    (group,) = deployed.objects("aws:eks/nodeGroup:NodeGroup")
    assert group.inputs["scalingConfig"]["desiredSize"] == 3
    # A security group's description cannot change: a new one, its rules, and a new version of the template.
    replaced = deployed.run("up", nodes=3, groupText="other")
    assert replaced.ok, replaced.errors
    assert {step.name for step in replaced.changing_steps if step.op == "create-replacement"} >= {"fabric"}
    (vpc,) = deployed.objects("aws:ec2/vpc:Vpc")
    deployed.simulation.cloud.change_from_outside(vpc, {"enableDnsHostnames": False})
    seen = deployed.run("refresh", nodes=3, groupText="other")
    assert dict(seen.changed) == {"update": 1}
    mended = deployed.run("up", nodes=3, groupText="other")
    assert [(step.op, step.name, step.changed) for step in mended.changing_steps if step.name == "net"] == [
        ("update", "net", ("enableDnsHostnames",))
    ]
    assert vpc.inputs["enableDnsHostnames"] is True
    assert deployed.run("destroy").ok
    assert not deployed.simulation.leftovers()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_fails_on_the_way_is_finished_by_the_same_command(project: Project) -> None:
    """Creates that stop halfway, a pool that lacks nodes, a zone without machines, and throttling all the while."""
    report = project.rehearse(
        errors=[
            {"operation": operation, "code": "InternalError", "message": "An internal error"}
            for operation in ("ec2:ModifyVpcAttribute", "ec2:AttachInternetGateway")
        ],
        partial=[{"resource": "train", "nodes": 1}],
        capacity=[{"machineType": "p5.48xlarge", "zone": "us-east-1a", "times": 2}],
        throttle={"rate": 0.3, "seed": 1},
    )
    assert report.ok, [str(phase) for phase in report.phases]
    assert names(report) == ["up", "up", "up", "up", "up", "up", "up again", "refresh", "destroy"]
    halfway, unattached, partly, *empty, finished = report.phases[:6]
    assert "ec2:ModifyVpcAttribute: InternalError" in halfway.problem
    assert "ec2:AttachInternetGateway: InternalError" in unattached.problem, "it waits for the network"
    assert "1 of 2 instances were launched" in partly.problem
    assert partly.replaced + partly.created > 0, "what stopped halfway is made anew"
    for phase in empty:
        assert "do not have sufficient p5.48xlarge capacity" in phase.problem
    assert (finished.created, finished.updated) == (0, 1)
    assert report.account
    assert not report.account.unused_faults


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_command_goes_on_after_a_killed_engine(project: Project) -> None:
    """Kills the engine early, late, and while it goes on after the last time."""
    report = project.rehearse(kill=[{"atRequest": number} for number in (3, 17, 26, 41, 55)])
    assert report.ok, [str(phase) for phase in report.phases]
    assert sum(phase.repeated for phase in report.phases) == 5
    assert report.account
    made_once = ("CreateVpc", "CreateSubnet", "AllocateAddress", "CreateLaunchTemplate", "CreateSecurityGroup")
    counts = [report.account.requests_by_operation[f"ec2:{operation}"] for operation in made_once]
    assert counts == [1, 2, 1, 1, 2]  # nothing was made twice; the cluster has a security group of its own


def test_what_a_controller_made_holds_the_network_and_is_named_with_its_price(project: Project) -> None:
    """Also where another process finds the account again: a new one would let everything go."""
    balancer = FaultScript.model_validate({"loadBalancers": [{"after": "up"}]})
    kept = rehearse(Rehearsal.UP, "dev", project=project.folder, keep=True, faults=balancer)
    assert kept.ok, [str(phase) for phase in kept.phases]
    assert kept.kept
    report = project.rehearse(Rehearsal.DESTROY)
    assert not report.ok
    assert names(report) == ["destroy"]
    (destroy,) = report.phases
    assert "DependencyViolation: The Subnet" in destroy.problem
    assert "of LoadBalancer arn:aws:elasticloadbalancing" in destroy.problem
    assert report.account
    assert any(line.startswith("LoadBalancer ") and "price unknown" in line for line in report.account.left)


def test_a_type_without_an_oracle_is_named(project: Project) -> None:
    program = project.folder / "program" / "__main__.py"
    program.write_text(program.read_text() + '\naws.sns.Topic("news", opts=own)\n')
    report = project.rehearse(Rehearsal.PREVIEW)
    assert not report.ok
    assert report.account
    assert report.account.uncovered == ("aws:sns/topic:Topic",)
    assert "no oracle covers aws:sns/topic:Topic" in report.phases[0].problem
