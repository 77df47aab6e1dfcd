"""Names and labels of what a job becomes."""

import hashlib
import json
from collections.abc import Callable, Mapping

from components.labels import JOB_LABEL, OWN_LABELS, POOL_LABEL, RUN_LABEL
from components.plan.kubernetes import Manifest
from components.plan.work import JobPlan

Render = Callable[[str], tuple[Manifest, ...]]

STEM_CHARACTERS = 31
"""Of a job's own name in that of its object. A pod is called after its object, with `-node-0-`, the number of the node
and five random characters; 63 is the limit of a DNS label, so 45 are left, 14 of which are for the two digests."""


def named(job: JobPlan, render: Render) -> tuple[Manifest, ...]:
    """Renders a manifest whose name tells the run and all of the content: other content has another name.

    Most of a job cannot be changed once it is made, so a change is a new object in place of the old.
    """
    stem = f"{job.name[:STEM_CHARACTERS].rstrip('-')}-{job.identity[:8]}"
    content = json.dumps(render(stem), sort_keys=True)
    return render(f"{stem}-{hashlib.sha256(content.encode()).hexdigest()[:4]}")


def labels(job: JobPlan) -> Mapping[str, str]:
    """By which a job's objects and pods are found."""
    return {
        **OWN_LABELS,
        JOB_LABEL: job.name,
        RUN_LABEL: job.identity[:16],
        POOL_LABEL: job.pool,
    }


def node_name(object_name: str, index: int) -> str:
    """Host name of a node's pod where its object is a JobSet with one job, `node`."""
    return f"{object_name}-node-0-{index}"
