"""Rows of AWS for machine types: their devices, and the labels that a node of them gets."""

from rehearsal.field.facts import MachineRow, NodeLabelRow
from rehearsal.providers.aws.resource_types import GPU, NEURON

# Devices of machine types: EC2 User Guide, accelerated computing instances.
MACHINES = (
    MachineRow(pattern="p6e-gb[23]00.*", device=GPU, count=4, architecture="arm64"),
    MachineRow(pattern="p5.4xlarge", device=GPU, count=1),
    MachineRow(pattern="p[3456]*.48xlarge", device=GPU, count=8),
    MachineRow(pattern="p4d*.24xlarge", device=GPU, count=8),
    MachineRow(pattern="p3dn.24xlarge", device=GPU, count=8),
    MachineRow(pattern="[cmrt][4-9]g*.*", device="", count=0, architecture="arm64"),
    MachineRow(pattern="gr6.*", device=GPU, count=1),
    MachineRow(pattern="g[567]*.48xlarge", device=GPU, count=8),
    MachineRow(pattern="g[567]*.24xlarge", device=GPU, count=4),
    MachineRow(pattern="g[4567]*.12xlarge", device=GPU, count=4),
    MachineRow(pattern="g4dn.metal", device=GPU, count=8),
    MachineRow(pattern="g5g.*", device=GPU, count=0, architecture="arm64"),
    MachineRow(pattern="g[4567]*.*xlarge", device=GPU, count=1),
    MachineRow(pattern="trn1*.32xlarge", device=NEURON, count=16),
    MachineRow(pattern="trn2*.48xlarge", device=NEURON, count=16),
    MachineRow(pattern="trn[12].*xlarge", device=NEURON, count=1),
    MachineRow(pattern="inf[12].*", device=NEURON, count=0),
)

# Layers of the network that EC2 describes, by which the cloud controller labels nodes: all else has none of them.
REGION = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.k8s.aws/zone-id")
INSTANCE_TOPOLOGY = "EC2 User Guide, Prerequisites for Amazon EC2 topology: supported instance types"
LABELLED = (
    *(
        NodeLabelRow(
            pattern=pattern,
            source=INSTANCE_TOPOLOGY,
            keys=(*REGION, *(f"topology.k8s.aws/network-node-layer-{layer}" for layer in range(1, layers + 1)), *more),
        )
        for layers, more, patterns in (
            (4, (), ("p6-b200.48xlarge", "p6-b300.48xlarge")),
            (3, ("nvidia.com/gpu.clique",), ("p6e-gb200.36xlarge",)),
            (
                3,
                (),
                (
                    "g6e.*",
                    "g7e.*",
                    "hpc*",
                    "p3dn.24xlarge",
                    "p4d.24xlarge",
                    "p4de.24xlarge",
                    "p5.48xlarge",
                    "p5e.48xlarge",
                    "p5en.48xlarge",
                    "trn1.*",
                    "trn1n.32xlarge",
                    "trn2.48xlarge",
                    "trn2u.48xlarge",
                ),
            ),
            (0, (), ("*",)),
        )
        for pattern in patterns
    ),
)
