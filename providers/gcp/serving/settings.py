"""Settings of the serving that Google Cloud alone has: models of Vertex AI's Model Garden on endpoints."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from components.spec.base import Name, Spec, form
from components.spec.choice import Choice
from components.spec.inference import HuggingFaceName

PublishedModel = Annotated[
    str,
    Field(
        pattern=form(
            r"^publishers/[a-z0-9-]+/models/[A-Za-z0-9._-]+@[A-Za-z0-9._-]+$",
            "a model of Model Garden with its version: publishers/google/models/gemma3@gemma-3-1b-it",
        )
    ),
]


class GardenModelSpec(Choice):
    """Model that an endpoint serves: one of two."""

    ways: ClassVar[tuple[str, ...]] = ("publisher", "hugging_face")

    publisher: PublishedModel | None = None
    """A model of Model Garden with its version: publishers/google/models/gemma3@gemma-3-1b-it."""
    hugging_face: HuggingFaceName | None = None
    """A repository of Hugging Face that Model Garden deploys and that asks for no token, such as Qwen/Qwen3-0.6B."""


class GardenEndpointSpec(Spec):
    """A model on an endpoint of Vertex AI, on machines that Google keeps."""

    name: Name
    """Name of the endpoint: lower-case letters, digits and dashes."""
    model: GardenModelSpec
    """Model that it serves."""
    machine_type: str = Field(min_length=1)
    """Machine type of a replica, one that the model may be deployed on:
    `gcloud ai model-garden models list-deployment-config --model=MODEL`."""
    min_replicas: int = Field(default=1, ge=1, le=100)
    """Replicas that run always, and are billed by the hour: at least 1."""
    max_replicas: int | None = Field(default=None, ge=1, le=100)
    """Most replicas under load; when left out, `minReplicas`."""
    accept_license: bool = False
    """`true`: you have read the model's licence and accept it, without which Google deploys none."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max_replicas is not None and self.max_replicas < self.min_replicas:
            fact = f"{self.max_replicas} is less than minReplicas ({self.min_replicas})"
            raise ValueError(f"maxReplicas: {fact}; raise it, or leave it out")
        return self
