"""Rules of the simulated AWS."""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud import sdk
from rehearsal.cloud.account import Account, Object
from rehearsal.cloud.autonaming import DEFAULTED
from rehearsal.cloud.errors import CloudApiError, no_functions
from rehearsal.cloud.kind import Inputs, Outputs
from rehearsal.cloud.rules import ProviderSettings, Rules
from rehearsal.cloud.sdk import Signature
from rehearsal.providers.aws import (
    capacity,
    container_engine,
    controllers,
    endpoint,
    error_messages,
    kinds,
    moto_oracle,
    nodes,
    prices,
    quotas,
    standing,
)  # fmt: skip


class AwsRules:
    """The simulated AWS: pulumi-aws's resource types, judged by botocore's models and moto."""

    title = "the simulated AWS"
    package = "aws"
    sdk_version = version("pulumi-aws")
    account_id = error_messages.ACCOUNT_ID
    default_region = "us-east-1"
    replacing_settings = frozenset({"region"})
    always_updated = frozenset({"tags", "tagsAll", DEFAULTED})
    cluster_token = controllers.CLUSTER
    node_tokens = nodes.NODE_TOKENS
    public_names = ""  # EKS's endpoints are signed by the cluster's own authority
    token_life_min = 15.0  # aws/aws-cli 6201: the request to STS that a token is, signed for 15 minutes
    delete_retried_min = 15.0  # pulumi-aws's timeouts for subnets and security groups are 20 and 15 minutes
    ready_timeout_min = 35.0  # a node group that lacks nodes is given up then. Source: EKS user guide
    refusals: tuple[str, ...] = (
        "RequestLimitExceeded",
        "InternalError",
        "ServiceUnavailable",
        "InsufficientInstanceCapacity",
    )
    deletable: tuple[str, ...] = (
        "aws:ec2/route:Route",
        "aws:eks/addon:Addon",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    )

    kind_of = staticmethod(kinds.kind_of)
    is_reference = staticmethod(error_messages.is_reference)
    not_found = staticmethod(error_messages.not_found)
    not_ready = staticmethod(error_messages.not_ready)
    busy = staticmethod(error_messages.not_ready)
    in_use = staticmethod(error_messages.in_use)
    already_exists = staticmethod(error_messages.already_exists)
    throttled = staticmethod(error_messages.throttled)
    partial = staticmethod(error_messages.partial)
    no_capacity = staticmethod(error_messages.no_capacity)
    demand = staticmethod(capacity.demand)
    quotas = staticmethod(quotas.quotas)
    nodes = staticmethod(nodes.nodes)
    price = staticmethod(prices.price)
    load_balancer = staticmethod(controllers.load_balancer)
    is_gone = staticmethod(controllers.is_gone)
    oracle = staticmethod(moto_oracle.Moto)
    standing = staticmethod(standing.standing)
    environment = staticmethod(endpoint.environment)
    credentials = staticmethod(endpoint.credentials)
    keeps_images = True
    invoke = staticmethod(no_functions)
    container_programs = staticmethod(container_engine.container_programs)
    stored_images = staticmethod(container_engine.stored_images)

    def signature(self, token: str) -> Signature | None:
        return sdk.signature(self.package, token)

    def settings(self, settings: Inputs) -> ProviderSettings:
        tags = settings.get("defaultTags") or {}
        tags = json.loads(tags) if isinstance(tags, str) and not is_unknown(tags) else tags
        region = str(settings.get("region") or self.default_region)
        return ProviderSettings(region=region, default_tags=dict((tags or {}).get("tags") or {}))

    def with_defaults(self, known: Signature, inputs: Inputs, settings: ProviderSettings) -> dict[str, Any]:
        """The inputs, with the provider's tags where the type has tags and does not set the same."""
        tags = inputs.get("tags", {})
        if not settings.default_tags or "tagsAll" not in known.outputs or not isinstance(tags, Mapping):
            return dict(inputs)
        return {**inputs, "tags": {**settings.default_tags, **tags}}

    def echo(self, inputs: Inputs, region: str) -> dict[str, Any]:
        shown: dict[str, Any] = {name: value for name, value in inputs.items() if name != DEFAULTED}
        if "tags" in shown:
            shown["tagsAll"] = shown["tags"]
        return {"region": region} | shown

    def unusable(
        self, account: Account, now_min: float, service: str, parameters: Mapping[str, Any]  # noqa: ARG002
    ) -> CloudApiError | None:  # fmt: skip
        return None  # AWS has no service that an account must switch on

    def brought(self, cluster: Object) -> Iterator[Mapping[str, Any]]:  # noqa: ARG002
        return iter(())

    def controllers(self, account: Account) -> Mapping[str, tuple[float, Callable[..., bool]]]:  # noqa: ARG002
        return {}

    def endpoint(self, cluster: Object) -> str:
        return str(cluster.outputs.get("endpoint", ""))

    def aliases(self, outputs: Outputs) -> Iterator[str]:
        names = (outputs.get(name) for name in ("arn", "name", "bucket"))
        return (name for name in names if isinstance(name, str))

    def blocks_deletion(self, text: str) -> bool:
        """Identifiers do; what an ARN names may be deleted before, as a policy does not hold its bucket."""
        return error_messages.IDENTIFIER.fullmatch(text) is not None


RULES: Rules = AwsRules()
