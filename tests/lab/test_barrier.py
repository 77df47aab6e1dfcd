"""The barrier and the drains on a real control plane, with definitions and finalizers of the test's own."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.errors import PenstockError
from components.kubernetes.api import ApiError, KubernetesApi
from lab.lab import Lab
from plugin.calls import Call
from plugin.console import Voice
from plugin.kubernetes import namespace_drain, ready
from plugin.kubernetes.barrier import missing
from tests.lab.test_control_plane import eventually

CRD = "gadgets.test.penstock.dev"
HOOK = "default/late"


class Lines:
    def log(self, urn: str, text: str, *, severity: Any, ephemeral: bool) -> None: ...


@pytest.fixture
def inputs(lab: Lab) -> dict[str, Any]:
    text = Path(lab.kubeconfig).read_text()
    return {"kubeconfig": text, "crds": [CRD], "webhooks": [], "timeoutS": 30, "namespace": "default", "patienceS": 6}


@pytest.fixture
def call() -> Call:
    urn = "urn:pulumi:lab::penstock::penstock:kubernetes:Ready::lab"
    return Call(urn=urn, voice=Voice(Lines(), urn), cancelled=threading.Event())


def definition() -> dict[str, Any]:
    size = {"type": "integer", "minimum": 3}
    spec = {"type": "object", "required": ["size"], "properties": {"size": size}}
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD},
        "spec": {
            "group": "test.penstock.dev",
            "scope": "Namespaced",
            "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"},
            "versions": [version],
        },
    }


def gadget(name: str, *finalizers: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "finalizers": list(finalizers)}
    return {"apiVersion": "test.penstock.dev/v1", "kind": "Gadget", "metadata": metadata, "spec": {"size": 3}}


def test_it_waits_until_a_late_definition_is_established(
    api: KubernetesApi, call: Call, inputs: dict[str, Any]
) -> None:  # fmt: skip
    assert missing(api, [CRD], []) == [f"the definition {CRD}, which is not there"]
    late = threading.Timer(3.0, lambda: api.create(definition()))
    late.start()
    ready.create(call, inputs)
    assert missing(api, [CRD], []) == []


def test_a_webhook_that_does_not_answer_is_not_ready(
    api: KubernetesApi, call: Call, inputs: dict[str, Any]
) -> None:  # fmt: skip
    """Its Service has an endpoint, but nobody listens there: only the API server can tell."""
    hook = {
        "name": "late.test.penstock.dev",
        "clientConfig": {"service": {"namespace": "default", "name": "late", "path": "/"}},
        "rules": [
            {
                "apiGroups": ["test.penstock.dev"],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["gadgets"],
            }
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 2,
    }
    late = {"name": "late", "namespace": "default"}
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": late, "spec": {"ports": [{"port": 443}]}})
    assert missing(api, [CRD], [HOOK]) == [f"the webhook {HOOK}, which has no ready pod"]
    api.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "late", "namespace": "default", "labels": {"kubernetes.io/service-name": "late"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.88.77.77"]}],
            "ports": [{"port": 443}],
        }
    )
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "late"},
        "webhooks": [hook],
    }
    api.create(configuration)
    end = time.monotonic() + 20  # the API server learns of a webhook within a second or so
    while not missing(api, [CRD], [HOOK]) and time.monotonic() < end:
        time.sleep(0.2)
    (waiting,) = missing(api, [CRD], [HOOK])
    assert waiting.startswith(f"the webhook {HOOK}, which does not answer")
    with pytest.raises(PenstockError, match="does not answer"):
        ready.create(call, inputs | {"webhooks": [HOOK], "timeoutS": 5})
    api.delete("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "late")
    ready.update(call, inputs, inputs | {"webhooks": [HOOK]})


def test_a_destroy_names_what_a_finalizer_holds(api: KubernetesApi, call: Call, inputs: dict[str, Any]) -> None:
    api.create(gadget("free"))
    api.create(gadget("held", "test.penstock.dev/controller"))
    with pytest.raises(PenstockError, match=r"Gadget default/held \(held by test.penstock.dev/controller\)"):
        ready.delete(call, inputs | {"timeoutS": 5})
    assert [one["metadata"]["name"] for one in api.list("test.penstock.dev/v1", "Gadget")] == ["held"]
    api.patch(gadget("held"))
    ready.delete(call, inputs)
    assert api.list("test.penstock.dev/v1", "Gadget") == []


def policy(name: str) -> Iterator[dict[str, Any]]:
    """No gadget called `kept` is deleted, as some controllers keep objects of their own."""
    group = "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": ["test.penstock.dev"], "apiVersions": ["v1"], "resources": ["gadgets"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule | {"operations": ["DELETE"]}]},
        "validations": [{"expression": "request.name != 'kept'"}],
    }
    for kind, body in (
        ("ValidatingAdmissionPolicy", spec),
        ("ValidatingAdmissionPolicyBinding", {"policyName": name, "validationActions": ["Deny"]}),
    ):
        yield {"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": body}


def test_what_a_controller_keeps_for_itself_goes_with_its_definition(
    api: KubernetesApi, call: Call, inputs: dict[str, Any]
) -> None:  # fmt: skip
    api.apply(definition(), force=True)
    ready.create(call, inputs)
    rules = tuple(policy("keeps-one"))
    for body in (*rules, gadget("kept"), gadget("other")):
        api.create(body)
    eventually(lambda: _is_denied(api), "the policy works")

    ready.delete(call, inputs)

    assert [one["metadata"]["name"] for one in api.list("test.penstock.dev/v1", "Gadget")] == ["kept"]
    for body in rules:
        api.delete(body["apiVersion"], body["kind"], body["metadata"]["name"])
    api.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", CRD)
    eventually(lambda: api.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", CRD) is None, "it is gone")


def _is_denied(api: KubernetesApi) -> bool:
    path = api.kind("test.penstock.dev/v1", "Gadget").path("default", "kept")
    try:
        api.call("DELETE", path, query={"dryRun": "All"})
    except ApiError:
        return True
    return False


def test_load_balancers_and_foreign_claims_go_and_nothing_else(
    api: KubernetesApi, call: Call, inputs: dict[str, Any]
) -> None:  # fmt: skip
    for name, kind in (("outside", "LoadBalancer"), ("inside", "ClusterIP")):
        metadata = {"name": name, "namespace": "default"}
        spec = {"type": kind, "ports": [{"port": 80}]}
        api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for name, labels in (("own", {"app.kubernetes.io/managed-by": "penstock"}), ("foreign", {"app": "database"})):
        marked: dict[str, Any] = {"name": name, "namespace": "default", "labels": labels}
        api.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": marked, "spec": claim})
    namespace_drain.DRAIN.delete(call, inputs)
    assert api.get("v1", "Service", "outside", "default") is None
    assert api.get("v1", "Service", "inside", "default") is not None
    claims = [one["metadata"]["name"] for one in api.list("v1", "PersistentVolumeClaim", "default")]
    assert claims == ["own"]


def test_a_cluster_that_is_gone_hangs_no_destroy(call: Call, inputs: dict[str, Any]) -> None:
    gone = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", inputs["kubeconfig"])
    assert gone != inputs["kubeconfig"]
    for kind in (ready, namespace_drain.DRAIN):
        kind.delete(call, inputs | {"kubeconfig": gone})
