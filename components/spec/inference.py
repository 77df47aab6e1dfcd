"""The inference service that the user asks for."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from components.spec.base import FolderPath, Name, NetworkRange, Spec, form
from components.spec.choice import Choice
from components.spec.secret_words import is_token

HuggingFaceName = Annotated[
    str,
    Field(
        max_length=96,
        pattern=form(r"^[A-Za-z0-9][-A-Za-z0-9_.]*/[A-Za-z0-9][-A-Za-z0-9_.]*$", "a repository such as owner/model"),
    ),
]
"""Owner and name, 96 characters at most (huggingface_hub, `validate_repo_id`)."""

EngineArgument = Annotated[str, Field(min_length=1, max_length=4096)]
"""One word of an engine's command line."""

CACHE_TOKENS = 32_768
"""Tokens of the cache on processors."""


def _no_token(value: Any) -> Any:
    """Refuses a token in place of the Secret's name, and does not repeat it."""
    if isinstance(value, str) and is_token(value):
        raise ValueError("is a token, which no stack file may hold; write the name of the Secret that has it")
    return value


SecretName = Annotated[Name, BeforeValidator(_no_token)]
"""Name of a Secret, and never what it holds."""


def _is_none(value: object) -> bool:
    """True of a field that was left out, and then stays out of plans and of the servers' files."""
    return value is None


class EngineKind(StrEnum):
    """Software that serves the model."""

    PENSTOCK = "penstock"
    """penstock's own, on one device: for processors, demonstrations and small models."""
    VLLM = "vllm"
    SGLANG = "sglang"


class ServedPrecision(StrEnum):
    """Number format that an engine loads a model in."""

    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    """Weights quantized while they are loaded."""


class ServedModel(Choice):
    """Model that is served: one of three."""

    ways: ClassVar[tuple[str, ...]] = ("from_training", "path", "hugging_face")

    from_training: Literal["latest"] | None = None
    """`latest`: the model that this stack's own training run exported last."""
    path: FolderPath | None = None
    """Export folder of an earlier run, or the run's folder, whose newest export is taken."""
    hugging_face: HuggingFaceName | None = Field(default=None, exclude_if=_is_none)
    """Repository of Hugging Face, such as meta-llama/Llama-3.1-8B-Instruct: fetched once, and kept on the file system.
    Not with penstock's own engine."""
    token_secret: SecretName | None = Field(default=None, exclude_if=_is_none)
    """Name of the Secret in penstock's namespace whose key `token` is the token that `huggingFace` asks for."""

    @model_validator(mode="after")
    def _secret_of_a_repository(self) -> Self:
        if self.token_secret is not None and self.hugging_face is None:
            raise ValueError("tokenSecret: opens a repository, and huggingFace names none; remove it, or give that")
        return self


class ScaledBy(StrEnum):
    """Software that counts waiting requests and changes the number of replicas."""

    KEDA = "keda"
    """Asks Prometheus, and changes the number by way of Kubernetes' own autoscaler."""
    HPA = "hpa"
    """Kubernetes' own autoscaler by way of custom metrics."""


class AutoscalingSpec(Spec):
    """Number of replicas that follows the waiting requests."""

    min_replicas: int = Field(default=1, ge=0, le=1000)
    """Smallest number of replicas. 0 needs `by: keda` and `route: {}`: the proxy of penstock's own Gateway then
    counts requests while no server runs."""
    max_replicas: int = Field(ge=1, le=1000)
    """Largest number of replicas."""
    waiting_per_replica: int = Field(default=4, ge=1)
    """Waiting requests for each replica above which another one is started."""
    by: ScaledBy = ScaledBy.KEDA
    """`keda` asks Prometheus for the queue; `hpa` uses Kubernetes' own autoscaler on custom metrics."""

    @property
    def to_zero(self) -> bool:
        """True if no server is up while no requests come."""
        return self.min_replicas == 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_replicas > self.max_replicas:
            remedy = f"take {self.max_replicas}, or raise maxReplicas"
            raise ValueError(
                f"minReplicas: {self.min_replicas} is more than maxReplicas ({self.max_replicas}); {remedy}"
            )
        return self


class CanarySpec(Spec):
    """A second model beside the first, for a share of the requests."""

    path: FolderPath
    """Export folder of the second model, or its run's folder."""
    weight_percent: int = Field(ge=0, le=100)
    """Percent of the requests that it answers."""
    replicas: int = Field(default=1, ge=1, le=64)
    """Servers of the second model."""


Ranges = Annotated[tuple[NetworkRange, ...], Field(strict=False)]
"""IPv4 ranges. Not strict, as the word in short makes Python's list of JSON's."""


class InternalBalancerSpec(Spec):
    """A load balancer with addresses of the cluster's network alone."""

    source_ranges: Ranges = ()
    """IPv4 ranges that may come; when left out, the network's own: [10.0.0.0/8] lets peered networks in too."""


class InternetBalancerSpec(Spec):
    """A load balancer with public addresses."""

    source_ranges: Ranges = Field(min_length=1)
    """IPv4 ranges that may come, such as [203.0.113.0/24]. Requests carry no key and are not encrypted."""


class EndpointGroupSpec(Spec):
    """The service as a group of endpoints, for a balancer over regions."""


