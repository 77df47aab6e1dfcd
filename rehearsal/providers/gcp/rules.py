"""Rules of the simulated Google Cloud."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud import sdk
from rehearsal.cloud.account import OF_CONTROLLERS, Account, Object, Status
from rehearsal.cloud.autonaming import DEFAULTED
from rehearsal.cloud.credential_program import credential_program
from rehearsal.cloud.errors import no_functions
from rehearsal.cloud.kind import Inputs, Outputs
from rehearsal.cloud.requests import LiveApi
from rehearsal.cloud.rules import ProviderSettings, Rules
from rehearsal.cloud.sdk import Signature
from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.gcp import (
    brought,
    capacity,
    container_engine,
    endpoint,
    kinds,
    nodes,
    oracles,
    organization,
    prices,
    quotas,
    services,
    settling,
    standing,
    words,
)
from rehearsal.providers.gcp.names import CLUSTER, FIREWALL, MEMBER, ROUTER_NAT

PLUGIN = "gke-gcloud-auth-plugin"
LABELS = ("effectiveLabels", "pulumiLabels")


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpSettings(ProviderSettings):
    """Configuration of an explicit provider: what resources take that name no project or region."""

    project: str = ""
    zone: str = ""


class GcpRules:
    """The simulated Google Cloud: pulumi-gcp's resource types, judged by Google's own descriptions of its APIs."""

    title = "the simulated GCP"
    package = "gcp"
    sdk_version = version("pulumi-gcp")
    account_id = words.PROJECT
    default_region = "us-central1"
    replacing_settings = frozenset({"project"})
    always_updated = frozenset({"labels", "resourceLabels", *LABELS, "deletionPolicy", "deletionProtection", DEFAULTED})
    cluster_token = CLUSTER
    node_tokens = nodes.NODE_TOKENS
    public_names = (
        ".gke.goog"  # DNS endpoints: signed by a public authority (hashicorp/terraform-provider-kubernetes 2637)
    )
    token_life_min = 60.0  # Google Cloud, "Token types": an access token lives an hour
    delete_retried_min = 4.0  # terraform-provider-google waits for an operation, and asks again for a few minutes
    ready_timeout_min = (
        35.0  # of a pool that lacks nodes, GKE's own wait before it says so (terraform-provider-google 10823)
    )
    refusals: tuple[str, ...] = ("Error 429", "Error 500", "Error 503", "ZONE_RESOURCE_POOL_EXHAUSTED")
    deletable: tuple[str, ...] = (
        ROUTER_NAT,
        FIREWALL,
        "gcp:container/nodePool:NodePool",
        MEMBER,
    )
    keeps_images = True

    kind_of = staticmethod(kinds.kind_of)
    is_reference = staticmethod(words.is_reference)
    not_found = staticmethod(words.not_found)
    not_ready = staticmethod(words.not_ready)
    busy = staticmethod(words.busy)
    in_use = staticmethod(words.in_use)
    already_exists = staticmethod(words.already_exists)
    throttled = staticmethod(words.throttled)
    partial = staticmethod(words.partial)
    no_capacity = staticmethod(words.no_capacity)
    unusable = staticmethod(services.unusable)
    demand = staticmethod(capacity.demand)
    quotas = staticmethod(quotas.quotas)
    nodes = staticmethod(nodes.nodes)
    price = staticmethod(prices.price)
    oracle = staticmethod(oracles.DiscoveryOracle)
    environment = staticmethod(endpoint.environment)
    invoke = staticmethod(no_functions)
    container_programs = staticmethod(container_engine.container_programs)
    stored_images = staticmethod(container_engine.stored_images)

    def signature(self, token: str) -> Signature | None:
        return sdk.signature(self.package, token)

    def settings(self, settings: Inputs) -> ProviderSettings:
        region = str(settings.get("region") or self.default_region)
        return GcpSettings(
            region=region, project=str(settings.get("project") or ""), zone=str(settings.get("zone") or ""),
            default_tags=dict(settings.get("defaultLabels") or {})
            if isinstance(settings.get("defaultLabels"), Mapping) else {},
        )  # fmt: skip

    def with_defaults(self, known: Signature, inputs: Inputs, settings: ProviderSettings) -> dict[str, Any]:
        """The inputs, with the provider's project, region and labels where the type has them and names none."""
        given = dict(inputs)
        if isinstance(settings, GcpSettings):
            for name, value in (("project", settings.project), ("region", settings.region), ("zone", "")):
                if value and name in known.inputs and given.get(name) is None:
                    given[name] = value
        for name in ("labels", "resourceLabels"):
            labels, takes = given.get(name, {}), name in known.inputs and "effectiveLabels" in known.outputs
            if settings.default_tags and takes and isinstance(labels, Mapping) and not is_unknown(labels):
                given[name] = {**settings.default_tags, **labels}
        return given

    def echo(self, inputs: Inputs, region: str) -> dict[str, Any]:  # noqa: ARG002 (the form of every cloud)
        shown: dict[str, Any] = {name: value for name, value in inputs.items() if name != DEFAULTED}
        for name in ("labels", "resourceLabels"):
            if name in shown:
                shown |= dict.fromkeys(LABELS, shown[name])
        return shown

    def endpoint(self, cluster: Object) -> str:
        """That of its DNS name where this is open to the outside, else that of its address."""
        dns = (cluster.outputs.get("controlPlaneEndpointsConfig") or {}).get("dnsEndpointConfig") or {}
        opened = dns.get("allowExternalTraffic")
        return f"https://{dns.get('endpoint') if opened else cluster.outputs.get('endpoint', '')}"

    brought = staticmethod(brought.brought)

    def controllers(self, account: Account) -> Mapping[str, tuple[float, Callable[..., bool]]]:
        """Those of networks for pods, and of groups of endpoints."""
        return {
            f"{brought.GROUP}|{brought.OF_PODS}": (brought.NETWORK_MIN, settling.network_of_pods(account)),
            settling.PROXIES: (settling.GROUP_MIN, settling.endpoint_groups(account)),
        }

    def aliases(self, outputs: Outputs) -> Iterator[str]:
        """Names that programs call it by: a self link, a short name, an address, a cluster's workload pool."""
        pool = (outputs.get("workloadIdentityConfig") or {}).get("workloadPool")
        names = (outputs.get(name) for name in ("selfLink", "name", "email", "member", "repositoryId", "bucket"))
        return (name for name in (*names, pool) if isinstance(name, str) and not is_unknown(name))

    def blocks_deletion(self, text: str) -> bool:
        """A service account may go before what uses it; anything else may not."""
        return "@" not in text

    def standing(self, config: Mapping[str, Any]) -> Sequence[StandingThing]:
        """The APIs of the project that the stack file names, and the network that it names as there already."""
        given = config.get("penstock:gcp")
        named = given.get("project") if isinstance(given, Mapping) else None
        own = str(named or config.get("gcp:project") or words.PROJECT)
        return (*services.standing(own), *organization.standing(own), *standing.standing(config, own))

    def load_balancer(self, api: LiveApi, cluster: Object) -> Object:
        """As GKE makes for a Service: a rule of the network's firewall and a group of endpoints, which stay when the
        cluster goes before its Service (hashicorp/terraform-provider-google 5948, 7637).
        """
        return Object(
            token=f"{OF_CONTROLLERS}compute/forwardingRule:ForwardingRule", id=f"k8s-fw-{cluster.outputs.get('name')}",
            called=f"a controller of {cluster.id}", region=api.region, inputs={}, outputs={}, status=Status.ACTIVE,
            blocks_deletion_of=[key for key in cluster.blocks_deletion_of if key.startswith("gcp:compute/network:")],
        )  # fmt: skip

    def is_gone(self, api: LiveApi, balancer: Object) -> bool:  # noqa: ARG002 (the form of every cloud)
        return False

    def credentials(self, folder: Path, given: Path) -> Mapping[str, str]:
        """The environment in which a kubeconfig finds Google's credential helper, which is called without arguments."""
        return credential_program(folder, PLUGIN, "", given)


RULES: Rules = GcpRules()
