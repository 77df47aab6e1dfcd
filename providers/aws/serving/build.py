"""Serving that AWS alone has: SageMaker endpoints, Bedrock, Global Accelerator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pulumi
from pulumi_aws import bedrock, globalaccelerator, iam, kms

from providers.aws.serving.endpoint import Endpoint
from providers.aws.serving.permissions import training_permissions, trust
from providers.aws.serving.types import CustomModelPlan, GlobalAcceleratorPlan, ServingPlan, ThroughputPlan


class Serving(pulumi.ComponentResource):
    """All that a ServingPlan names; nothing where it is empty."""

    endpoint_names: Mapping[str, pulumi.Output[str]]
    custom_model_jobs: Mapping[str, pulumi.Output[str]]
    """ARNs, by the model's name in the stack file."""
    throughput_arns: Mapping[str, pulumi.Output[str]]
    accelerator_names: Mapping[str, pulumi.Output[str]]
    """DNS names, by the accelerator's name in the stack file."""

    def __init__(self, name: str, *, plan: ServingPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("penstock:aws:Serving", name, {}, opts)
        models: Mapping[str, CustomModel] = {}
        self.endpoint_names = {}
        if plan.endpoints or plan.custom_models:
            key = self._key(name)
            self.endpoint_names = {
                each.key: Endpoint(
                    f"{name}-{each.key}", plan=each, key_arn=key.arn, opts=pulumi.ResourceOptions(parent=self)
                ).endpoint_name
                for each in plan.endpoints
            }
            models = {
                each.key: CustomModel(
                    f"{name}-{each.key}", plan=each, key_arn=key.arn, opts=pulumi.ResourceOptions(parent=self)
                )
                for each in plan.custom_models
            }
        self.custom_model_jobs = {key: model.job_arn for key, model in models.items()}
        self.throughput_arns = {each.key: self._throughput(name, each, models) for each in plan.throughput}
        self.accelerator_names = {
            each.key: GlobalAccelerator(
                f"{name}-{each.key}", plan=each, opts=pulumi.ResourceOptions(parent=self)
            ).dns_name
            for each in plan.global_accelerators
        }
        self.register_outputs({"endpointNames": self.endpoint_names, "acceleratorNames": self.accelerator_names})

    def _key(self, name: str) -> kms.Key:
        return kms.Key(
            f"{name}-key",
            description="Disks and answers of endpoints, and custom models",
            enable_key_rotation=True,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _throughput(self, name: str, plan: ThroughputPlan, models: Mapping[str, CustomModel]) -> pulumi.Output[str]:
        """With a commitment it stays after a destroy: Bedrock refuses to give it back before the end."""
        bought = bedrock.ProvisionedModelThroughput(
            f"{name}-{plan.key}",
            provisioned_model_name=plan.name,
            model_arn=plan.model_arn or models[str(plan.custom_model)].model_arn,
            model_units=plan.units,
            commitment_duration=plan.commitment,
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=plan.commitment is not None),
        )
        return bought.provisioned_model_arn


class CustomModel(pulumi.ComponentResource):
    """A fine-tuning job of Bedrock. It is begun, not waited for; the model's ARN is there after a later refresh."""

    job_arn: pulumi.Output[str]
    model_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        plan: CustomModelPlan,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("penstock:aws:CustomModel", name, {}, opts)
        role = iam.Role(
            f"{name}-role",
            name=f"{plan.name}-training",
            assume_role_policy=trust("bedrock.amazonaws.com"),
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        permissions = iam.RolePolicy(
            f"{name}-permissions",
            name="training",
            role=role.name,
            policy=pulumi.Output.from_input(key_arn).apply(partial(training_permissions, plan)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        model = bedrock.CustomModel(
            f"{name}-model",
            custom_model_name=plan.name,
            job_name=plan.name,
            base_model_identifier=plan.base_model_arn,
            customization_type="FINE_TUNING",
            custom_model_kms_key_id=key_arn,
            role_arn=role.arn,
            training_data_config=bedrock.CustomModelTrainingDataConfigArgs(s3_uri=plan.training_data),
            output_data_config=bedrock.CustomModelOutputDataConfigArgs(s3_uri=plan.output),
            hyperparameters=dict(plan.hyperparameters),
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )
        self.job_arn = model.job_arn
        self.model_arn = model.custom_model_arn
        self.register_outputs({"jobArn": self.job_arn})


class GlobalAccelerator(pulumi.ComponentResource):
    """Two fixed addresses in front of a load balancer, whose own health checks decide where traffic goes."""

    dns_name: pulumi.Output[str]

    def __init__(self, name: str, *, plan: GlobalAcceleratorPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("penstock:aws:GlobalAccelerator", name, {}, opts)
        accelerator = globalaccelerator.Accelerator(
            f"{name}-accelerator",
            name=plan.name,
            ip_address_type="IPV4",
            enabled=True,
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        listener = globalaccelerator.Listener(
            f"{name}-listener",
            accelerator_arn=accelerator.arn,
            protocol="TCP",
            port_ranges=[globalaccelerator.ListenerPortRangeArgs(from_port=port, to_port=port) for port in plan.ports],
            opts=pulumi.ResourceOptions(parent=self),
        )
        globalaccelerator.EndpointGroup(
            f"{name}-endpoints",
            listener_arn=listener.arn,
            endpoint_group_region=plan.region,
            endpoint_configurations=[
                globalaccelerator.EndpointGroupEndpointConfigurationArgs(endpoint_id=plan.load_balancer_arn)
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.dns_name = accelerator.dns_name
        self.register_outputs({"dnsName": self.dns_name})
