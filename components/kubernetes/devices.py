"""Resource names under which a node offers accelerators and fabric, as the vendors' device plugins have them."""

NVIDIA = "nvidia.com/gpu"
AMD = "amd.com/gpu"
NEURON = "aws.amazon.com/neuron"
TPU = "google.com/tpu"
"""Whole chips. Slices of one (`nvidia.com/mig-1g.10gb`) and Neuron's cores are others, never asked for."""

CLIQUE_LABEL = "nvidia.com/gpu.clique"
"""Label of a node by its NVLink domain and the partition of it (GPU Feature Discovery), where that spans machines."""

EFA = "vpc.amazonaws.com/efa"
RDMA = "rdma/"
"""Prefix of what the RDMA shared device plugin offers."""
SHARED_INFINIBAND = f"{RDMA}shared_ib"
"""InfiniBand that pods share, as Azure's own configuration calls it (Azure/aks-rdma-infiniband 700dabb, 2026-07)."""
