"""Every add-on, by name."""

from collections.abc import Mapping
from types import ModuleType
from typing import cast

from components.platform.addons import (
    cluster_autoscaler,
    dcgm_exporter,
    efa_device_plugin,
    external_dns,
    fluent_bit,
    gateway_api,
    gpu_operator,
    kai_scheduler,
    keda,
    kube_prometheus_stack,
    kubeflow_trainer,
    kuberay_operator,
    kueue,
    leader_worker_set,
    load_balancer_controller,
    loki,
    mpi_operator,
    network_operator,
    neuron,
    node_problem_detector,
    nvidia_dra_driver,
    prometheus_adapter,
    slurm,
    volcano,
)
from components.platform.addons.rows import ChartAddon, addon_rows
from components.platform.request import Addon

_ORDER: tuple[str | ModuleType, ...] = (
    "cert-manager",
    kube_prometheus_stack,
    "node-feature-discovery",
    gpu_operator,
    network_operator,
    nvidia_dra_driver,
    efa_device_plugin,
    neuron,
    dcgm_exporter,
    node_problem_detector,
    "nvsentinel",
    "topograph",
    "jobset",
    kueue,
    volcano,
    kai_scheduler,
    kubeflow_trainer,
    kuberay_operator,
    mpi_operator,
    "slurm-operator",
    slurm,
    leader_worker_set,
    keda,
    prometheus_adapter,
    "metrics-server",
    load_balancer_controller,
    gateway_api,
    external_dns,
    loki,
    fluent_bit,
    "opentelemetry-collector",
    "karpenter",
    cluster_autoscaler,
    "rook-ceph",
    "weka-csi",
)
"""Monitoring first, then the nodes' software, then schedulers, then the software of services. A name is a row's."""

_ALL = (addon_rows()[each] if isinstance(each, str) else cast("Addon", each) for each in _ORDER)
ADDONS: Mapping[str, Addon] = {addon.NAME: addon for addon in _ALL}


def about(addon: Addon) -> str:
    """Description of an add-on, for editors: its row's, or the first line of its module."""
    return addon.about if isinstance(addon, ChartAddon) else (addon.__doc__ or "").partition("\n")[0]
