"""Rules of the simulated Azure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud import sdk
from rehearsal.cloud.account import OF_CONTROLLERS, Account, Object, Status
from rehearsal.cloud.autonaming import DEFAULTED
from rehearsal.cloud.credential_program import credential_program
from rehearsal.cloud.kind import Inputs, Outputs
from rehearsal.cloud.requests import LiveApi
from rehearsal.cloud.rules import ProviderSettings, Rules
from rehearsal.cloud.sdk import Signature
from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.azure import (
    capacity,
    container_engine,
    endpoint,
    invokes,
    kinds,
    nodes,
    oracles,
    prices,
    quotas,
    registrations,
    standing,
    words,
)
from rehearsal.providers.azure.kubeconfigs import endpoint_of
from rehearsal.providers.azure.names import ADDRESS, CLUSTER, MAINTENANCE, POOL, ROLE

LOGIN = "get-token"


class AzureRules:
    """The simulated Azure: azure-native's resource types, judged by the types that its SDK declares."""

    title = "the simulated Azure"
    package = oracles.PACKAGE
    sdk_version = version("pulumi-azure-native")
    account_id = words.SUBSCRIPTION
    default_region = "eastus"
    replacing_settings = frozenset({"subscriptionId"})
    always_updated = frozenset({"tags", DEFAULTED})
    cluster_token = CLUSTER
    node_tokens = nodes.NODE_TOKENS
    public_names = ""
    token_life_min = 60.0  # Microsoft Entra: an access token lives 60 to 90 minutes
    delete_retried_min = 0.0  # azure-native asks once (client_azcore.go, Delete)
    ready_timeout_min = 20.0  # AKS gives a pool up that lacks nodes after about as long
    refusals: tuple[str, ...] = ("TooManyRequests", "InternalServerError", "ServiceUnavailable", "OperationNotAllowed")
    deletable: tuple[str, ...] = (ROLE, POOL, MAINTENANCE)
    keeps_images = True

    kind_of = staticmethod(kinds.kind_of)
    is_reference = staticmethod(words.is_reference)
    blocks_deletion = staticmethod(words.blocks_deletion)
    not_found = staticmethod(words.not_found)
    not_ready = staticmethod(words.not_ready)
    busy = staticmethod(words.busy)
    in_use = staticmethod(words.in_use)
    already_exists = staticmethod(words.already_exists)
    throttled = staticmethod(words.throttled)
    partial = staticmethod(words.partial)
    no_capacity = staticmethod(words.no_capacity)
    unusable = staticmethod(registrations.unusable)
    demand = staticmethod(capacity.demand)
    quotas = staticmethod(quotas.quotas)
    nodes = staticmethod(nodes.nodes)
    price = staticmethod(prices.price)
    oracle = staticmethod(oracles.SdkOracle)
    environment = staticmethod(endpoint.environment)
    invoke = staticmethod(invokes.invoke)
    container_programs = staticmethod(container_engine.container_programs)
    stored_images = staticmethod(container_engine.stored_images)

    def signature(self, token: str) -> Signature | None:
        return sdk.signature(self.package, token)

    def settings(self, settings: Inputs) -> ProviderSettings:
        return ProviderSettings(region=str(settings.get("location") or self.default_region))

    def with_defaults(self, known: Signature, inputs: Inputs, settings: ProviderSettings) -> dict[str, Any]:
        """The inputs as they are: azure-native takes a location of its settings where its group's is not known."""
        del known, settings
        return dict(inputs)

    def echo(self, inputs: Inputs, region: str) -> dict[str, Any]:  # noqa: ARG002 (the form of every cloud)
        return {name: value for name, value in inputs.items() if name != DEFAULTED}

    def endpoint(self, cluster: Object) -> str:
        return endpoint_of(cluster.outputs)

    def brought(self, cluster: Object) -> Iterator[Mapping[str, Any]]:  # noqa: ARG002 (the form of every cloud)
        return iter(())

    def controllers(self, account: Account) -> Mapping[str, tuple[float, Callable[..., bool]]]:  # noqa: ARG002
        return {}

    def aliases(self, outputs: Outputs) -> Iterator[str]:
        """Its name, by which inputs of other types call it."""
        name = outputs.get("name")
        return iter([name] if isinstance(name, str) and not is_unknown(name) else [])

    def standing(self, config: Mapping[str, Any]) -> Sequence[StandingThing]:
        """The subscription of the stack file, as a platform team hands it over, and the network that it names."""
        self.account_id = standing.subscription_of(config) or words.SUBSCRIPTION
        return (*registrations.standing(self.account_id), *standing.standing(config))

    def load_balancer(self, api: LiveApi, cluster: Object) -> Object:
        """The address that AKS makes for a Service, in the group of the nodes: it goes with the cluster."""
        group = f"/subscriptions/{api.account_id}/resourceGroups/{cluster.outputs.get('nodeResourceGroup')}"
        return Object(
            token=f"{OF_CONTROLLERS}{ADDRESS.rpartition(':')[2]}", region=api.region, inputs={}, outputs={},
            id=f"{group}/providers/Microsoft.Network/publicIPAddresses/kubernetes-{cluster.outputs.get('name')}",
            called=f"a controller of {cluster.id}", status=Status.ACTIVE,
        )  # fmt: skip

    def is_gone(self, api: LiveApi, balancer: Object) -> bool:  # noqa: ARG002 (the form of every cloud)
        return False

    def credentials(self, folder: Path, given: Path) -> Mapping[str, str]:
        """The environment in which a kubeconfig finds kubelogin."""
        return credential_program(folder, "kubelogin", LOGIN, given)


RULES: Rules = AzureRules()
