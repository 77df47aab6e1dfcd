"""The stack's own registry in Azure Container Registry. It is made before `up` and outside of its state: the first `up`
needs what lies in it, and `destroy` keeps it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from components.errors import PenstockError
from components.labels import BUDGET, EXPIRES, STACK
from components.plan.images import ImagePlan
from components.plan.stack import StackPlan
from components.registry import FoundImage, ImageRegistry, Login
from providers.azure.api_versions import CONTAINER_REGISTRY, RESOURCES
from providers.azure.images.address import HOST, address_of, registry_id
from providers.azure.images.questions import USER, found_at, registry_token
from providers.azure.plan import AzurePlan
from providers.azure.session import Azure, AzureError, session
from providers.azure.types import AksPlan

_PATIENCE_S = 300.0
_SKU = "Standard"
"""100 GiB, and more by the GiB; private endpoints alone want Premium (Container Registry, "Service tiers")."""


class AzureRegistry:
    """One registry of Azure Container Registry, in a resource group of its own."""

    def __init__(self, plan: AksPlan, tags: Mapping[str, str], azure: Azure) -> None:
        self._plan, self._tags, self._azure = plan, dict(tags), azure

    @property
    def address(self) -> str:
        return address_of(self._plan.registry)

    @property
    def login_lines(self) -> tuple[str, ...]:
        command = f"az acr login --name {self._plan.registry} --expose-token --query accessToken --output tsv"
        return (f"{command} | ENGINE login --username {USER} --password-stdin {self.address}",)

    def delete_line(self, repository: str) -> str:
        return f"az acr repository delete --name {self._plan.registry} --repository {repository}"

    def found(self, image: ImagePlan) -> FoundImage | None:
        try:
            return found_at(self._plan.registry, image, registry_token(self._azure, self._plan))
        except AzureError as error:
            raise PenstockError(f"{error}; give your credentials the role AcrPull or AcrPush there") from None

    def make(self, repository: str) -> bool:  # noqa: ARG002 (a push makes what lies in the registry)
        """With its own group, and rights by roles alone: by repository they would pass over AcrPull."""
        try:
            there = self._azure.get(self._id, CONTAINER_REGISTRY)
        except AzureError as error:
            if not error.is_absent:
                raise PenstockError(f"{error}; allow Microsoft.ContainerRegistry/registries/read") from None
        else:
            self._require_own(there.get("tags") or {})
            return False
        try:
            self._azure.put(self._group, RESOURCES, {"location": self._plan.region, "tags": self._tags})
            self._azure.put(self._id, CONTAINER_REGISTRY, self._body())
            self._azure.await_state(self._id, CONTAINER_REGISTRY, _PATIENCE_S)
        except AzureError as error:
            raise PenstockError(f"{error}; allow Microsoft.ContainerRegistry/registries/write, or see why") from None
        return True

    def logins(self, hosts: Iterable[str]) -> tuple[Login, ...]:
        """The identity's own token of the stack's registry; others of Azure give none here."""
        if not any(host == self.address for host in hosts if HOST.fullmatch(host)):
            return ()
        try:
            token = registry_token(self._azure, self._plan)
        except AzureError as error:
            raise PenstockError(str(error)) from None
        return (Login(host=self.address, user=USER, password=token),) if token else ()

    @property
    def _group(self) -> str:
        return f"/subscriptions/{self._plan.subscription}/resourceGroups/{self._plan.registry_group}"

    @property
    def _id(self) -> str:
        return registry_id(self._plan.subscription, self._plan.registry_group, self._plan.registry)

    def _body(self) -> dict[str, Any]:
        properties = {"adminUserEnabled": False, "anonymousPullEnabled": False}
        return {"location": self._plan.region, "sku": {"name": _SKU}, "tags": self._tags, "properties": properties}

    def _require_own(self, tags: Mapping[str, str]) -> None:
        whose = tags.get(STACK, "nobody's")
        if whose != self._plan.name:
            remedy = f"give it the tag {STACK}={self._plan.name}, or the stack another name"
            raise PenstockError(f"{self._plan.registry} is there and is not this stack's ({whose}); {remedy}")


def open_registry(plan: StackPlan) -> ImageRegistry:
    """The registry of the stack's subscription."""
    cluster = plan.cluster
    assert isinstance(cluster, AzurePlan)
    lasting = {key: value for key, value in cluster.tags.items() if key not in (EXPIRES, BUDGET)}
    return AzureRegistry(cluster.control_plane, lasting, session())
