"""Node pools and launch templates as the engine is asked for them, in a preview and not."""

import base64
import subprocess
from dataclasses import replace
from datetime import timedelta
from email import message_from_string
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi_aws import ec2

from components.plan.cluster import Taint
from components.spec.cluster import TaintEffect
from providers.aws.eks_handle import EksHandle
from providers.aws.network.handle import NetworkHandle
from providers.aws.network.types import AwsSubnetPlan
from providers.aws.nodes import user_data
from providers.aws.nodes.build import NodePool
from providers.aws.nodes.launch_template import LaunchTemplate
from providers.aws.tags import lasting
from providers.aws.types import AwsNodePoolPlan
from tests.unit.providers.aws.in_the_field import found_in
from tests.unit.providers.aws.mocks import Graph, register
from tests.unit.providers.aws.nodes.pools import BLOCK, GB200, GROUP, NOW, plans, pool

IN_BLOCK: dict[str, Any] = {"count": 32, "capacity": {"capacityBlock": BLOCK}}
RESERVED: dict[str, Any] = {"id": "cr-0a1b2c3d", "zone": "us-east-2b", "placementGroup": "theirs"}
MADE: dict[str, dict[str, Any]] = {
    "NodeGroup": {"resources": [{"autoscalingGroups": [{"name": "eks-train-1"}]}]},
    "LaunchTemplate": {"latestVersion": 7},
}
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def known(text: str) -> pulumi.Output[str]:
    return pulumi.Output.from_input(text)


def built(plan: AwsNodePoolPlan, *, preview: bool = False, fabric: bool = True, sized_later: bool = False) -> Graph:
    """The pool on a cluster that stands already; what it returns is the name of its auto scaling group."""

    def program() -> pulumi.Output[str]:
        cluster = EksHandle(
            version="1.34",
            cluster_name=known("aws-test"),
            cluster_arn=known("arn:aws:eks:us-east-2:123456789012:cluster/aws-test"),
            endpoint=known("https://example.eks.amazonaws.com"),
            certificate_authority=known("Q0E="),
            cluster_security_group_id=known("sg-cluster"),
            node_role_arn=known("arn:aws:iam::123456789012:role/node"),
            node_role_name=known("node"),
            service_cidr="172.20.0.0/16",
            kubeconfig=known("{}"),
            ways_in=(),
            ready=(ec2.Vpc("gate"),),
        )
        network = NetworkHandle(
            vpc_id=known("vpc-1"),
            subnet_ids={f"nodes-{zone}": known(f"subnet-{zone}") for zone in plan.zones},
            gang_security_group_id=known("sg-fabric") if fabric else None,
        )
        subnets = [
            AwsSubnetPlan(
                name=f"nodes-{zone}",
                zone=zone,
                cidr="10.0.0.0/20",
                public=False,
                usable=4091,
                needed=1,
                purpose="nodes",
            )
            for zone in plan.zones
        ]
        made = NodePool(
            "aws-test-train",
            plan=plan,
            cluster=cluster,
            network=network,
            subnets=subnets,
            sized_later=sized_later,
            tags={"owner": "research"},
        )
        return made.auto_scaling_group

    return register(program, preview=preview, outputs=MADE)


def one(machine_type: str = "p5.48xlarge", **keys: Any) -> AwsNodePoolPlan:
    (plan,) = plans(pool("train", machine_type, **keys))
    return plan


def gb200() -> AwsNodePoolPlan:
    (plan,) = plans(pool(count=2, labels={"tier": "gold"}) | GB200, region="us-east-1", kubernetesVersion="1.34")
    return plan


def template_of(plan: AwsNodePoolPlan) -> Any:
    return built(plan).one(TEMPLATE).inputs


def config_of(template: Any) -> Any:
    text = base64.b64decode(template["userData"]).decode()
    assert text.startswith("MIME-Version: 1.0\n")
    _, part, end = text.split("--penstock-node-config")
    assert end == "--\n"
    head, _, body = part.strip().partition("\n\n")
    assert head == "Content-Type: application/node.eks.aws"
    return yaml.safe_load(body)


# The launch template


def test_each_interface_has_its_card_its_device_and_both_groups() -> None:
    found = template_of(one(count=2))["networkInterfaces"]
    assert len(found) == 33
    assert [(each["networkCardIndex"], each["deviceIndex"], each["interfaceType"]) for each in found[:3]] == [
        (0, 0, "interface"), (0, 1, "efa-only"), (1, 0, "efa-only"),
    ]  # fmt: skip
    for each in found:
        assert each["securityGroups"] == ["sg-cluster", "sg-fabric"]
        assert "subnetId" not in each
        assert "associatePublicIpAddress" not in each


