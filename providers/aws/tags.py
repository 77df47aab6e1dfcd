"""The tags of a stack's resources: the user's, and those that tell whose a resource is and until when."""

import re
from collections.abc import Iterator, Mapping

from components.errors import Problem
from components.labels import BUDGET, EXPIRES, TAG_PREFIX, labels_for
from components.spec.cluster import ClusterSpec

MOST_TAGS = 40
"""Of a user's own. A resource has 50 (AWS, "Tag naming limits and requirements"); four are penstock's, `Name` among
them, and up to six EKS puts on the machines of a node group."""

NODES = f"{TAG_PREFIX}nodes"
"""Key of a node group's tag: the nodes that its pool is to have, which the group itself is made without."""

_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_NOT_IN_A_TAG = re.compile(r"[^\w \-+=.:/@]")
"""Same page: letters, digits and spaces of any alphabet, and _ . : / = + - @ are what every service takes."""

_RESERVED = ("aws:", TAG_PREFIX)


def tags(cluster: ClusterSpec, asked: Mapping[str, str], stack: str) -> dict[str, str]:
    """Tags of everything that takes tags."""
    return {**asked, **labels_for(stack, cluster.expires_at, cluster.budget_usd_per_hour)}


def lasting(all_tags: Mapping[str, str]) -> dict[str, str]:
    """Tags without those that change while machines work: expiry and budget.

    A launch template holds these alone: each change of it is a new version, for which every node is replaced (EKS User
    Guide, "Update a managed node group").
    """
    return {key: value for key, value in all_tags.items() if key not in (EXPIRES, BUDGET)}


def tag_problems(asked: Mapping[str, str]) -> Iterator[Problem]:
    """Tags of the user's that AWS would refuse, and those that would take the place of penstock's own."""
    path = "aws.tags"
    if len(asked) > MOST_TAGS:
        message = f"{len(asked)}, and a resource has room for {MOST_TAGS} beside penstock's own; remove some"
        yield Problem(path=path, message=message)
    for key, value in asked.items():
        if problem := _key_problem(key) or _value_problem(value):
            yield Problem(path=f"{path}.{key}".rstrip("."), message=problem)
    yield from _alike(asked, path)


def _key_problem(key: str) -> str:
    if not 1 <= len(key) <= _LONGEST_KEY:
        return f"the key has {len(key)} characters; give it 1 to {_LONGEST_KEY}"
    if reserved := next((prefix for prefix in _RESERVED if key.lower().startswith(prefix)), None):
        return f"{key!r} begins with {reserved!r}, which {reserved[:-1]} reserves; choose another prefix"
    if key == "Name":
        return f"{key!r} is what penstock calls each resource by; choose another key"
    return _character_problem(key)


def _value_problem(value: str) -> str:
    if len(value) > _LONGEST_VALUE:
        return f"{value[:20]!r}... has {len(value)} characters; cut it to {_LONGEST_VALUE}"
    return _character_problem(value)


def _character_problem(text: str) -> str:
    found = _NOT_IN_A_TAG.search(text)
    right = "letters, digits, spaces and _ . : / = + - @ are what every service of AWS takes"
    return f"{text!r} has {found.group()!r} in it; {right}" if found else ""


def _alike(asked: Mapping[str, str], path: str) -> Iterator[Problem]:
    """Keys that differ in case alone: IAM takes them for one (IAM User Guide, "Tags for IAM resources")."""
    seen: dict[str, str] = {}
    for key in asked:
        if (first := seen.setdefault(key.casefold(), key)) != key:
            message = f"{key!r} and {first!r} are one key to IAM, which tells no capitals apart; remove one"
            yield Problem(path=f"{path}.{key}", message=message)
