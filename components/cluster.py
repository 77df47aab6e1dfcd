"""The accelerator cluster as one Pulumi component, whatever the cloud."""

import pulumi

from components.plan.types import ClusterPlan, JobPlan, ServicePlan
from components.provider import CloudProvider, JobHandle, ServiceHandle
from components.schedulers.process.render import render_job, render_service


class AcceleratorCluster(pulumi.ComponentResource):
    """A cluster that one provider has built from its plan, ready to take jobs and services."""

    def __init__(
        self, name: str, *, provider: CloudProvider, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("penstock:components:AcceleratorCluster", name, opts=opts)
        self._handle = provider.build(name, plan, pulumi.ResourceOptions(parent=self))
        self.volume_path = self._handle.volume_path
        self.register_outputs({"volumePath": self.volume_path})

    def run(self, job: JobPlan) -> JobHandle:
        """The training job on this cluster; its outputs are known when it has finished."""
        return self._handle.runner.run(job.name, render_job(job), pulumi.ResourceOptions(parent=self))

    def serve(self, service: ServicePlan, training: JobHandle | None) -> ServiceHandle:
        """The service on this cluster. One that follows a training run starts when the run has exported its model."""
        follows = training if service.follows_training else None
        digest = follows.digest if follows else pulumi.Output.from_input("")
        options = pulumi.ResourceOptions(parent=self, depends_on=[follows.resource] if follows else [])
        return self._handle.runner.serve(service.name, render_service(service), digest, options)