def test_a_node_without_a_fabric_is_not_in_its_group() -> None:
    (primary,) = template_of(one("g6.xlarge"))["networkInterfaces"]
    assert primary["securityGroups"] == ["sg-cluster"]


def test_a_fabric_without_its_group_is_not_built() -> None:
    with pytest.raises(AssertionError, match="the network none"):
        built(one(count=2), fabric=False)


def test_a_block_is_bought_targeted_and_placed_by_itself() -> None:
    found = template_of(one(**IN_BLOCK))
    assert found["instanceMarketOptions"] == {"marketType": "capacity-block"}
    assert found["capacityReservationSpecification"] == {
        "capacityReservationTarget": {"capacityReservationId": "cr-0a1b2c3d4e5f60718"}
    }
    assert found["instanceType"] == "p5.48xlarge"
    assert "placement" not in found


def test_a_reservation_is_targeted_and_placed_where_it_was_made() -> None:
    found = template_of(one(capacity={"reservation": RESERVED}))
    assert found["capacityReservationSpecification"] == {
        "capacityReservationTarget": {"capacityReservationId": "cr-0a1b2c3d"}
    }
    assert found["placement"] == {"groupName": "theirs"}
    assert "instanceMarketOptions" not in found


@pytest.mark.parametrize("capacity", ["spot", "onDemand"])
def test_spot_is_the_node_groups_business(capacity: str) -> None:
    """EKS refuses a template that asks for it too."""
    found = template_of(one(capacity=capacity))
    assert "instanceMarketOptions" not in found
    assert "capacityReservationSpecification" not in found


def test_a_group_of_its_own_is_made_before_the_template() -> None:
    graph = built(one(count=2))
    group = graph.one("PlacementGroup")
    assert group.inputs["strategy"] == "cluster"
    assert group.inputs["name"] == "aws-test-train"
    template = graph.one(TEMPLATE)
    assert template.inputs["placement"] == {"groupName": "aws-test-train"}
    assert group.name in template.depends_on


def test_no_group_where_none_is_made() -> None:
    assert not built(one(**IN_BLOCK)).of("PlacementGroup")


def test_the_metadata_service_wants_a_token_and_answers_no_pod() -> None:
    found = template_of(one())["metadataOptions"]
    assert found == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}


def test_the_root_disk_is_encrypted() -> None:
    (disk,) = template_of(one(rootDiskGib=321))["blockDeviceMappings"]
    assert disk["deviceName"] == "/dev/xvda"
    assert disk["ebs"] == {
        "volumeType": "gp3", "volumeSize": 321, "encrypted": "true", "deleteOnTermination": "true",
    }  # fmt: skip


