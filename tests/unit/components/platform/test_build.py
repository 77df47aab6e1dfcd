"""In which order the platform's resources are made, which is, reversed, that in which they go."""

from collections.abc import Iterator

import pulumi
import pulumi_kubernetes
import pytest

from components.plan.kubernetes import PlatformPlan
from components.platform.build import Platform
from components.platform.plan import plan_platform
from components.provider import KubernetesHandle
from tests.unit.components.platform.requests import GPUS, RDMA, facts, request
from tests.unit.providers.aws.mocks import Graph, Registration, register

BARRIER = "penstock:kubernetes:Ready"


def build(plan: PlatformPlan) -> Graph:
    def program() -> None:
        pool = pulumi.CustomResource("test:index:Pool", "pool", {})
        provider = pulumi_kubernetes.Provider("kubernetes", kubeconfig="{}")
        handle = KubernetesHandle(provider=provider, kubeconfig=pulumi.Output.from_input("{}"), ready=(pool,))
        Platform("platform", plan=plan, cluster=handle, opts=pulumi.ResourceOptions())

    return register(program)


@pytest.fixture(scope="module")
def graph() -> Graph:
    asked = request(RDMA, GPUS, facts=facts(), scheduler_addons=("jobset", "kueue", "mpi-operator"))
    return build(plan_platform(asked))


def after(graph: Graph, one: Registration) -> set[str]:
    """The names of all that it comes after, however far."""
    by_name = {each.name: each for each in graph.registrations}
    found: set[str] = set()
    waiting = list(one.depends_on)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name].depends_on if name in by_name else ()
    return found


def of_addon(graph: Graph, addon: str) -> Iterator[Registration]:
    return (each for each in graph.registrations if each.parent == f"platform-{addon}")


def test_a_barrier_stands_between_a_chart_and_its_objects(graph: Graph) -> None:
    policy = graph.one("kubernetes:mellanox.com/v1alpha1:NicClusterPolicy")
    assert "platform-network-operator-ready" in policy.depends_on
    barrier = graph.named("platform-network-operator-ready", BARRIER)
    assert "platform-network-operator" in barrier.depends_on
    assert barrier.inputs["crds"] == ["nicclusterpolicies.mellanox.com"]


def test_a_barrier_is_told_the_cluster_as_a_secret(graph: Graph) -> None:
    for barrier in graph.of(BARRIER):
        assert set(barrier.inputs) == {"kubeconfig", "crds", "webhooks", "timeoutS"}
        assert barrier.inputs["kubeconfig"]["value"] == "{}"
        assert "4dabf18193072939515e22adb298388d" in barrier.inputs["kubeconfig"]


def test_objects_come_before_the_chart_that_reads_them(graph: Graph) -> None:
    release = graph.named("platform-kube-prometheus-stack", "kubernetes:helm.sh/v3:Release")
    boards = [each.name for each in graph.of("kubernetes:core/v1:ConfigMap")]
    assert len(boards) == 2
    assert set(boards) <= after(graph, release)


@pytest.mark.parametrize(("addon", "need"), [("gpu-operator", "node-feature-discovery"), ("kueue", "jobset")])
def test_an_addon_comes_after_the_barrier_of_what_it_needs(graph: Graph, addon: str, need: str) -> None:
    for resource in of_addon(graph, addon):
        if resource.token.endswith("Release"):
            assert f"platform-{need}-ready" in after(graph, resource)
            return
    pytest.fail(f"{addon} has no release")


def test_everything_comes_after_the_pools(graph: Graph) -> None:
    made = [each for each in graph.registrations if each.token.startswith(("kubernetes:", "penstock:kubernetes:"))]
    assert len(made) > 20
    for each in made:
        assert "pool" in after(graph, each), each.name


def test_a_namespace_is_made_once_and_before_what_lies_in_it(graph: Graph) -> None:
    spaces = [each.inputs["metadata"]["name"] for each in graph.of("kubernetes:core/v1:Namespace")]
    assert len(spaces) == len(set(spaces))
    assert "kube-system" not in spaces
    for release in graph.of("kubernetes:helm.sh/v3:Release"):
        assert f"platform-namespace-{release.inputs['namespace']}" in after(graph, release)


def test_a_release_is_pinned_and_named(graph: Graph) -> None:
    kueue = graph.named("platform-kueue", "kubernetes:helm.sh/v3:Release").inputs
    assert (kueue["name"], kueue["namespace"], kueue["version"]) == ("kueue", "kueue-system", "0.18.3")
    assert kueue["chart"] == "oci://registry.k8s.io/kueue/charts/kueue"
    assert "repositoryOpts" not in kueue
    operator = graph.named("platform-gpu-operator", "kubernetes:helm.sh/v3:Release").inputs
    assert operator["repositoryOpts"] == {"repo": "https://helm.ngc.nvidia.com/nvidia"}
    assert all(each.inputs["version"] for each in graph.of("kubernetes:helm.sh/v3:Release"))


def test_software_without_a_chart_is_made_of_its_objects(graph: Graph) -> None:
    tokens = [each.token for each in of_addon(graph, "mpi-operator")]
    assert "kubernetes:apps/v1:Deployment" in tokens
    assert "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition" in tokens
    assert tokens[-1] == BARRIER
