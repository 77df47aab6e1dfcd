"""What several kinds have in common: tags in the forms that AWS's APIs take them in."""

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.providers.aws.kinds.kind import Api, Inputs, Outputs

Update = Callable[[Api, str, Outputs, Inputs], Outputs]


def tag_list(inputs: Inputs) -> list[dict[str, str]] | None:
    """[{Key, Value}], None without tags."""
    return [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()] or None


def ec2_tags(resource_type: str, inputs: Inputs) -> list[dict[str, Any]] | None:
    """EC2's TagSpecifications, None without tags."""
    tags = tag_list(inputs)
    return [{"ResourceType": resource_type, "Tags": tags}] if tags else None


def tagged(update: Update) -> Update:
    """The update, and EC2's requests for the tags that changed."""

    def both(api: Api, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
        set_ec2_tags(api, id, old, new)
        return update(api, id, old, new)

    return both


def set_ec2_tags(api: Api, id: str, old: Outputs, new: Inputs) -> None:  # noqa: A002 (AWS's own word)
    """EC2's requests that lead from the old tags to the new ones."""
    before: Mapping[str, str] = old.get("tags") or {}
    after: Mapping[str, str] = new.get("tags") or {}
    gone = [{"Key": key} for key in before if key not in after]
    changed = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    if gone:
        api.call("ec2", "DeleteTags", Resources=[id], Tags=gone)
    if changed:
        api.call("ec2", "CreateTags", Resources=[id], Tags=changed)
