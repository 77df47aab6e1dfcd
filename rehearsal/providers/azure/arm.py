"""Resource types of Azure Resource Manager: made and changed by a PUT of the whole, at an id, and deleted there.

What a PUT leaves out is gone, whoever set it. azure-native asks beforehand whether the id is taken, waits for the long
operation, and repeats of conflicts that of networks alone (pulumi/pulumi-azure-native 006a62a, client_azcore.go).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.azure.names import GROUP
from rehearsal.providers.azure.words import not_found

Minutes = float | Callable[[Inputs], float]
SINGLE = {"blobServices": "default"}
"""Types of which there is one, under a name of Azure's."""
NETWORK_PATIENCE_MIN = 3.4
"""Three further tries, after 20, 60 and 120 s (client_azcore.go, initPipelineOpts)."""


def _nothing(_api: CloudApi, _inputs: Inputs) -> Iterator[CloudApiError]:
    yield from ()


def _unchanged(_api: CloudApi, _old: Outputs, _new: Inputs) -> Iterator[CloudApiError]:
    yield from ()


def _no_outputs(_api: CloudApi, _inputs: Inputs, _id: str) -> Outputs:
    return {}


def _gone(_api: CloudApi, _id: str, _outputs: Outputs) -> None:
    return None


def _nobodys(_inputs: Inputs) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmType:
    """One type, `Microsoft.ContainerService` with the path `managedClusters/agentPools`."""

    token: str
    namespace: str
    path: str
    own_name: str
    parents: tuple[tuple[str, str], ...] = ()
    """Inputs that name the resources it lies in, from the outside in, and their types; beside the group."""
    longest_name: int = 80
    fixed: frozenset[str] = frozenset()
    """Further inputs whose change replaces it, by the provider's schema."""
    unchanging: tuple[str, ...] = ()
    """Dotted paths that the provider shows as updates, and of which the service takes no other value."""
    outputs: Callable[[CloudApi, Inputs, str], Outputs] = _no_outputs
    refuse: Callable[[CloudApi, Inputs], Iterator[CloudApiError]] = _nothing
    """Errors for what no schema forbids and the service does."""
    refuse_change: Callable[[CloudApi, Outputs, Inputs], Iterator[CloudApiError]] = _unchanged
    refuse_delete: Callable[[CloudApi, str, Outputs], None] = _gone
    """Raises, or takes away what goes with it."""
    replaces: Callable[[Inputs, Inputs], bool] = lambda _old, _new: False
    ready_min: Minutes = 0.3
    gone_min: Minutes = 0.3
    turn: Callable[[Inputs], str] = _nobodys
    turn_patience_min: float = 0.0
    refers: Mapping[str, str] = field(default_factory=dict)

    def kind(self) -> ResourceKind:
        """The resource type as every simulated cloud has it."""
        parents = {name for name, _ in self.parents}
        return ResourceKind(
            token=self.token, create=self._create, update=self._update, delete=self._delete,
            fixed=self.fixed | parents | {self.own_name, "resourceGroupName", "location"},
            replaces=self.replaces, refers=self.refers, own_name=self.own_name, longest_name=self.longest_name,
            ready_after_min=_minutes(self.ready_min), deleted_after_min=_minutes(self.gone_min), turn=self.turn,
            turn_patience_min=self.turn_patience_min, whole=True,
        )  # fmt: skip

    def id(self, api: CloudApi, inputs: Inputs) -> str:
        """The id that it has, by what its inputs name."""
        names = iter([*(inputs.get(name) for name, _ in self.parents), inputs[self.own_name]])
        below = "/".join(f"{word}/{SINGLE.get(word) or next(names)}" for word in self.path.split("/"))
        return f"{group_id(api, inputs)}/providers/{self.namespace}/{below}"

    def _create(self, api: CloudApi, inputs: Inputs) -> Made:
        self._require_places(api, inputs)
        _raise(self.refuse(api, inputs))
        id_ = self.id(api, inputs)
        api.keep(self.namespace, f"{self.path}.put", {}, id=id_, body=_body(inputs))
        return Made(id=id_, outputs={**self._common(api, inputs), **self.outputs(api, inputs, id_)})

    def _update(self, api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002
        _raise(self._changed(old, new))
        _raise(self.refuse_change(api, old, new))
        _raise(self.refuse(api, new))
        api.keep(self.namespace, f"{self.path}.put", {}, id=id, body=_body(new))
        return {**self._common(api, new), **self.outputs(api, new, id)}

    def _delete(self, api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (the engine's own word)
        self.refuse_delete(api, id, outputs)
        api.keep(self.namespace, f"{self.path}.delete", {}, id=id)
        api.cascade(f"{id}/")

    def _require_places(self, api: CloudApi, inputs: Inputs) -> None:
        """Refuses (CloudApiError) what lies in a group or a resource that is not there."""
        for name, token in (("resourceGroupName", GROUP), *self.parents):
            given = inputs.get(name)
            if given and not is_unknown(given) and api.age_min(token, str(given)) is None:
                raise not_found(str(given), token)

    def _changed(self, old: Outputs, new: Inputs) -> Iterator[CloudApiError]:
        for path in self.unchanging:
            before, after = at(old, path), at(new, path)
            if after is not None and not is_unknown(after) and before != after:
                message = f"Changing property 'properties.{path}' is not allowed."
                yield CloudApiError("PropertyChangeNotAllowed", message)

    def _common(self, api: CloudApi, inputs: Inputs) -> dict[str, Any]:
        return {
            "name": inputs[self.own_name], "type": f"{self.namespace}/{self.path}", "provisioningState": "Succeeded",
            "location": location_of(api, inputs),
        }  # fmt: skip


def group_id(api: CloudApi, inputs: Inputs) -> str:
    return f"/subscriptions/{api.account_id}/resourceGroups/{inputs.get('resourceGroupName')}"


def location_of(api: CloudApi, inputs: Inputs) -> str:
    """Its own location, else that of its group."""
    given = inputs.get("location")
    if given is None:
        found = api.find(GROUP, str(inputs.get("resourceGroupName")))
        given = (found or {}).get("location") or api.region
    return str(given).replace(" ", "").lower() if not is_unknown(given) else given


def at(value: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) and not is_unknown(value) else None
    return value


def _raise(errors: Iterator[CloudApiError]) -> None:
    for error in errors:
        raise error


def _body(inputs: Inputs) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if not name.startswith("__")}


def _minutes(given: Minutes) -> Callable[[Inputs], float]:
    if callable(given):
        return given
    return lambda _inputs: given
