"""SGLang. Sources: the package's own files, by the names in facts.json; where another, it stands beside the line."""

from components.plan.work import ServicePlan
from components.serving.engines.row import ReplicaSize, ServingEngine
from components.spec.inference import InferenceSpec, ServedPrecision

MEETING_PORT = 20000

_PRECISION = {
    ServedPrecision.BF16: ("--dtype", "bfloat16"),
    ServedPrecision.FP16: ("--dtype", "float16"),
    ServedPrecision.FP8: ("--quantization", "fp8"),
}


def _arguments(spec: InferenceSpec, size: ReplicaSize) -> tuple[str, ...]:
    """Requests beyond the queue are answered 503. There is no flag for draining: on SIGTERM it answers what it has,
    until it is killed (`TokenizerManager.sigterm_watchdog`)."""
    asked = spec.model_fields_set
    return (
        *("--served-model-name", spec.name),
        *("--host", spec.host, "--port", str(spec.port)),
        *("--tp-size", str(size.per_node)),
        *(("--pp-size", str(size.nodes)) if size.nodes > 1 else ()),
        "--enable-metrics",
        *(("--max-running-requests", str(spec.max_sequences)) if "max_sequences" in asked else ()),
        *(("--chunked-prefill-size", str(spec.max_batch_tokens)) if "max_batch_tokens" in asked else ()),
        *("--max-queued-requests", str(spec.queue_limit)),
        *(_PRECISION[spec.precision] if spec.precision else ()),
        *spec.arguments,
    )


def _command(service: ServicePlan, model: str) -> list[str]:
    """The nodes of one replica find the first by the variables of LeaderWorkerSet; each knows its part by its rank."""
    command = ["python3", "-m", "sglang.launch_server", "--model-path", model, *service.program]
    if service.nodes_per_replica == 1:
        return command
    return [
        *command,
        *("--nnodes", str(service.nodes_per_replica), "--node-rank", "$(LWS_WORKER_INDEX)"),
        *("--dist-init-addr", f"$(LWS_LEADER_ADDRESS):{MEETING_PORT}"),
    ]


ENGINE = ServingEngine(
    arguments=_arguments,
    command=_command,
    follower=_command,
    ready_path="/ready",
    live_path="/health",
    start_s=900,
    waiting="sglang:num_queue_reqs",
    running="sglang:num_running_reqs",
    done="sglang:num_requests_total",
    # Else each look at its health has a token computed, which takes a second and under load more than twenty. A batch
    # that hangs is found by its own watchdog (`--watchdog-timeout`, 300 s).
    env={"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "false"},
    own_flags={
        "--model-path": "model",
        "--model": "model",
        "--served-model-name": "name",
        "--host": "host",
        "--port": "port",
        "--tp-size": "acceleratorsPerReplica",
        "--tensor-parallel-size": "acceleratorsPerReplica",
        "--pp-size": "nodesPerReplica",
        "--pipeline-parallel-size": "nodesPerReplica",
        "--max-running-requests": "maxSequences",
        "--chunked-prefill-size": "maxBatchTokens",
        "--max-queued-requests": "queueLimit",
        "--dtype": "precision",
        "--quantization": "precision",
        "--nnodes": "nodesPerReplica",
        "--node-rank": "nodesPerReplica",
        "--dist-init-addr": "nodesPerReplica",
        "--nccl-init-addr": "nodesPerReplica",
        "--enable-metrics": "autoscaling",
        "--api-key": "",
        "--admin-api-key": "",
    },
    image="docker.io/lmsysorg/sglang",
)
