"""A real Kubernetes control plane on this machine, in a namespace of its own, with nodes that run pods as processes."""
