"""Laws of every cloud and every scheduler, and names that must not shadow the packages."""

import importlib
import inspect
import json
import subprocess
import sys
import tomllib
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.errors import SpecError
from components.plan.cluster import ClusterPlan
from components.provider import ApiOperations, CloudOperations, CloudProvider, GroupOperations
from components.spec.base import Spec
from components.spec.scheduler import SchedulerKind
from components.spec.stack import parse_stack
from providers import MODULES, clouds, discover, load
from providers.registry import api_operations, group_operations, operations
from tests.clock import NOW
from tests.clouds import CLOUDS_IN_WORDS
from tests.contract.made_up_cloud.provider.settings import MadeUpSpec
from tests.contract.made_up_cloud.registration import MADE_UP, register

PACKAGES = (
    "components", "engine", "lab", "penstock", "plugin", "policies", "providers", "rehearsal", "stacks", "tools",
    "workloads",
)  # fmt: skip
SHIPPED = tuple(MODULES)
CLOUDS = (*SHIPPED, MADE_UP)
MADE_UP_STACK = Path(__file__).parent / "made_up_cloud" / "project" / "stacks" / "Pulumi.madeup.yaml"
FORMS: dict[str, type[Spec]] = {cloud: form() for cloud, form in clouds().items() if form} | {MADE_UP: MadeUpSpec}
PROVIDER_FILES = {"__init__.py", "catalog.py", "cluster.py", "plan.py", "preflight.py"}
SCHEDULER_FILES = {"__init__.py", "render.py"}
SDKS = (
    "pulumi",
    "pulumi_aws",
    "pulumi_azure_native",
    "pulumi_gcp",
    "boto3",
    "botocore",
    "googleapiclient",
    "moto",
    "grpc",
    "torch",
)


@pytest.fixture(autouse=True)
def made_up(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up cloud is registered where it is asked for."""
    callspec = getattr(request.node, "callspec", None)
    if callspec and callspec.params.get("cloud") == MADE_UP:
        monkeypatch.setitem(MODULES, MADE_UP, "")
        register()


def golden_config(cloud: str, repository: Path) -> dict[str, Any]:
    """The configuration of one of the cloud's golden cases, never to expire."""
    golden = sorted((repository / "tests" / "golden").glob(f"{cloud}-*/stack.yaml"))
    file = next(iter(golden), MADE_UP_STACK)
    config: dict[str, Any] = yaml.safe_load(file.read_text())["config"]
    config["penstock:cluster"].pop("expiresAt", None)
    return config


def plan_of(cloud: str, config: dict[str, Any]) -> ClusterPlan:
    found: ClusterPlan = load(cloud).plan(parse_stack(config, "Pulumi.x.yaml", clouds()), "x", NOW)
    return found


def test_the_packages_are_those_of_the_wheel(repository: Path) -> None:
    wheel = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(wheel["packages"]) == list(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_the_one_of_this_checkout(package: str, repository: Path) -> None:
    """The names are general: a package of another distribution could stand before ours."""
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).is_relative_to(repository)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cloud_is_one_folder_with_the_same_files(cloud: str, repository: Path) -> None:
    package = find_spec(MODULES[cloud])
    assert package
    assert package.origin
    there = {path.name for path in Path(package.origin).parent.iterdir()}
    assert there >= PROVIDER_FILES


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cloud_has_the_verbs_of_the_protocol(cloud: str) -> None:
    provider = load(cloud)
    assert provider.settings is FORMS.get(cloud)
    for verb in ("catalog", "discover", "plan", "preflight", "build"):
        asked = list(inspect.signature(getattr(CloudProvider, verb)).parameters)[1:]
        assert list(inspect.signature(getattr(provider, verb)).parameters) == asked, verb


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_cloud_with_scalers_has_the_operations_of_the_protocol(cloud: str) -> None:
    """The plugin calls them by name. A cloud that hands out neither a drain nor a scaler has none."""
    there = operations(cloud)
    assert there.DRAIN_INPUTS
    for verb in ("drain", "scale_to_zero", "restore", "limit", "turn_to", "shortage"):
        asked = list(inspect.signature(getattr(CloudOperations, verb)).parameters)[1:]
        assert list(inspect.signature(getattr(there, verb)).parameters) == asked, verb


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
def test_a_cloud_whose_apis_take_time_waits_for_them(cloud: str) -> None:
    there = api_operations(cloud)
    assert there.API_INPUTS
    asked = list(inspect.signature(ApiOperations.await_apis).parameters)[1:]
    assert list(inspect.signature(there.await_apis).parameters) == asked


def test_a_cloud_whose_controllers_make_groups_waits_for_them_and_lets_none_in_use_go() -> None:
    there = group_operations("gcp")
    assert there.GROUP_INPUTS
    for verb in ("await_group", "release_group"):
        asked = list(inspect.signature(getattr(GroupOperations, verb)).parameters)[1:]
        assert list(inspect.signature(getattr(there, verb)).parameters) == asked, verb


def test_a_cloud_is_registered_by_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"penstock:cluster": {"cloud": "fog", "nodePools": [{"name": "a", "machineType": "this-machine"}]}}
    with pytest.raises(SpecError, match=f"'fog' is not one of {CLOUDS_IN_WORDS}"):
        parse_stack(config, "x", clouds())
    monkeypatch.setitem(MODULES, "fog", "providers.local")
    spec = discover(parse_stack(config, "x", clouds()))
    assert load(spec.cluster.cloud).plan(spec, "x", NOW).node_pools[0].machine.name == "this-machine"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_clouds_catalog_is_whole(cloud: str) -> None:
    catalog = load(cloud).catalog()
    assert catalog.cloud == cloud
    assert catalog.machine_types
    assert catalog.capabilities.max_nodes_per_pool >= 1
    for name, machine in catalog.machine_types.items():
        assert machine.name == name
        assert (machine.accelerator is None) == (machine.accelerator_count == 0)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cloud_without_a_scheduler_refuses_jobs(cloud: str, repository: Path) -> None:
    """One that takes jobs names who starts them; one that does not yet says so before anything is made."""
    config = golden_config(cloud, repository)
    scheduler, offered = plan_of(cloud, config).scheduler, load(cloud).catalog().capabilities.schedulers
    if offered:
        assert scheduler in offered
        return
    assert scheduler == ""
    for key, job in (("training", {}), ("inference", {"model": {"path": "/models/one"}})):
        with pytest.raises(SpecError) as refused:
            plan_of(cloud, config | {f"penstock:{key}": job})
        assert [problem.path for problem in refused.value.problems] == [key]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_plan_is_the_same_each_time(cloud: str, repository: Path) -> None:
    config = golden_config(cloud, repository)
    assert asdict(plan_of(cloud, config)) == asdict(plan_of(cloud, config))


