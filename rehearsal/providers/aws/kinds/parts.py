"""Parts that several kinds have in common: tags in the forms that AWS's APIs take them in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.provider.values import Unknown
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs

Update = Callable[[CloudApi, str, Outputs, Inputs], Outputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChange:
    gone: list[str]
    set: list[dict[str, str]]
    """[{Key, Value}]."""


def tag_change(old: Outputs, new: Inputs) -> TagChange:
    """Change that leads from the old tags to the new ones."""
    before: Mapping[str, str] = old.get("tags") or {}
    after: Mapping[str, str] = new.get("tags") or {}
    return TagChange(
        gone=[key for key in before if key not in after],
        set=[{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value],
    )


def tag_list(inputs: Inputs) -> list[dict[str, str]] | None:
    """[{Key, Value}], None without tags."""
    return [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()] or None


def ec2_tags(resource_type: str, inputs: Inputs) -> list[dict[str, Any]] | None:
    """EC2's TagSpecifications, None without tags."""
    tags = tag_list(inputs)
    return [{"ResourceType": resource_type, "Tags": tags}] if tags else None


def tagged(update: Update) -> Update:
    """The update, and EC2's requests for the tags that changed."""

    def both(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
        _set_ec2_tags(api, id, old, new)
        return update(api, id, old, new)

    return both


def _set_ec2_tags(api: CloudApi, id: str, old: Outputs, new: Inputs) -> None:  # noqa: A002 (AWS's own word)
    """EC2's requests that lead from the old tags to the new ones."""
    change = tag_change(old, new)
    if change.gone:
        api.call("ec2", "DeleteTags", Resources=[id], Tags=[{"Key": key} for key in change.gone])
    if change.set:
        api.call("ec2", "CreateTags", Resources=[id], Tags=change.set)


def api_form(value: Any, renamed: Mapping[str, str] | None = None) -> Any:
    """A value in the SDK's camelCase as an AWS API takes it: PascalCase, or as `renamed` says; "true" is true.

    Text that is a number stays text: what the API wants a number for, the SDK has as one.
    """
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Mapping):
        return {_api_name(name, renamed or {}): api_form(part, renamed) for name, part in value.items()}
    if isinstance(value, list):
        return [api_form(part, renamed) for part in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def given(inputs: Inputs, *names: str) -> dict[str, Any]:
    """Those of the inputs that are there, as they are: for an API that has the SDK's own names."""
    return {name: inputs[name] for name in names if inputs.get(name) is not None}


def arn(api: CloudApi, service: str, resource: str, *, regional: bool = True) -> str:
    return f"arn:aws:{service}:{api.region if regional else ''}:{api.account_id}:{resource}"


def _api_name(name: str, renamed: Mapping[str, str]) -> str:
    return renamed.get(name) or name[0].upper() + name[1:]
