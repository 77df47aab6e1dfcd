"""Rows of FSx for Lustre over EFA for the field rules."""

from rehearsal.field.service_facts import FabricMountRow

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

FABRIC_MOUNTS = (
    FabricMountRow(
        file_system="aws:fsx/lustreFileSystem:LustreFileSystem", enabled="efaEnabled",
        zone="subnetIds>availabilityZone", template=TEMPLATE, data="userData", machine="instanceType",
        interfaces="networkInterfaces.interfaceType", kind="efa",
        # Before Nitro v4, and trn2 (FSx for Lustre User Guide, Configuring EFA clients).
        without=("dl1.*", "g4dn.*", "g5.*", "p3dn.*", "p4d.*", "p4de.*", "inf1.*", "*5n.*", "*5dn.*", "trn2*"),
        users=(
            ("aws:eks/nodeGroup:NodeGroup", "launchTemplate.id", "subnetIds>availabilityZone"),
            ("aws:autoscaling/group:Group", "launchTemplate.id", "vpcZoneIdentifiers>availabilityZone"),
            (
                "aws:cloudcontrol/resource:Resource", "desiredState.CustomLaunchTemplate.TemplateId",
                "desiredState.SubnetIds>availabilityZone",
            ),
            (
                "aws:batch/computeEnvironment:ComputeEnvironment", "computeResources.launchTemplate.launchTemplateId",
                "computeResources.subnets>availabilityZone",
            ),
        ),
        steps=(
            (r"\blustre-client\b", "does not see to Lustre's client, which EKS's image lacks"),
            (r"^\s*modprobe kefalnd\b", "does not load Lustre's driver for EFA"),
            (r"^\s*lnetctl net add --net efa\b", "adds no network over EFA to lnet"),
            (r"^systemctl enable\b.*\blnet\b", "is run once, and a restart brings TCP back"),
        ),
        source="FSx for Lustre User Guide, Configuring EFA clients; awslabs/amazon-eks-ami 2696: not in the image",
    ),
)  # fmt: skip
