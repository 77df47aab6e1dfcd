"""vLLM. Sources: the package's own files, by the names in facts.json; where another, it stands beside the line."""

import math

from components.plan.work import ServicePlan
from components.serving.engines.row import ReplicaSize, ServingEngine
from components.spec.inference import InferenceSpec, ServedPrecision

SEQUENCES = 256
"""Sequences that decode at the same time where the stack file leaves it out: vLLM's own number depends on the
accelerator (vllm/engine/arg_utils.py, `get_batch_defaults`), and its queue is bounded together with them."""

MASTER_PORT = 29501
"""vLLM's own default (vllm/config/parallel.py)."""

_PRECISION = {
    ServedPrecision.BF16: ("--dtype", "bfloat16"),
    ServedPrecision.FP16: ("--dtype", "float16"),
    ServedPrecision.FP8: ("--quantization", "fp8"),
}


def _arguments(spec: InferenceSpec, size: ReplicaSize) -> tuple[str, ...]:
    """Requests beyond running and queued ones are answered 503 (`max_num_queued_reqs` counts both)."""
    asked = spec.model_fields_set
    sequences = spec.max_sequences if "max_sequences" in asked else SEQUENCES
    batch = ("--max-num-batched-tokens", str(spec.max_batch_tokens)) if "max_batch_tokens" in asked else ()
    return (
        *("--served-model-name", spec.name),
        *("--host", spec.host, "--port", str(spec.port)),
        *("--tensor-parallel-size", str(size.per_node)),
        *(("--pipeline-parallel-size", str(size.nodes)) if size.nodes > 1 else ()),
        *("--max-num-seqs", str(sequences)),
        *batch,
        *("--max-num-queued-reqs", str(sequences + spec.queue_limit)),
        *("--shutdown-timeout", str(math.ceil(spec.drain_s))),
        *(_PRECISION[spec.precision] if spec.precision else ()),
        *spec.arguments,
    )


def _command(service: ServicePlan, model: str) -> list[str]:
    return ["vllm", "serve", model, *service.program, *_meeting(service)]


def _follower(service: ServicePlan, model: str) -> list[str]:
    return [*_command(service, model), "--headless"]


def _meeting(service: ServicePlan) -> list[str]:
    """The nodes of one replica find the first by the variables of LeaderWorkerSet."""
    if service.nodes_per_replica == 1:
        return []
    return [
        *("--nnodes", str(service.nodes_per_replica), "--node-rank", "$(LWS_WORKER_INDEX)"),
        *("--master-addr", "$(LWS_LEADER_ADDRESS)", "--master-port", str(MASTER_PORT)),
    ]


ENGINE = ServingEngine(
    arguments=_arguments,
    command=_command,
    follower=_follower,
    # It listens only when its model is loaded; what comes while it drains is kept away by FORGET_S before it hears.
    ready_path="/health",
    live_path="/health",
    # 70B on eight: 60 s of peer checks, 15 + 70 s of compiling, 60 s of capturing graphs (vllm-project/vllm 19824).
    start_s=900,
    waiting="vllm:num_requests_waiting",
    running="vllm:num_requests_running",
    done="vllm:request_success_total",
    env={"VLLM_NO_USAGE_STATS": "1"},
    own_flags={
        "--model": "model",
        "--served-model-name": "name",
        "--host": "host",
        "--port": "port",
        "--tensor-parallel-size": "acceleratorsPerReplica",
        "-tp": "acceleratorsPerReplica",
        "--pipeline-parallel-size": "nodesPerReplica",
        "-pp": "nodesPerReplica",
        "--max-num-seqs": "maxSequences",
        "--max-num-batched-tokens": "maxBatchTokens",
        "--max-num-queued-reqs": "queueLimit",
        "--shutdown-timeout": "drainS",
        "--dtype": "precision",
        "--quantization": "precision",
        "-q": "precision",
        "--nnodes": "nodesPerReplica",
        "-n": "nodesPerReplica",
        "--node-rank": "nodesPerReplica",
        "-r": "nodesPerReplica",
        "--master-addr": "nodesPerReplica",
        "--master-port": "nodesPerReplica",
        "--headless": "nodesPerReplica",
        "--hf-token": "model.tokenSecret",
        "--api-key": "",
    },
    image="docker.io/vllm/vllm-openai",
    memory_share=0.92,  # `gpu_memory_utilization`, vllm/config/cache.py
)