def test_what_is_launched_bears_the_stacks_tags() -> None:
    tags = {"owner": "research", "Name": "aws-test-train"}
    assert template_of(one())["tagSpecifications"] == [
        {"resourceType": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
    ]


def test_no_tag_that_changes_in_operation_rolls_nodes() -> None:
    found = lasting({"penstock:expires": "2027-03-04", "penstock:budget-usd-per-hour": "77", "penstock:stack": "s"})
    assert found == {"penstock:stack": "s"}


def test_nodes_follow_the_control_plane() -> None:
    assert built(one()).one("NodeGroup").inputs["version"] == "1.34"


def test_nodes_have_the_release_that_is_asked_for() -> None:
    pinned = replace(one(), release="1.34.6-20260512")
    assert built(pinned).one("NodeGroup").inputs["releaseVersion"] == "1.34.6-20260512"


def test_eks_chooses_the_image_of_its_own_nodes() -> None:
    found = template_of(one())
    assert "imageId" not in found
    assert "iamInstanceProfile" not in found


def test_pcs_and_batch_bring_what_they_need() -> None:
    def program() -> None:
        LaunchTemplate("a", plan=one(), security_group_ids=["sg-1"], image_id="ami-1", instance_profile_arn="arn:p")

    found = register(program, outputs=MADE).one(TEMPLATE).inputs
    assert (found["imageId"], found["iamInstanceProfile"]) == ("ami-1", {"arn": "arn:p"})
    assert "userData" not in found


# The node group


def test_a_managed_group() -> None:
    graph = built(one(count=2, minCount=1, maxCount=4, labels={"tier": "gold"}, capacity="spot"))
    found = graph.one("NodeGroup")
    assert found.parent == "aws-test-train"
    assert "gate" in found.depends_on
    assert found.inputs["nodeGroupName"] == "train"
    assert found.inputs["amiType"] == "AL2023_x86_64_NVIDIA"
    assert found.inputs["capacityType"] == "SPOT"
    assert "instanceTypes" not in found.inputs
    assert found.inputs["launchTemplate"] == {"id": "aws-test-train-id", "version": "7"}
    assert found.inputs["scalingConfig"] == {"minSize": 1, "maxSize": 4, "desiredSize": 2}
    assert found.inputs["tags"] == {"Name": "aws-test-train", "penstock:nodes": "2"}
    assert found.inputs["subnetIds"] == ["subnet-use2-az1"]
    assert found.inputs["labels"]["tier"] == "gold"
    assert found.inputs["labels"]["penstock.dev/capacity"] == "spot"
    assert found.inputs["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert found.inputs["nodeRepairConfig"]["enabled"] is True
    assert graph.result == "eks-train-1"


@pytest.mark.parametrize(("keys", "most"), [({"count": 2}, 1), (IN_BLOCK, 3), ({"count": 2, "maxCount": 40}, 4)])
def test_accelerators_are_repaired_with_bounds_and_for_faults_of_their_own(keys: dict[str, Any], most: int) -> None:
    repair = built(one(**keys)).one("NodeGroup").inputs["nodeRepairConfig"]
    assert (repair["maxParallelNodesRepairedCount"], repair["maxUnhealthyNodeThresholdCount"]) == (1, most)
    left_alone = {each["nodeUnhealthyReason"]: each["repairAction"] for each in repair["nodeRepairConfigOverrides"]}
    assert left_alone == dict.fromkeys(("DCGMError", "NvidiaXID13Error", "NvidiaXID31Error"), "NoAction")
    assert {each["nodeMonitoringCondition"] for each in repair["nodeRepairConfigOverrides"]} == {
        "AcceleratedHardwareReady"
    }


def test_machines_without_accelerators_are_repaired_as_eks_does_it_and_none_where_it_is_off() -> None:
    assert built(one("m7i.large")).one("NodeGroup").inputs["nodeRepairConfig"] == {"enabled": True}
    off = replace(one(count=2), node_repair=False)
    assert built(off).one("NodeGroup").inputs["nodeRepairConfig"] == {"enabled": False}


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({}, "ON_DEMAND"),
        ({"capacity": "spot"}, "SPOT"),
        ({"capacity": {"reservation": RESERVED}}, "ON_DEMAND"),
        (IN_BLOCK, "CAPACITY_BLOCK"),
    ],
)
def test_eks_is_told_how_machines_are_had(keys: dict[str, Any], kind: str) -> None:
    assert built(one(**keys)).one("NodeGroup").inputs["capacityType"] == kind


@pytest.mark.parametrize(
    ("keys", "sized_later", "ignored"),
    [
        ({"count": 2}, True, ("scalingConfig",)),
        ({"count": 2}, False, ()),
        ({"count": 2, "maxCount": 4}, False, ("scalingConfig",)),
        (IN_BLOCK, False, ("scalingConfig",)),
    ],
)
def test_a_size_that_others_change_is_left_alone(
    keys: dict[str, Any], sized_later: bool, ignored: tuple[str, ...]
) -> None:
    assert built(one(**keys), sized_later=sized_later).one("NodeGroup").ignore_changes == ignored


@pytest.mark.parametrize("keys", [{"count": 2}, {"count": 2, "minCount": 1}, {"count": 2, "capacity": "spot"}])
def test_a_group_that_the_gate_sizes_is_made_without_nodes(keys: dict[str, Any]) -> None:
    """EKS gives up one whose first nodes are not to be had: the field rule sees it where that is undone."""
    graph = built(one(**keys), sized_later=True)
    assert graph.one("NodeGroup").inputs["scalingConfig"] == {"minSize": 0, "maxSize": 2, "desiredSize": 0}
    assert found_in(graph, "shortage") == []
    (found,) = found_in(built(one(**keys)), "shortage")
    assert found.startswith("train is made with 2 nodes")


@pytest.mark.parametrize(("plan", "token"), [(one(), "NodeGroup"), (gb200(), "aws:autoscaling/group:Group")])
def test_machines_are_given_back_before_others_are_asked_for(plan: AwsNodePoolPlan, token: str) -> None:
    assert built(plan).one(token).delete_before_replace


