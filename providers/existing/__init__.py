"""Any Kubernetes that is there already, by its kubeconfig."""
