"""HyperPod's chart, which a stack file says to be on the cluster, against the account: there has to be that cluster."""

from functools import partial
from typing import Any

from components.errors import Problem
from providers.aws.asked import asked

_PATH = "aws.hyperPod.chartInstalled"


def chart_problems(cluster: str, eks: Any) -> list[Problem]:
    """The problem of a cluster that this `up` would only make; SpecError where AWS does not say."""
    request = partial(eks.describe_cluster, name=cluster)
    if asked("eks:DescribeCluster", _PATH, request, absent=("ResourceNotFoundException",)) is not None:
        return []
    told = f"true, but there is no cluster {cluster!r} yet that could have the chart"
    message = f"{told}; run `up` without aws.hyperPod, its pools and storage.fileSystem first, and install it"
    return [Problem(path=_PATH, message=message)]