def test_machines_with_accelerators_go_before_others_come() -> None:
    assert built(one()).one("NodeGroup").inputs["updateConfig"] == {
        "maxUnavailablePercentage": 33, "updateStrategy": "MINIMAL",
    }  # fmt: skip
    assert built(one("m7i.large")).one("NodeGroup").inputs["updateConfig"] == {"maxUnavailablePercentage": 33}


def test_a_block_is_filled_and_emptied_by_the_clock() -> None:
    graph = built(one(**IN_BLOCK))
    assert graph.one("NodeGroup").inputs["scalingConfig"] == {"minSize": 0, "maxSize": 32, "desiredSize": 0}
    start, drain = graph.of("Schedule")
    assert (start.name, drain.name) == ("aws-test-train-start", "aws-test-train-drain")
    for found, time, nodes in ((start, "2027-11-01T11:30:00Z", 32), (drain, "2027-11-15T10:30:00Z", 0)):
        assert found.inputs["autoscalingGroupName"] == "eks-train-1"
        assert found.inputs["startTime"] == time
        assert (found.inputs["minSize"], found.inputs["maxSize"], found.inputs["desiredCapacity"]) == (0, 32, nodes)


def test_a_start_that_is_past_is_not_scheduled() -> None:
    (plan,) = plans(pool(**IN_BLOCK), now=NOW + timedelta(days=40))
    graph = built(plan)
    assert graph.one("NodeGroup").inputs["scalingConfig"]["desiredSize"] == 32
    assert graph.one("Schedule").name == "aws-test-train-drain"


@pytest.mark.parametrize(
    "plan", [one(**IN_BLOCK), one("g6.xlarge", capacity="spot"), gb200()], ids=lambda plan: plan.ami_type
)
def test_a_preview_asks_for_the_same_resources(plan: AwsNodePoolPlan) -> None:
    there, ahead = built(plan), built(plan, preview=True)
    assert [(each.token, each.name) for each in ahead.registrations] == [
        (each.token, each.name) for each in there.registrations
    ]


def test_the_number_of_resources_does_not_grow_with_nodes() -> None:
    few, many = built(one(count=2)), built(one(count=5000))
    assert len(few.registrations) == len(many.registrations)


# User data


def test_a_managed_node_is_told_of_pods_and_disks_only() -> None:
    assert config_of(template_of(one(count=2)))["spec"] == {
        "kubelet": {"config": {"maxPods": 51}},
        "instance": {"localStorage": {"strategy": "RAID0"}},
    }
    assert config_of(template_of(one("m7i.large")))["spec"] == {"kubelet": {"config": {"maxPods": 29}}}


def test_a_self_managed_group_joins_by_itself() -> None:
    graph = built(gb200())
    group, template = graph.one("aws:autoscaling/group:Group"), graph.one(TEMPLATE).inputs
    assert not graph.of("NodeGroup")
    assert "gate" in group.depends_on
    assert graph.one("InstanceProfile").inputs["role"] == "node"
    assert template["imageId"].startswith(
        "resolve:ssm:/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/nvidia"
    )
    assert template["capacityReservationSpecification"]["capacityReservationTarget"] == {
        "capacityReservationResourceGroupArn": GROUP
    }
    assert (group.inputs["minSize"], group.inputs["maxSize"], group.inputs["desiredCapacity"]) == (0, 2, 0)
    assert group.inputs["waitForCapacityTimeout"] == "0"
    assert group.ignore_changes == ("desiredCapacity",)
    assert {"key": "kubernetes.io/cluster/aws-test", "value": "owned", "propagateAtLaunch": True} in group.inputs[
        "tags"
    ]
    assert [each.inputs["autoscalingGroupName"] for each in graph.of("Schedule")] == ["aws-test-train"] * 2
    config = config_of(template)
    assert config["spec"]["cluster"] == {
        "name": "aws-test",
        "apiServerEndpoint": "https://example.eks.amazonaws.com",
        "certificateAuthority": "Q0E=",
        "cidr": "172.20.0.0/16",
    }
    assert config["spec"]["kubelet"]["flags"] == [
        "--node-labels=penstock.dev/capacity=capacity-block,penstock.dev/pool=train,tier=gold",
        "--register-with-taints=nvidia.com/gpu=present:NoSchedule",
    ]


