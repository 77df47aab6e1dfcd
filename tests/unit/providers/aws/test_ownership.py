"""Owners on EKS before penstock installs anything."""

from pathlib import Path

import pytest
import yaml

from components.plan.kubernetes import Concern, Owner
from components.platform.plan import plan_platform
from components.platform.request import PlatformRequest
from components.spec.stack import parse_stack
from providers import clouds, load
from providers.aws.ownership import registry
from providers.aws.plan import AwsPlan
from providers.aws.regions import regions
from tests.clock import NOW

JOBS = ("jobset", "kueue")


def planned(case: str, repository: Path) -> AwsPlan:
    config = yaml.safe_load((repository / "tests" / "golden" / case / "stack.yaml").read_text())["config"]
    config["penstock:cluster"].pop("expiresAt", None)
    plan = load("aws").plan(parse_stack(config, "Pulumi.x.yaml", clouds()), "aws-test", NOW)
    assert isinstance(plan, AwsPlan)
    return plan


def owner(case: str, concern: Concern, repository: Path) -> tuple[Owner, str] | None:
    facts = planned(case, repository).kubernetes
    assert facts is not None
    found = facts.owners.get(concern)
    return (found.owner, found.by) if found else None


@pytest.mark.parametrize(
    ("case", "concern", "expected"),
    [
        ("aws-prod", Concern.DRIVER, (Owner.IMAGE, "AL2023 NVIDIA image")),
        ("aws-prod", Concern.CONTAINER_TOOLKIT, (Owner.IMAGE, "AL2023 NVIDIA image")),
        ("aws-prod", Concern.DEVICE_PLUGIN, None),
        ("aws-prod", Concern.DCGM, (Owner.CLOUD, "eks-node-monitoring-agent")),
        ("aws-prod", Concern.LUSTRE_CSI, (Owner.CLOUD, "aws-fsx-csi-driver")),
        ("aws-prod", Concern.DCGM_EXPORTER, None),
        ("aws-trn2", Concern.DRIVER, (Owner.IMAGE, "AL2023 Neuron image")),
        ("aws-trn2", Concern.DCGM, None),
        ("aws-trn2", Concern.CONTAINER_TOOLKIT, None),
        ("aws-hyperpod", Concern.NODE_REPAIR, (Owner.CLOUD, "HyperPod")),
        ("aws-hyperpod", Concern.DCGM_EXPORTER, (Owner.CLOUD, "HyperPod")),
    ],
)
def test_who_does_what(case: str, concern: Concern, expected: tuple[Owner, str] | None, repository: Path) -> None:
    assert owner(case, concern, repository) == expected


@pytest.mark.parametrize(
    ("case", "machine_types"),
    [("aws-prod", ["p5.48xlarge"]), ("aws-hyperpod", ["ml.p5en.48xlarge"]), ("aws-trn2", ["trn2.48xlarge"])],
)
def test_the_efa_plugin_is_on_the_nodes_that_have_efa(case: str, machine_types: list[str], repository: Path) -> None:
    plan = planned(case, repository)
    assert plan.kubernetes is not None
    platform = plan_platform(PlatformRequest(facts=plan.kubernetes, pools=plan.node_pools, scheduler_addons=JOBS))
    plugin = next(addon for addon in platform.addons if addon.name == "efa-device-plugin")
    assert plugin.release is not None
    assert plugin.release.values["supportedInstanceLabels"]["values"] == machine_types
    assert plugin.release.values["image"]["repository"] == f"{registry(plan.region)}/eks/aws-efa-k8s-device-plugin"


def test_an_image_lies_in_the_regions_own_registry() -> None:
    assert registry("us-east-2") == "602401143452.dkr.ecr.us-east-2.amazonaws.com"
    assert registry("af-south-1") == "877085696533.dkr.ecr.af-south-1.amazonaws.com"
    assert all(registry(region).split(".")[0].isdecimal() for region in regions())


def test_the_driver_of_the_image_is_never_loaded_over(repository: Path) -> None:
    plan = planned("aws-gb200", repository)
    assert plan.kubernetes is not None
    platform = plan_platform(PlatformRequest(facts=plan.kubernetes, pools=plan.node_pools, scheduler_addons=JOBS))
    values = {addon.name: addon.release.values for addon in platform.addons if addon.release}
    assert values["gpu-operator"]["driver"] == {"enabled": False, "rdma": {"enabled": False}}
    assert values["gpu-operator"]["dcgm"] == {"enabled": False}
    assert values["nvidia-dra-driver"]["nvidiaDriverRoot"] == "/"
    assert values["nvidia-dra-driver"]["resources"]["gpus"] == {"enabled": False}
