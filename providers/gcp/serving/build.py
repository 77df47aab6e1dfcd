"""Endpoints of Vertex AI as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_gcp import vertex
from pulumi_gcp.vertex import (
    AiEndpointWithModelGardenDeploymentDeployConfigDedicatedResourcesArgs as MachinesArgs,
)
from pulumi_gcp.vertex import (
    AiEndpointWithModelGardenDeploymentDeployConfigDedicatedResourcesMachineSpecArgs as MachineSpecArgs,
)

from providers.gcp.types import GardenEndpointPlan


class GardenEndpoints(pulumi.ComponentResource):
    """The endpoints, each with its model and its machines."""

    names: Mapping[str, pulumi.Output[str]]
    """Resource names of the endpoints, by their names in the stack file."""

    def __init__(
        self, name: str, *, plan: Sequence[GardenEndpointPlan], region: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("penstock:gcp:GardenEndpoints", name, None, opts)
        self.names = {one.key: self._endpoint(f"{name}-{one.key}", one, region) for one in plan}
        self.register_outputs({"names": self.names})

    def _endpoint(self, name: str, plan: GardenEndpointPlan, region: str) -> pulumi.Output[str]:
        """Another one is made when the old is gone: both would need machines, of which there is quota for one."""
        machine = MachineSpecArgs(
            machine_type=plan.machine_type, accelerator_type=plan.accelerator, accelerator_count=plan.accelerators
        )
        made = vertex.AiEndpointWithModelGardenDeployment(
            name,
            location=region,
            publisher_model_name=plan.publisher or None,
            hugging_face_model_id=plan.hugging_face or None,
            model_config=vertex.AiEndpointWithModelGardenDeploymentModelConfigArgs(
                accept_eula=True, model_display_name=plan.display_name
            ),
            endpoint_config=vertex.AiEndpointWithModelGardenDeploymentEndpointConfigArgs(
                endpoint_display_name=plan.display_name, dedicated_endpoint_enabled=True
            ),
            deploy_config=vertex.AiEndpointWithModelGardenDeploymentDeployConfigArgs(
                dedicated_resources=MachinesArgs(
                    machine_spec=machine, min_replica_count=plan.least, max_replica_count=plan.most
                )
            ),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        endpoint: pulumi.Output[str] = made.endpoint
        return endpoint