@pytest.mark.parametrize("form", FORMS.values())
def test_everything_under_a_clouds_own_key_has_a_default(form: type[Spec]) -> None:
    assert form() == form.model_validate({})


@pytest.mark.parametrize("cloud", [cloud for cloud in CLOUDS if cloud in FORMS])
def test_a_clouds_own_key_may_be_left_out(cloud: str, repository: Path) -> None:
    config = {key: value for key, value in golden_config(cloud, repository).items() if "cluster" in key}
    spec = parse_stack(config, "Pulumi.x.yaml", clouds())
    assert spec.settings == FORMS[cloud]()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_plan_needs_neither_the_engine_nor_an_sdk_nor_another_cloud(cloud: str, repository: Path) -> None:
    """`penstock plan` answers in under a second because it loads none of them."""
    others = [f"providers.{other}.plan" for other in MODULES if other != cloud]
    program = f"""
import json, sys
from datetime import UTC, datetime
from components.spec.stack import parse_stack
from providers import clouds, load
from tests.contract.made_up_cloud.registration import register
register()
spec = parse_stack(json.loads(sys.stdin.read()), "x", clouds())
load({cloud!r}).plan(spec, "x", datetime.now(UTC))
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] in {SDKS!r} or name in {others!r})))
"""
    config = json.dumps(golden_config(cloud, repository), default=str)
    run = subprocess.run(
        [sys.executable, "-c", program], input=config, capture_output=True, text=True, check=False, cwd=repository
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []


@pytest.mark.parametrize("cloud", SHIPPED)
def test_a_cloud_has_a_stack_to_start_from_and_a_golden_case(cloud: str, repository: Path) -> None:
    assert list((repository / "stacks").glob(f"Pulumi.{cloud}*.yaml"))
    assert list((repository / "tests" / "golden").glob(f"{cloud}-*/stack.yaml"))


@pytest.mark.parametrize("kind", SchedulerKind)
def test_a_scheduler_is_one_folder_with_the_same_files(kind: SchedulerKind, repository: Path) -> None:
    there = {path.name for path in (repository / "components" / "schedulers" / kind).iterdir()}
    assert there >= SCHEDULER_FILES
