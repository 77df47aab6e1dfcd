"""Vertex AI: models of Model Garden on endpoints of their own."""

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.gcp.kinds.parts import Form, number, project_of
from rehearsal.providers.gcp.machines import machine
from rehearsal.providers.gcp.names import GARDEN_ENDPOINT

DEPLOY_MIN, UNDEPLOY_MIN = 20.0, 3.0
"""Vertex AI, "Use models in Model Garden": a deployment takes 15 minutes and more for a large model."""
LABELS = {"nvidia-l4": "NVIDIA_L4", "nvidia-tesla-a100": "NVIDIA_TESLA_A100", "nvidia-a100-80gb": "NVIDIA_A100_80GB",
          "nvidia-h100-80gb": "NVIDIA_H100_80GB"}  # fmt: skip
"""GKE's names of accelerators, and Vertex AI's ("Configure compute resources for inference")."""
_FORM = Form()


def _create(api: CloudApi, inputs: Inputs) -> Made:
    _refuse(inputs)
    place = f"projects/{project_of(api, inputs)}/locations/{inputs['location']}"
    api.keep("aiplatform", "projects.locations.deploy", {}, destination=place, body=_FORM.body(inputs))
    display = (inputs.get("endpointConfig") or {}).get("endpointDisplayName")
    found = number(f"{place}/{inputs.get('publisherModelName')}{inputs.get('huggingFaceModelId')}/{display}")
    endpoint = f"mg-endpoint-{found}"
    told = {"deployedModelId": found[:19], "deployedModelDisplayName": str(display or ""), "endpoint": endpoint}
    return Made(id=f"{place}/endpoints/{endpoint}", outputs={**told, "project": project_of(api, inputs)})


def _refuse(inputs: Inputs) -> None:
    """API reference, projects.locations.deploy: artifacts is one of two; MachineSpec: an accelerator goes with its
    machine type; replicas from 1 on."""
    named = [name for name in ("publisherModelName", "huggingFaceModelId") if inputs.get(name)]
    if len(named) != 1:
        raise _invalid("exactly one of publisher_model_name and hugging_face_model_id must be set")
    if not (inputs.get("modelConfig") or {}).get("acceptEula"):
        raise _invalid("the End User License Agreement of the model has to be accepted: accept_eula")
    machines = (inputs.get("deployConfig") or {}).get("dedicatedResources") or {}
    least, most = machines.get("minReplicaCount"), machines.get("maxReplicaCount")
    if machines and not is_unknown(least) and (least or 0) < 1:
        raise _invalid("min_replica_count must be greater than or equal to 1")
    if most is not None and not is_unknown(most) and most < least:
        raise _invalid("max_replica_count must be greater than or equal to min_replica_count")
    spec = machines.get("machineSpec") or {}
    row = machine(str(spec.get("machineType") or ""))
    if (
        row
        and row.chips
        and (spec.get("acceleratorType"), spec.get("acceleratorCount"))
        != (
            LABELS.get(row.label),
            row.chips,
        )
    ):
        told = f"{spec.get('acceleratorCount')} {spec.get('acceleratorType')}"
        raise _invalid(f"{told} is not supported for machine type {row.name}")


def _delete(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (the engine's own word)
    body = {"deployedModelId": outputs["deployedModelId"]}
    api.keep("aiplatform", "projects.locations.endpoints.undeployModel", {}, endpoint=id, body=body)
    api.keep("aiplatform", "projects.locations.endpoints.delete", {}, name=id)


def _invalid(message: str) -> CloudApiError:
    return CloudApiError("Error 400", f"{message}, INVALID_ARGUMENT")


KINDS = (
    ResourceKind(
        token=GARDEN_ENDPOINT, create=_create, update=None, delete=_delete,
        fixed=frozenset({
            "location", "project", "publisherModelName", "huggingFaceModelId", "modelConfig", "endpointConfig",
            "deployConfig",
        }),
        ready_after_min=lambda _inputs: DEPLOY_MIN, deleted_after_min=lambda _inputs: UNDEPLOY_MIN,
    ),
)  # fmt: skip
