"""Keys by which penstock's own things are found: tags of a cloud's resources, labels and annotations of Kubernetes.

They are named here only; a cloud says what is legal. Whoever judges a stack has words of their own, so that what
the product writes is judged by what it does not.
"""

from datetime import datetime

TAG_PREFIX = "penstock:"
"""Of tags that a user may not set."""
STACK = f"{TAG_PREFIX}stack"
"""Tag with the stack that a resource is of."""
EXPIRES, BUDGET = f"{TAG_PREFIX}expires", f"{TAG_PREFIX}budget-usd-per-hour"
"""Tags whose values change while a stack is there."""
DOMAIN = "penstock.dev"
"""Of labels and annotations that a user may not set."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "penstock"
OWN_LABELS = {MANAGED_BY: MANAGER}
"""On every Kubernetes object of penstock's."""

POOL_LABEL = f"{DOMAIN}/pool"
"""On every node: the name of its pool, where the cloud's binding has no label of its own. On a job: its pool."""
CAPACITY_LABEL = f"{DOMAIN}/capacity"
"""On a node: the way in which it is had."""
BLOCK_LABEL, RACK_LABEL = f"{DOMAIN}/block", f"{DOMAIN}/rack"
"""On a node of a machine room where nobody else says where it stands."""
QUARANTINE = f"{DOMAIN}/quarantine"
"""Key of the taint (NoSchedule) on a node that the acceptance gate found bad; its value is the failed check."""
SHUT = "pool"
"""Value of that taint on a node of a pool that the gate keeps shut, whatever the node itself is like."""
CORDONED = f"{DOMAIN}/cordoned"
"""On a node that the gate has cordoned, so that it may undo that and no more."""

STACK_LABEL = f"{DOMAIN}/stack"
"""On the namespace and on the note of what is installed: the stack whose they are."""
JOB_LABEL, RUN_LABEL = f"{DOMAIN}/job", f"{DOMAIN}/run"
SERVICE_LABEL, TRACK_LABEL = f"{DOMAIN}/service", f"{DOMAIN}/track"
SERVES = f"{DOMAIN}/serves"
"""Annotation: digest of the model that a service serves."""
CHECK_LABEL, CHECK_POOL_LABEL = f"{DOMAIN}/check", f"{DOMAIN}/check-pool"
"""On what the gate runs on nodes."""
SKIP_AWAIT = "pulumi.com/skipAwait"
"""Annotation of the engine's Kubernetes provider: whether the object is handed in and not waited for."""

PROCESS_MARK = "PENSTOCK_FOLDER"
"""In the environment of every process that penstock starts: the folder it works for. Children inherit it."""


def labels_for(stack: str, expires: datetime | None, budget_usd_per_hour: float | None) -> dict[str, str]:
    """Tags of everything of a stack: whose it is, until when, and what it may cost."""
    tags = {STACK: stack}
    if expires:
        tags[EXPIRES] = expires.isoformat()
    if budget_usd_per_hour:
        tags[BUDGET] = f"{budget_usd_per_hour:g}"
    return tags
