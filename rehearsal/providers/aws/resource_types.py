"""Resource types of AWS that rows of several subjects name, and devices of its nodes."""

CLUSTER, NODE_GROUP = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
TEMPLATE, ADDON = "aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/addon:Addon"
LUSTRE, BATCH = "aws:fsx/lustreFileSystem:LustreFileSystem", "aws:batch/computeEnvironment:ComputeEnvironment"
IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
GPU, NEURON, EFA = "nvidia.com/gpu", "aws.amazon.com/neuron", "vpc.amazonaws.com/efa"