class LoadBalancerSpec(Choice):
    """The cloud's load balancer in front of the service: exactly one of these."""

    internal: InternalBalancerSpec | None = None
    """Addresses of the cluster's network alone: `{}`, or the word `internal` in place of the mapping."""
    internet: InternetBalancerSpec | None = None
    """Public addresses, for named ranges."""
    endpoint_group: EndpointGroupSpec | None = None
    """No balancer of its own, but a group of endpoints that one over regions sends requests to (Google Cloud): `{}`, or
    the word `endpointGroup` in place of the mapping."""


def _balancer_in_short(value: Any) -> Any:
    """`internal` means `{internal: {}}`, and `endpointGroup` the same of a group."""
    if not isinstance(value, str):
        return value
    if value not in ("internal", "endpointGroup"):
        forms = "write internal, or {internet: {sourceRanges: [RANGE]}} with the ranges that may come"
        raise ValueError(f"{value!r} is not internal or endpointGroup, nor a mapping; {forms}")
    return {value: {}}


LoadBalancer = Annotated[
    LoadBalancerSpec,
    BeforeValidator(_balancer_in_short, json_schema_input_type=Literal["internal", "endpointGroup"] | LoadBalancerSpec),
]


class RouteSpec(Spec):
    """Way in for requests from outside the cluster."""

    gateway: Name | None = None
    """Name of an existing Gateway in penstock's namespace; when left out, penstock makes one on an internal
    address."""
    host_name: str | None = None
    """Host name that requests must carry, such as llm.example.com; when left out, any."""
    load_balancer: LoadBalancer | None = None
    """Load balancer of the cloud in front of penstock's own Gateway; when left out, none: it has an address inside the
    cluster alone."""

    @model_validator(mode="after")
    def _balances_its_own(self) -> Self:
        if self.gateway is not None and self.load_balancer is not None:
            raise ValueError("loadBalancer stands before penstock's own Gateway, and gateway names another; remove one")
        return self


class InferenceSpec(Spec):
    """An OpenAI-compatible inference service."""

    name: Name = "serve"
    """Name of the service, which clients give as the model: lower-case letters, digits and dashes."""
    pool: Name | None = None
    """Node pool that it runs on; when left out, the only one."""
    replicas: int = Field(default=1, ge=1, le=64)
    """Independent servers. On one machine they listen on consecutive ports."""
    model: ServedModel = ServedModel(from_training="latest")
    """Model that is served; when left out, the one that this stack trains."""
    host: str = "127.0.0.1"
    """Address that it listens on. Any other than loopback lets others in, without a key."""
    port: int = Field(default=8000, ge=1024, le=65535)
    """TCP port of the first server."""
    max_sequences: int = Field(default=32, ge=1, le=4096)
    """Sequences that decode at the same time."""
    max_batch_tokens: int = Field(default=512, ge=16)
    """Tokens of one forward pass; longer prompts are taken in chunks of it."""
    cache_tokens: int | None = Field(default=None, ge=64, exclude_if=_is_none)
    """Tokens that the paged key-value cache holds over all sequences; when left out, what an accelerator's memory has
    room for, and on processors 32768, or one text of the model where that is longer."""
    queue_limit: int = Field(default=256, ge=1)
    """Requests that may wait; one more is answered 429 with Retry-After."""
    deadline_s: float = Field(default=120.0, gt=0)
    """Seconds after which a request is given up, unless it sets its own, shorter one."""
    drain_s: float = Field(default=20.0, ge=0)
    """Seconds that running requests get to finish when the service is stopped."""
    image: str | None = None
    """Container image with the engine and a fixed tag or digest (docs/images.md); required on a Kubernetes."""
    engine: EngineKind = EngineKind.PENSTOCK
    """`penstock`, or an image of `vllm` or `sglang`, which need accelerators."""
    accelerators_per_replica: int | None = Field(default=None, ge=1, le=512)
    """Accelerators of one replica, over which an engine divides the model; when left out 1, or all of its nodes'."""
    nodes_per_replica: int = Field(default=1, ge=1, le=64)
    """Nodes of one replica; penstock's own server takes 1. On each the model is divided by tensors, from node to node
    by layers."""
    precision: ServedPrecision | None = None
    """`bf16`, `fp16` or `fp8`; when left out, what the model is kept in. Not with penstock's own engine."""
    arguments: tuple[EngineArgument, ...] = ()
    """Further words of the engine's command line, such as [--max-model-len=32768]."""
    autoscaling: AutoscalingSpec | None = None
    """Replicas that follow the number of waiting requests. Needs a Kubernetes."""
    canary: CanarySpec | None = None
    """Second model for a share of the requests. Needs a Kubernetes and `route`."""
    route: RouteSpec | None = None
    """Way in for requests from outside the cluster. Needs a Kubernetes."""

    def cache_on_processors(self, context: int) -> int:
        """Tokens of the cache of penstock's own server, for a model whose longest text has `context` tokens."""
        return max(CACHE_TOKENS, context) if self.cache_tokens is None else self.cache_tokens

    @model_validator(mode="after")
    def _one_number_of_replicas(self) -> Self:
        scaling = self.autoscaling
        if scaling and "replicas" in self.model_fields_set and self.replicas != scaling.min_replicas:
            fact = f"{self.replicas}, but autoscaling decides how many there are, from minReplicas"
            raise ValueError(f"replicas: {fact} ({scaling.min_replicas}) on; remove it")
        return self
