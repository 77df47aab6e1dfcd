"""The accelerator cluster as one Pulumi component, whatever the cloud."""

from typing import Any

import pulumi

from components.plan.types import ClusterPlan, JobPlan, ServicePlan
from components.provider import CloudProvider, JobHandle, Runner, ServiceHandle
from components.schedulers.process.render import render_job, render_service


class AcceleratorCluster(pulumi.ComponentResource):
    """A cluster that one provider has built from its plan, ready to take jobs and services."""

    def __init__(
        self, name: str, *, provider: CloudProvider[Any], plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("penstock:components:AcceleratorCluster", name, opts=opts)
        self._handle = provider.build(name, plan, pulumi.ResourceOptions(parent=self))
        self.volume_path = self._handle.volume_path
        self.outputs = self._handle.outputs
        self.register_outputs({"volumePath": self.volume_path, **self.outputs})

    def run(self, job: JobPlan) -> JobHandle:
        """The training job on this cluster; its outputs are known when it has finished."""
        return self._runner.run(job.name, render_job(job), pulumi.ResourceOptions(parent=self))

    def serve(self, service: ServicePlan, training: JobHandle | None) -> ServiceHandle:
        """The service on this cluster. One that follows a training run starts when the run has exported its model."""
        follows = training if service.follows_training else None
        digest = follows.digest if follows else pulumi.Output.from_input("")
        options = pulumi.ResourceOptions(parent=self, depends_on=[follows.resource] if follows else [])
        return self._runner.serve(service.name, render_service(service), digest, options)

    @property
    def _runner(self) -> Runner:
        assert self._handle.runner is not None, "the plan refuses jobs where nothing takes them"
        return self._handle.runner
