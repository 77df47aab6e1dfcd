"""Proof of a stack on the lab: nothing is asked of a pool that the acceptance gate keeps shut."""

from typing import Any

from engine.state import Resource, StackState
from lab.proof import Deployed

POOL = "penstock.dev/pool"
POOLS = [{"pool": name, "selector": {POOL: name}} for name in ("train", "serve")]


def resource(token: str, inputs: dict[str, Any], **outputs: Any) -> Resource:
    urn = f"urn:pulumi:lab::penstock::{token}::x"
    return Resource(urn=urn, type=token, id="x", inputs=inputs, outputs=outputs, init_errors=(), retained=False)


def deployed(*shut: str) -> Deployed:
    """A job of the pool `train`, and a service of `serve` with its canary."""
    job: dict[str, Any] = {
        "kind": "JobSet",
        "metadata": {"name": "run", "labels": {"penstock.dev/job": "x", POOL: "train"}},
    }
    spec = {"template": {"spec": {"nodeSelector": {POOL: "serve"}}}}
    made: list[dict[str, Any]] = [
        {"kind": kind, "metadata": {"name": name, "labels": {"penstock.dev/service": "serve"}}, "spec": spec}
        for name in ("serve", "serve-canary")
        for kind in ("Deployment", "Service")
    ]
    gate = resource("penstock:kubernetes:Gate", {"pools": POOLS}, shut=dict.fromkeys(shut, "short"))
    objects = [resource("kubernetes:x/v1:Any", body) for body in (job, *made)]
    return Deployed.of(StackState(resources=(gate, *objects), pending=()))


def test_only_what_is_in_an_open_pool_is_proven() -> None:
    everything = deployed()
    assert everything.job
    assert everything.service
    assert everything.waiting == ()
    trained = deployed("serve")
    assert trained.job
    assert trained.service is None
    assert trained.waiting == (
        "Deployment serve waits: serve is shut", "Deployment serve-canary waits: serve is shut"
    )  # fmt: skip
    served = deployed("train")
    assert served.job is None
    assert served.service
    assert served.waiting == ("JobSet run waits: train is shut",)