def test_user_data_is_the_same_each_time() -> None:
    """Other user data would be another version of the template, and new nodes."""
    cluster = user_data.JoinedCluster(name="a", endpoint="https://b", certificate_authority="c", service_cidr="d")
    taint = Taint(key="k", value="", effect=TaintEffect.NO_EXECUTE)
    (plan,) = plans(pool(count=2))
    texts = {
        user_data.self_managed(replace(plan, labels=labels, taints=(taint,)), cluster)
        for labels in ({"x": "1", "y": "2"}, {"y": "2", "x": "1"})
    }
    assert len(texts) == 1
    assert "--register-with-taints=k=:NoExecute" in texts.pop()


def test_nodes_are_set_up_for_a_file_system_on_their_fabric_before_the_kubelet_starts(tmp_path: Path) -> None:
    """The script is the first part, as cloud-init runs it before nodeadm, and is one that a shell can read."""
    (plan,) = plans(pool(count=2))
    assert "x-shellscript" not in user_data.managed(plan)
    parts = list(message_from_string(user_data.managed(replace(plan, file_system_module="kefalnd"))).walk())[1:]
    assert [part.get_content_type() for part in parts] == ["text/x-shellscript", "application/node.eks.aws"]
    script = str(parts[0].get_payload())
    inner = [text.partition("PENSTOCK\n")[0] for text in script.split("<<'PENSTOCK'\n")[1:]]
    for number, text in enumerate([script, *(one for one in inner if one.startswith("#!"))]):
        file = tmp_path / str(number)
        file.write_text(text)
        assert subprocess.run(["bash", "-n", str(file)], check=False).returncode == 0, text
    assert "ExecStart=/usr/local/sbin/penstock-lnet 8\n" in script
    assert f"lru_size={100 * plan.machine.cores}'" in script


def test_interfaces_are_taken_evenly_from_those_that_there_are(tmp_path: Path) -> None:
    """The very loop, with devices and programs of this test's own."""
    (plan,) = plans(pool(count=2))
    script = user_data.managed(replace(plan, file_system_module="kefalnd"))
    lines = script.partition("penstock-lnet <<'PENSTOCK'\n")[2].partition("PENSTOCK\n")[0]
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {"modprobe": "", "ip": "echo default via 10.0.0.1 dev ens5", "lnetctl": 'echo "$@"'}.items():
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)
    for number in range(32):
        device = tmp_path / "infiniband" / f"rdmap{number:02d}s0" / "device"
        device.mkdir(parents=True)
        (device / "driver").symlink_to(tmp_path / ("efa" if number else "mlx5"))
    done = subprocess.run(
        ["bash", "-c", lines.replace("/sys/class/infiniband", str(tmp_path / "infiniband")), "lnet", "8"],
        env={"PATH": f"{tools}:/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    added = [line.split()[5] for line in done.stdout.splitlines() if line.startswith("net add --net efa")]
    assert added == [f"rdmap{number:02d}s0" for number in range(1, 25, 3)]
    assert "net add --net tcp --if ens5" in done.stdout


@pytest.mark.parametrize("managed", [True, False])
def test_a_big_pool_is_waited_for_longer_than_the_provider_does(managed: bool) -> None:
    (plan,) = plans(pool(count=32)) if managed else plans(pool(count=18) | GB200, region="us-east-1")
    assert plan.self_managed is not managed
    assert found_in(built(plan), "patience") == []


def test_a_group_of_ones_own_takes_a_changed_template_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    (plan,) = plans(pool(count=18) | GB200, region="us-east-1")
    assert found_in(built(plan), "rolling") == []
    monkeypatch.setattr("providers.aws.nodes.build._ALL_AT_ONCE", None)
    assert any("no refresh is set" in one for one in found_in(built(plan), "rolling"))


def test_a_spot_pool_names_its_machine_types_in_the_group_and_none_in_the_template() -> None:
    asked = {"spot": {"alternatives": ["m7a.2xlarge"], "fallback": "onDemand"}}
    spot, fallback = plans(pool("web", "m7i.2xlarge", count=2, maxCount=8, capacity=asked))
    for plan in (spot, fallback):
        graph = built(plan)
        assert graph.one("NodeGroup").inputs["instanceTypes"] == ["m7i.2xlarge", "m7a.2xlarge"]
        assert "instanceType" not in graph.one("aws:ec2/launchTemplate:LaunchTemplate").inputs
        assert found_in(graph, "mixed") == []
