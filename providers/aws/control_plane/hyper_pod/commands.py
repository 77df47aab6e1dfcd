"""Installation of HyperPod's chart, which no registry has, by hand. Pure."""

COMMIT = "011ca927123e02b35a399935bbb3ab1905fe33c7"
"""Of aws/sagemaker-hyperpod-cli, whose helm_chart/HyperPodHelmChart was read there."""
_OURS = (
    "nvidia-device-plugin.devicePlugin",
    "aws-efa-k8s-device-plugin.devicePlugin",
    "neuron-device-plugin.devicePlugin",
    "mpi-operator",
    "trainingOperators",
)
"""Parts of the chart that penstock's own add-ons do, where the stack needs them."""

COMMANDS = (
    "`git clone https://github.com/aws/sagemaker-hyperpod-cli`, "
    f"`git -C sagemaker-hyperpod-cli checkout {COMMIT}`, "
    "`helm dependency update sagemaker-hyperpod-cli/helm_chart/HyperPodHelmChart`, "
    "`helm install hyperpod-dependencies sagemaker-hyperpod-cli/helm_chart/HyperPodHelmChart --namespace kube-system "
    f"{' '.join(f'--set {part}.enabled=false' for part in _OURS)}`"
)
"""Installation of the chart at one commit, beside penstock's own device plugins and operators."""
