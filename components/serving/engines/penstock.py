"""penstock's own engine (workloads/serve)."""

from components.plan.work import ServicePlan
from components.serving.engines.row import ReplicaSize, ServingEngine
from components.spec.inference import InferenceSpec

CONFIG_FOLDER, CONFIG_FILE = "/etc/penstock", "serve.json"


def _arguments(_spec: InferenceSpec, _size: ReplicaSize) -> tuple[str, ...]:
    return ("-m", "workloads.serve")


def _command(service: ServicePlan, _model: str) -> list[str]:
    """The model stands in the file."""
    return ["python", *service.program, f"{CONFIG_FOLDER}/{CONFIG_FILE}"]


ENGINE = ServingEngine(
    arguments=_arguments,
    command=_command,
    ready_path="/ready",
    live_path="/health",
    # Imports from a cold image. Loading comes after, without limit, as a server that loads is alive and not ready.
    start_s=600,
    reads_before_it_answers=False,
    waiting="vllm:num_requests_waiting",
    running="vllm:num_requests_running",
    done="vllm:request_success_total",
)
