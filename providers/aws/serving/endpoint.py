"""A SageMaker endpoint: real-time, serverless or asynchronous."""

from __future__ import annotations

from functools import partial

import pulumi
from pulumi_aws import appautoscaling, cloudwatch, iam, sagemaker
from pulumi_aws.appautoscaling import (
    PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationDimensionArgs as MetricDimensionArgs,
)

from providers.aws.serving.permissions import endpoint_permissions, trust
from providers.aws.serving.types import Asynchronous, EndpointPlan, RealTime, Serverless

_VARIANT = "primary"


class Endpoint(pulumi.ComponentResource):
    """The endpoint, its model and configuration, its role, and what makes it grow and shrink."""

    endpoint_name: pulumi.Output[str]

    def __init__(
        self, name: str, *, plan: EndpointPlan, key_arn: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("penstock:aws:Endpoint", name, {}, opts)
        role, permissions = self._role(name, plan, key_arn)
        model = sagemaker.Model(
            f"{name}-model",
            name=f"{plan.name}-{plan.revision}",
            execution_role_arn=role.arn,
            primary_container=sagemaker.ModelPrimaryContainerArgs(image=plan.image, model_data_url=plan.model_data),
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )
        configuration = sagemaker.EndpointConfiguration(
            f"{name}-configuration",
            name=f"{plan.name}-{plan.revision}",
            production_variants=[_variant(plan, model.name)],
            async_inference_config=_asynchronous(plan, key_arn),
            kms_key_arn=None if isinstance(plan.serve, Serverless) else key_arn,
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        endpoint = sagemaker.Endpoint(
            f"{name}-endpoint",
            name=plan.name,
            endpoint_config_name=configuration.name,
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._scaling(name, plan, endpoint)
        self.endpoint_name = endpoint.name
        self.register_outputs({"endpointName": self.endpoint_name})

    def _role(self, name: str, plan: EndpointPlan, key_arn: pulumi.Input[str]) -> tuple[iam.Role, iam.RolePolicy]:
        role = iam.Role(
            f"{name}-role",
            name=f"{plan.name}-endpoint",
            assume_role_policy=trust("sagemaker.amazonaws.com"),
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        permissions = iam.RolePolicy(
            f"{name}-permissions",
            name="endpoint",
            role=role.name,
            policy=pulumi.Output.from_input(key_arn).apply(partial(endpoint_permissions, plan)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, permissions

    def _scaling(self, name: str, plan: EndpointPlan, endpoint: sagemaker.Endpoint) -> None:
        match plan.serve:
            case Asynchronous(max_count=most):
                target = self._target(name, endpoint, 0, most)
                self._follow_backlog(name, plan.serve, endpoint, target)
                self._wake(name, plan, endpoint, target)
            case RealTime(count=count, max_count=most) if count < most:
                target = self._target(name, endpoint, count, most)
                self._follow_requests(name, plan.serve, target)
            case _:
                pass

    def _target(self, name: str, endpoint: sagemaker.Endpoint, least: int, most: int) -> appautoscaling.Target:
        return appautoscaling.Target(
            f"{name}-machines",
            service_namespace="sagemaker",
            resource_id=pulumi.Output.concat("endpoint/", endpoint.name, "/variant/", _VARIANT),
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            min_capacity=least,
            max_capacity=most,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _follow_requests(self, name: str, serve: RealTime, target: appautoscaling.Target) -> None:
        metric = appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
            predefined_metric_type="SageMakerVariantConcurrentRequestsPerModelHighResolution"
        )
        self._track(
            f"{name}-requests",
            target,
            appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=serve.requests_per_machine, predefined_metric_specification=metric
            ),
        )

    def _follow_backlog(
        self, name: str, serve: Asynchronous, endpoint: sagemaker.Endpoint, target: appautoscaling.Target
    ) -> None:
        metric = appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs(
            namespace="AWS/SageMaker",
            metric_name="ApproximateBacklogSizePerInstance",
            statistic="Average",
            dimensions=[MetricDimensionArgs(name="EndpointName", value=endpoint.name)],
        )
        self._track(
            f"{name}-backlog",
            target,
            appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=serve.backlog_per_machine,
                scale_in_cooldown=600,
                scale_out_cooldown=300,
                customized_metric_specification=metric,
            ),
        )

    def _track(
        self,
        name: str,
        target: appautoscaling.Target,
        tracking: appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs,
    ) -> None:
        appautoscaling.Policy(
            name,
            name=name,
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            target_tracking_scaling_policy_configuration=tracking,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _wake(self, name: str, plan: EndpointPlan, endpoint: sagemaker.Endpoint, target: appautoscaling.Target) -> None:
        """Without it a backlog below the target would wait for ever: the tracked metric has no value at zero."""
        step = appautoscaling.PolicyStepScalingPolicyConfigurationStepAdjustmentArgs(
            metric_interval_lower_bound="0", scaling_adjustment=1
        )
        first = appautoscaling.Policy(
            f"{name}-wake",
            name=f"{name}-wake",
            policy_type="StepScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            step_scaling_policy_configuration=appautoscaling.PolicyStepScalingPolicyConfigurationArgs(
                adjustment_type="ChangeInCapacity", cooldown=300, step_adjustments=[step]
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        cloudwatch.MetricAlarm(
            f"{name}-waiting",
            name=f"{plan.name}-waiting",
            alarm_description="Requests wait and no machine runs",
            namespace="AWS/SageMaker",
            metric_name="HasBacklogWithoutCapacity",
            dimensions={"EndpointName": endpoint.name},
            statistic="Average",
            period=60,
            evaluation_periods=2,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[first.arn],
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _variant(
    plan: EndpointPlan, model_name: pulumi.Output[str]
) -> sagemaker.EndpointConfigurationProductionVariantArgs:
    match plan.serve:
        case RealTime(machine_type=machine_type, count=count):
            return sagemaker.EndpointConfigurationProductionVariantArgs(
                variant_name=_VARIANT,
                model_name=model_name,
                instance_type=machine_type,
                initial_instance_count=count,
            )
        case Asynchronous(machine_type=machine_type):
            return sagemaker.EndpointConfigurationProductionVariantArgs(
                variant_name=_VARIANT, model_name=model_name, instance_type=machine_type, initial_instance_count=1
            )
        case Serverless():
            serverless = sagemaker.EndpointConfigurationProductionVariantServerlessConfigArgs(
                memory_size_in_mb=plan.serve.memory_mib,
                max_concurrency=plan.serve.max_concurrency,
                provisioned_concurrency=plan.serve.provisioned_concurrency,
            )
            return sagemaker.EndpointConfigurationProductionVariantArgs(
                variant_name=_VARIANT, model_name=model_name, serverless_config=serverless
            )


def _asynchronous(
    plan: EndpointPlan, key_arn: pulumi.Input[str]
) -> sagemaker.EndpointConfigurationAsyncInferenceConfigArgs | None:
    if not isinstance(plan.serve, Asynchronous):
        return None
    output = sagemaker.EndpointConfigurationAsyncInferenceConfigOutputConfigArgs(
        s3_output_path=plan.serve.output, kms_key_id=key_arn
    )
    return sagemaker.EndpointConfigurationAsyncInferenceConfigArgs(output_config=output)
