"""A network with room for a gang of p5.48xlarge and its pods, and a Lustre file system that it reaches over EFA.

What runs there is this program's own affair: it exports the ids that a launch template or a node group needs.
"""

from datetime import UTC, datetime

import pulumi
import pulumi_aws as aws

from components.errors import PenstockError
from components.spec.cluster import ClusterSpec, NodePoolSpec
from components.spec.stack import StackSpec
from components.spec.storage import FileSystemSpec, StorageSpec
from providers.aws.network.build import Network
from providers.aws.plan import AwsPlan, plan
from providers.aws.reach_settings import ReachSpec, SsmHostSpec
from providers.aws.settings import AwsSpec, EksSpec
from providers.aws.storage.file_system import FileSystem

config = pulumi.Config()
region = config.require("region")


def decide() -> AwsPlan:
    """Sizes, zone and addresses; what AWS would refuse is told before anything is registered."""
    gang = NodePoolSpec(name="train", machine_type="p5.48xlarge", count=config.require_int("nodes"))
    files = FileSystemSpec(capacity_tib=9.6, throughput_mbps_per_tib=500, fabric=True)
    spec = StackSpec(
        cluster=ClusterSpec(cloud="aws", region=region, node_pools=(gang,)),
        storage=StorageSpec(file_system=files),
        settings=AwsSpec(control_plane=EksSpec(reach=ReachSpec(ssm_host=SsmHostSpec()))),
    )
    try:
        return plan(spec, pulumi.get_stack(), datetime.now(UTC))
    except PenstockError as problem:
        raise pulumi.RunError(str(problem)) from None


decided = decide()
account = aws.Provider("aws", region=region, default_tags=aws.ProviderDefaultTagsArgs(tags=dict(decided.tags)))
own = pulumi.ResourceOptions(provider=account)
network = Network("net", plan=decided.network, opts=pulumi.ResourceOptions(providers=[account])).handle

key = aws.kms.Key("data", description="Data of the gang", enable_key_rotation=True, opts=own)
lustre, gang = decided.storage.file_system, network.gang_security_group_id
assert lustre is not None
assert gang is not None
files = FileSystem(
    "files",
    plan=lustre,
    vpc_id=network.vpc_id,
    subnet_id=network.subnet_ids[lustre.subnet],
    key_arn=key.arn,
    clients={"gang": gang},
    opts=pulumi.ResourceOptions(providers=[account]),
).handle

pulumi.export("subnet", network.subnet_ids[lustre.subnet])
pulumi.export("securityGroup", gang)
pulumi.export("mount", pulumi.Output.concat(files.dns_name, "@tcp:/", files.mount_name))
