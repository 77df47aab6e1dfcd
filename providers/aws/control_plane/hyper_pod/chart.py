"""HyperPod's chart, which a stack file says to be on the cluster, against the cluster: is it there?"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from components.errors import Problem
from components.kubernetes.api import ApiError, KubernetesApi, UnreachableError
from components.kubernetes.kubeconfig import KubeconfigError, parse_kubeconfig
from providers.aws.asked import asked
from providers.aws.control_plane.hyper_pod.commands import COMMANDS
from providers.aws.tunnel.token import direct_command

PATH = "aws.hyperPod.chartInstalled"
SPACE, AGENT = "aws-hyperpod", "health-monitoring-agent"
"""A DaemonSet of the chart, which no value of those above leaves out."""

Open = Callable[[str], KubernetesApi]
"""From a kubeconfig to the API that it names."""


def chart_problems(
    cluster: str, region: str, identity: Mapping[str, str], eks: Any, connect: Open | None = None
) -> list[Problem]:
    """Problems of a cluster that is not there, or that has not the chart; SpecError where AWS does not say.

    An API server that does not answer from here says neither: `up` needs it too, and tells.
    """
    request = partial(eks.describe_cluster, name=cluster)
    answer = asked("eks:DescribeCluster", PATH, request, absent=("ResourceNotFoundException",))
    if answer is None:
        told = f"true, but there is no cluster {cluster!r} yet that could have the chart"
        message = f"{told}; run `up` without aws.hyperPod, its pools and storage.fileSystem first, and install it"
        return [Problem(path=PATH, message=message)]
    document = json.dumps(_kubeconfig(answer["cluster"], direct_command(cluster, region, identity)))
    try:
        with (connect or _connect)(document) as api:
            if api.get("apps/v1", "DaemonSet", AGENT, SPACE) is not None:
                return []
    except (ApiError, KubeconfigError, UnreachableError):
        return []
    told = f"true, but {cluster!r} has no DaemonSet {AGENT} in {SPACE}, which the chart brings; install it: "
    return [Problem(path=PATH, message=f"{told}{COMMANDS}")]


def _kubeconfig(cluster: Mapping[str, Any], command: Mapping[str, Any]) -> Mapping[str, Any]:
    """By the API server's own address: one that only a host leads to does not answer, and is not asked."""
    name = cluster["name"]
    server = {"server": cluster["endpoint"], "certificate-authority-data": cluster["certificateAuthority"]["data"]}
    return {
        "current-context": name,
        "clusters": [{"name": name, "cluster": server}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {"exec": command}}],
    }


def _connect(document: str) -> KubernetesApi:
    return KubernetesApi(parse_kubeconfig(document), timeout_s=10.0)
