"""A few objects in a cluster, as a user's own program makes them: what its stack file changes, the tests change."""

import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
provider = kubernetes.Provider(
    "cluster",
    kubeconfig=config.get("kubeconfig") or "{}",
    cluster_identifier="tiny",
    delete_unreachable=config.get_bool("deleteUnreachable"),
)
own = pulumi.ResourceOptions(provider=provider)
ORDERS = {
    "group": "tiny.example.com",
    "names": {"kind": "Order", "plural": "orders"},
    "scope": "Namespaced",
    "versions": [
        {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {
                "openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": {
                            "type": "object",
                            "required": ["nodes"],
                            "properties": {"nodes": {"type": "integer"}, "size": {"type": "string"}},
                        }
                    },
                }
            },
        }
    ],
}

space = kubernetes.core.v1.Namespace("ml", metadata={"name": "ml"}, opts=own)
inside = pulumi.ResourceOptions(provider=provider, depends_on=[space])
settings = kubernetes.core.v1.ConfigMap(
    "settings",
    metadata={"name": "settings", "namespace": "ml"},
    data={"steps": config.get("steps") or "100"},
    opts=inside,
)
kubernetes.core.v1.ConfigMap("unnamed", metadata={"namespace": "ml"}, data={"a": "b"}, opts=inside)
kubernetes.core.v1.Secret(
    "key",
    metadata={"name": "key", "namespace": "ml"},
    string_data={"password": config.require_secret("password")},
    opts=inside,
)
labels = {"app": config.get("app") or "web"}
container: dict[str, object] = {
    "name": "web",
    "image": "web:1",
    "resources": {"requests": {"cpu": "0.5"}},
    **(config.get_object("container") or {}),
}
pod: dict[str, object] = {"containers": [container], **(config.get_object("pod") or {})}
web = kubernetes.apps.v1.Deployment(
    "web",
    metadata={"name": "web", "namespace": "ml", "annotations": {"pulumi.com/timeoutSeconds": "120"}},
    spec={
        "replicas": config.get_int("replicas") or 2,
        "selector": {"match_labels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    },
    opts=inside,
)
kubernetes.core.v1.Service(
    "web",
    metadata={"name": "web", "namespace": "ml"},
    spec={"selector": labels, "ports": [{"port": 80}], "type": "ClusterIP"},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[web]),
)
orders = kubernetes.apiextensions.CustomResource(
    "orders",
    api_version="apiextensions.k8s.io/v1",
    kind="CustomResourceDefinition",
    metadata={"name": "orders.tiny.example.com"},
    spec=ORDERS,
    opts=own,
)
kubernetes.apiextensions.CustomResource(
    "first",
    api_version="tiny.example.com/v1",
    kind="Order",
    metadata={"name": "first", "namespace": "ml"},
    spec=config.get_object("order") or {"nodes": 2},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[orders, space]),
)
if config.get_bool("jobset"):
    release = kubernetes.helm.v3.Release(
        "jobset",
        name="jobset",
        chart="oci://registry.k8s.io/jobset/charts/jobset",
        version="0.12.0",
        namespace="jobset-system",
        create_namespace=True,
        values=config.get_object("values") or {},
        opts=own,
    )
    pulumi.export("release", release.status["status"])
pulumi.export("data", settings.data)
