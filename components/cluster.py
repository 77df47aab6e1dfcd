"""The accelerator cluster as one Pulumi component, whatever the cloud."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.plan.cluster import CLUSTER, ClusterPlan
from components.plan.kubernetes import InsidePlan, Manifest
from components.plan.work import JobPlan, ServicePlan
from components.provider import CloudProvider, ClusterHandle, JobHandle, Runner, ServiceHandle


class AcceleratorCluster(pulumi.ComponentResource):
    """A cluster that one provider has built from its plan, and what runs on it, ready to take jobs and services."""

    def __init__(
        self,
        name: str,
        *,
        provider: CloudProvider[Any],
        plan: ClusterPlan,
        inside: InsidePlan | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if plan.resource_type != CLUSTER:  # a stack that was made with the usual type stays what it is
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=CLUSTER)]))
        super().__init__(plan.resource_type, name, opts=opts)
        here = pulumi.ResourceOptions(parent=self)
        gated = inside is not None and inside.gate is not None
        assert gated or not plan.sized_by_gate, "pools that a gate is to size would stay without nodes"
        handle = provider.build(name, plan, here)
        self._runner, found = _runner(name, handle, inside, here)
        self._front = handle.front
        self.volume_path = handle.volume_path
        self.outputs = {**handle.outputs, **found}
        self.register_outputs({"volumePath": self.volume_path, **self.outputs})

    def run(self, job: JobPlan, manifests: tuple[Manifest, ...]) -> JobHandle:
        """The training job on this cluster, from what its scheduler rendered."""
        assert self._runner is not None, "the plan refuses jobs where nothing takes them"
        return self._runner.run(job.name, manifests, pulumi.ResourceOptions(parent=self))

    def serve(self, service: ServicePlan, manifests: tuple[Manifest, ...], training: JobHandle | None) -> ServiceHandle:
        """The service on this cluster. One that follows a training run starts when the run has exported its model."""
        assert self._runner is not None, "the plan refuses services where nothing takes them"
        follows = training if service.follows_training else None
        digest = follows.digest if follows else pulumi.Output.from_input("")
        options = pulumi.ResourceOptions(parent=self, depends_on=[follows.resource] if follows else [])
        return self._runner.serve(service.name, manifests, digest, options)

    def open(self, services: Sequence[ServiceHandle]) -> Mapping[str, pulumi.Input[Any]]:
        """The front of the services, which are there by then; the outputs of it."""
        made = [resource for service in services for resource in service.resources]
        return self._front(made) if self._front else {}


def _runner(
    name: str, handle: ClusterHandle, inside: InsidePlan | None, opts: pulumi.ResourceOptions
) -> tuple[Runner | None, Mapping[str, pulumi.Input[Any]]]:
    """With what the stack exports of it."""
    if handle.kubernetes is None or inside is None:
        return handle.runner, {}
    from components.kubernetes.build import Inside  # the Kubernetes SDK takes seconds to import

    made = Inside(f"{name}-inside", plan=inside, cluster=handle.kubernetes, opts=opts)
    return made, {"gate": dict(made.gate)} if made.gate else {}
