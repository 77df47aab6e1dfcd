"""The training run that the user asks for."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from components.spec.base import FolderPath, Name, Spec
from components.spec.data import DataSpec
from components.spec.lora import LoraSpec
from components.spec.observe import ProfileSpec, TrackerSpec
from components.spec.scheduler import Priority, TopologyRequest

NORM_EPSILON = 1e-5
"""Llama's own."""


def _is_none(value: object) -> bool:
    """True of a field that was left out, and then stays out of plans and of a run's identity."""
    return value is None


class RopeScaling(Spec):
    """Stretching of the rotary positions for longer contexts, as Llama 3.1 has it (`rope_type: llama3`)."""

    factor: float = Field(gt=1)
    """Number by which the slow frequencies are divided."""
    low_frequency_factor: float = Field(default=1.0, gt=0)
    """Frequencies that turn fewer times than this within `originalContext` are divided in full."""
    high_frequency_factor: float = Field(default=4.0, gt=0)
    """Frequencies that turn more often than this stay as they are; between the two it is blended."""
    original_context: int = Field(ge=8)
    """Context that the model was trained with before."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.low_frequency_factor, self.high_frequency_factor
        if low >= high:
            raise ValueError(f"highFrequencyFactor: {high:g} is not more than lowFrequencyFactor ({low:g}); raise it")
        return self


class ModelSpec(Spec):
    """Shape of a decoder-only transformer (RMSNorm, RoPE, SwiGLU, grouped-query attention)."""

    from_folder: FolderPath | None = Field(default=None, alias="from", exclude_if=_is_none)
    """Hugging Face folder of a Llama or Qwen3 model, whose weights and tokenizer the run starts with; when left out,
    random weights and a tokenizer that is trained on the text."""
    layers: int = Field(default=4, ge=1, le=512)
    """Transformer blocks."""
    width: int = Field(default=128, ge=8, le=65536)
    """Size of the residual stream; a multiple of `heads`, unless `headWidth` is given."""
    heads: int = Field(default=4, ge=1, le=1024)
    """Attention heads."""
    kv_heads: int = Field(default=2, ge=1, le=1024)
    """Key and value heads; `heads` is a multiple of it."""
    head_width: int | None = Field(default=None, ge=2, le=1024, multiple_of=2, exclude_if=_is_none)
    """Size of one attention head; when left out, `width` / `heads`."""
    mlp_width: int | None = Field(default=None, ge=8)
    """Hidden size of the feed-forward part; when left out 8/3 of `width`, rounded up to a multiple of 32."""
    vocabulary: int = Field(default=2048, ge=260, le=1_000_000)
    """Tokens of the tokenizer that is trained on the corpus, special tokens included."""
    context: int = Field(default=256, ge=8, le=1_048_576)
    """Tokens of one training sequence, and the longest text the server takes."""
    rope_base: float = Field(default=10_000.0, gt=1)
    """Base of the rotary position angles; larger for longer contexts."""
    rope_scaling: RopeScaling | None = Field(default=None, exclude_if=_is_none)
    """Stretching of the rotary positions, as Llama 3.1 has it."""
    norm_epsilon: float = Field(default=NORM_EPSILON, gt=0, lt=0.1, exclude_if=lambda value: value == NORM_EPSILON)
    """Number that RMSNorm adds to the mean square."""
    qk_norm: bool = Field(default=False, exclude_if=lambda value: not value)
    """RMSNorm of each head's query and key before the rotation, as Qwen3 has it."""
    tie_embeddings: bool = True
    """One matrix for embedding and output layer."""

    @model_validator(mode="after")
    def _shape_divides(self) -> Self:
        even = -(-self.width // (2 * self.heads)) * 2 * self.heads
        if self.head_width is None and self.width % self.heads:
            remedy = f"take {even}, or give headWidth"
            raise ValueError(f"width: {self.width} is not a multiple of heads ({self.heads}); {remedy}")
        if self.head_size % 2:
            what = f"width / heads is {self.head_size}, but rotary positions need it even"
            raise ValueError(f"width: {what}; take {even}")
        if self.heads % self.kv_heads:
            fits = max(few for few in range(1, self.kv_heads) if self.heads % few == 0)
            what = f"{self.heads} is not a multiple of kvHeads ({self.kv_heads})"
            raise ValueError(f"heads: {what}; set kvHeads to {fits}")
        return self

    @property
    def head_size(self) -> int:
        """The size of a head that is built: the one asked for, or `width` / `heads`."""
        return self.head_width or self.width // self.heads

    @property
    def hidden_width(self) -> int:
        """The feed-forward size that is built: the one asked for, or the default rule."""
        return self.mlp_width or -(-8 * self.width // 3 // 32) * 32

    @property
    def parameters(self) -> int:
        """Trainable numbers of the whole model, embeddings included."""
        attention = self.width * self.head_size * (2 * self.heads + 2 * self.kv_heads)
        norms = 2 * self.width + (2 * self.head_size if self.qk_norm else 0)
        block = attention + 3 * self.width * self.hidden_width + norms
        embeddings = self.vocabulary * self.width * (1 if self.tie_embeddings else 2)
        return self.layers * block + self.width + embeddings

    @property
    def flops_per_token(self) -> int:
        """Floating-point operations of forward and backward for one token at full context.

        Convention: 6 * (parameters - embedding) + 12 * layers * heads * head size * context, attention counted in full,
        not halved for the causal mask; the same run reads some 12 % lower MFU in the halved convention. With tied
        embeddings the one matrix still multiplies once, as the output layer, and is counted so.
        """
        looked_up_only = 0 if self.tie_embeddings else self.vocabulary * self.width
        return 6 * (self.parameters - looked_up_only) + 12 * self.layers * self.heads * self.head_size * self.context


class BatchSpec(Spec):
    """Sequences of an optimizer step."""

    sequences: int = Field(default=8, ge=1)
    """Sequences of one optimizer step over all ranks; the same for any number of ranks."""
    micro_sequences: int = Field(default=8, ge=1)
    """Sequences that one rank computes at once; the rest is gradient accumulation."""


class Schedule(StrEnum):
    """Course of the learning rate after the warm-up."""

    COSINE = "cosine"
    WARMUP_STABLE_DECAY = "warmupStableDecay"


class OptimizerSpec(Spec):
    """AdamW with a warm-up and a decay."""

    learning_rate: float = Field(default=3e-3, gt=0, le=1)
    """Highest learning rate, reached after the warm-up."""
    warmup_steps: int = Field(default=20, ge=0)
    """Steps over which the learning rate rises from zero."""
    schedule: Schedule = Schedule.COSINE
    """Course of the learning rate after the warm-up: `cosine`, or `warmupStableDecay` (constant, then down at the
    end)."""
    final_share: float = Field(default=0.1, ge=0, le=1)
    """Learning rate at the last step, as a share of the highest."""
    weight_decay: float = Field(default=0.1, ge=0, lt=1)
    """AdamW's decoupled weight decay."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Decay rate of the first moment."""
    beta2: float = Field(default=0.95, ge=0, lt=1)
    """Decay rate of the second moment."""
    clip_norm: float = Field(default=1.0, gt=0)
    """Norm to which larger gradients are scaled down."""


class Precision(StrEnum):
    """Number format of the matrix products."""

    FP32 = "fp32"
    BF16 = "bf16"


class Sharding(StrEnum):
    """Parameters on the ranks: copied (DDP), sharded over all (FSDP), or sharded inside groups (HSDP)."""

    DDP = "ddp"
    FSDP = "fsdp"
    HSDP = "hsdp"


class ActivationCheckpointing(StrEnum):
    """Activations that the backward pass computes again in place of keeping them."""

    NONE = "none"
    SELECTIVE = "selective"
    """Attention and every second matrix product are kept, the rest of a block is computed again."""
    FULL = "full"
    """Of each block only its input is kept."""


class ParallelSpec(Spec):
    """Spread of the model over ranks."""

    sharding: Sharding | None = None
    """`ddp` copies the model, `fsdp` shards it over all ranks, `hsdp` inside groups. When left out: ddp while the
    training state fits one accelerator, hsdp while it fits those of one node of several, else fsdp."""
    shard_ranks: int | None = Field(default=None, ge=2)
    """Ranks of one sharding group, with `hsdp` only; when left out, the ranks of one node."""

    @model_validator(mode="after")
    def _shard_ranks_need_hsdp(self) -> Self:
        if self.shard_ranks is not None and self.sharding is not Sharding.HSDP:
            raise ValueError("shardRanks: is only for sharding: hsdp; remove it, or set parallel.sharding to hsdp")
        return self


class CheckpointSpec(Spec):
    """Checkpoints of the run."""

    every_steps: int = Field(default=50, ge=1)
    """Steps from one checkpoint to the next."""
    keep: int = Field(default=3, ge=2)
    """Newest checkpoints kept; 2 at least, so that a corrupt one leaves another."""


class GuardSpec(Spec):
    """Limits beyond which a step is not applied, or the run restarts."""

    spike_sigmas: float = Field(default=8.0, gt=0)
    """Standard deviations above the running mean of the loss from which a batch is skipped."""
    max_skips: int = Field(default=10, ge=0)
    """Skipped batches in a row after which the run rewinds to the last checkpoint, then fails."""
    hang_timeout_s: float = Field(default=300.0, ge=5)
    """Seconds without a finished step after which a run counts as hung and its workers are restarted."""
    straggler_ratio: float = Field(default=1.5, gt=1)
    """A rank slower than this times the median of all ranks is reported as a straggler."""


class TrainerKind(StrEnum):
    """Program that trains."""

    PENSTOCK = "penstock"
    """penstock's own trainer."""
    COMMAND = "command"
    """A program of the user's own, in an image of the user's own."""


Word = Annotated[str, Field(min_length=1, max_length=4096)]
"""One word of a command line."""

OF_A_COMMAND = frozenset(
    {
        *("engine", "command", "name", "pool", "nodes", "ranks_per_node", "max_restarts", "image", "queue"),
        *("priority", "topology", "grace_s", "trackers"),
    }
)
"""Fields that say something to whoever starts a program; the others are penstock's own trainer's."""


def of_the_own_trainer(training: Mapping[str, Any]) -> list[str]:
    """Keys of a run with `engine: command` that only penstock's own trainer reads, in their order."""
    if training.get("engine") != TrainerKind.COMMAND:
        return []
    fields = TrainingSpec.model_fields.items()
    own = {field.alias or name for name, field in fields if name not in OF_A_COMMAND}
    return [key for key in training if key in own]


class TrainingSpec(Spec):
    """A training run."""

    engine: TrainerKind = TrainerKind.PENSTOCK
    """`penstock`, or `command`: any program, started once for each rank as torchrun would. Needs a Kubernetes."""
    command: tuple[Word, ...] = ()
    """Program of `engine: command` and its arguments, such as [python3, -m, torchtitan.train]; no shell reads it."""

    name: Name = "pretrain"
    """Name of the run: lower-case letters, digits and dashes."""
    pool: Name | None = None
    """Node pool that it runs on; when left out, the only one."""
    nodes: int = Field(default=1, ge=1)
    """Machines of the run."""
    min_nodes: int | None = Field(default=None, ge=1)
    """Fewest nodes that the run goes on with when some are lost; when left out, all of them."""
    ranks_per_node: int | None = Field(default=None, ge=1)
    """Worker processes on each node; when left out, one per accelerator, or per core where there is none."""
    steps: int = Field(default=300, ge=1)
    """Optimizer steps in all. Raised later, the run continues from its last checkpoint."""
    model: ModelSpec = ModelSpec()
    """Shape of the model."""
    lora: LoraSpec | None = Field(default=None, exclude_if=_is_none)
    """Low-rank adapters in place of the weights of the model that `model.from` names; when left out, all is trained."""
    data: DataSpec = DataSpec()
    """Text to learn from."""
    batch: BatchSpec = BatchSpec()
    """Sequences of a step, and how they are divided."""
    optimizer: OptimizerSpec = OptimizerSpec()
    """AdamW and its learning rate."""
    precision: Precision | None = None
    """`bf16` or `fp32`; when left out, bf16 on an accelerator that has it, fp32 on a CPU."""
    parallel: ParallelSpec = ParallelSpec()
    """Way in which the model is spread over ranks."""
    compile_blocks: bool = False
    """Compile each transformer block: faster steps after a slow first one."""
    activation_checkpointing: ActivationCheckpointing = ActivationCheckpointing.NONE
    """Activations computed again in the backward pass: `none`; `selective`, all but attention and every second matrix
    product; `full`, the least memory, and a third more arithmetic."""
    checkpoint: CheckpointSpec = CheckpointSpec()
    """Frequency and number of checkpoints."""
    guard: GuardSpec = GuardSpec()
    """Limits that catch bad steps, hangs and stragglers."""
    evaluate_every_steps: int = Field(default=50, ge=1)
    """Steps from one measurement of the validation loss to the next."""
    trackers: tuple[TrackerSpec, ...] = Field(default=(), max_length=4, exclude_if=lambda value: not value)
    """Programs that follow the run: W&B, MLflow."""
    profile: ProfileSpec | None = Field(default=None, exclude_if=_is_none)
    """Steps of which torch's profiler keeps a trace."""
    max_restarts: int = Field(default=5, ge=0)
    """Restarts inside the job after a lost worker."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of the run's random numbers."""
    image: str | None = None
    """Container image with penstock's workloads and a fixed tag or digest (docs/images.md); required on a
    Kubernetes."""
    queue: Name | None = None
    """Queue that it is handed to; when left out, the only one."""
    priority: Priority = Priority.NORMAL
    """`low` gives way to any other job, `high` goes first."""
    topology: TopologyRequest | None = None
    """`required`: nodes in one domain or it waits; `preferred`: as close as they come; `none`. When left out,
    preferred where nodes have topology labels."""
    grace_s: float | None = Field(default=None, le=7200)
    """Seconds from the request to stop to the kill; when left out, a step and a checkpoint, with a margin."""

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        if self.min_nodes is not None and self.min_nodes > self.nodes:
            raise ValueError(f"minNodes: {self.min_nodes} is more than nodes ({self.nodes}); lower it, or raise nodes")
        if self.batch.micro_sequences > self.batch.sequences:
            raise ValueError(
                f"batch.microSequences: {self.batch.micro_sequences} is more than batch.sequences "
                f"({self.batch.sequences})"
            )
        return self

    @model_validator(mode="after")
    def _profile_is_reached(self) -> Self:
        if self.profile is not None and self.profile.at_step + self.profile.steps - 1 > self.steps:
            last = self.profile.at_step + self.profile.steps - 1
            raise ValueError(f"profile.atStep: the last step traced is {last}, and steps is {self.steps}; lower it")
        return self

    @model_validator(mode="after")
    def _one_tracker_of_a_kind(self) -> Self:
        kinds = [one.kind.value for one in self.trackers]
        if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise ValueError(f"trackers: {min(twice)} is there twice; one of each kind")
        return self

    @model_validator(mode="after")
    def _lora_has_a_model(self) -> Self:
        if self.lora is None:
            return self
        if self.model.from_folder is None:
            raise ValueError("lora: trains adapters of a model that is there; give model.from, or remove lora")
        target, shape = min(self.lora.shapes(self.model).items(), key=lambda one: min(one[1]))
        if self.lora.rank > min(shape):
            raise ValueError(f"lora.rank: {self.lora.rank} is more than the smaller side of {target}, {min(shape)}; "
                "lower it")  # fmt: skip
        return self

    @property
    def trained_parameters(self) -> int:
        """Numbers that the optimizer changes: all of the model, or those of its adapters."""
        return self.model.parameters if self.lora is None else self.lora.parameters(self.model)

    @property
    def flops_per_token(self) -> int:
        """As the model's; with adapters without the gradients of the other weights, 2 for each."""
        if self.lora is None:
            return self.model.flops_per_token
        looked_up_only = 0 if self.model.tie_embeddings else self.model.vocabulary * self.model.width
        frozen = self.model.parameters - looked_up_only
        return self.model.flops_per_token - 2 * frozen + 6 * self.trained_parameters
