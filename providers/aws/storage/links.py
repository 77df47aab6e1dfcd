"""Folders of a Lustre file system that mirror a bucket: data repository associations."""

from collections.abc import Iterator
from itertools import combinations

from components.errors import Problem
from components.spec.storage import Change, DataLinkSpec, FileSystemSpec
from providers.aws.storage.names import bucket_name_problem
from providers.aws.storage.types import Event, LinkPlan

PATH = "storage.fileSystem.links"
MOST_LINKS = 8
"""Of one file system (FSx for Lustre User Guide, quotas)."""
EVENTS: dict[Change, Event] = {Change.NEW: "NEW", Change.CHANGED: "CHANGED", Change.DELETED: "DELETED"}


def plan_links(asked: FileSystemSpec) -> tuple[LinkPlan, ...]:
    return tuple(
        LinkPlan(
            path=link.path,
            uri=link.uri,
            import_on=tuple(EVENTS[change] for change in link.import_on),
            export_on=tuple(EVENTS[change] for change in link.export_on),
        )
        for link in asked.links
    )


def link_problems(asked: FileSystemSpec) -> Iterator[Problem]:
    """Links that FSx would refuse: too many, overlapping folders, another store than S3, tiering."""
    if not asked.links:
        return
    if asked.tiering is not None:
        message = f"{len(asked.links)} with tiering, which FSx does not link; remove them, or give capacityTib instead"
        yield Problem(path=PATH, message=message)
    if len(asked.links) > MOST_LINKS:
        message = f"{len(asked.links)}, and FSx takes {MOST_LINKS}; link folders further up, or remove some"
        yield Problem(path=PATH, message=message)
    for index, link in enumerate(asked.links):
        yield from _uri_problems(f"{PATH}.{index}", link)
    for (_, first), (index, second) in combinations(enumerate(asked.links), 2):
        if overlap(first.path, second.path):
            message = f"{second.path!r} overlaps {first.path!r}; links need folders apart from each other"
            yield Problem(path=f"{PATH}.{index}.path", message=message)


def overlap(first: str, second: str) -> bool:
    """True if one path is the other, or lies below it."""
    return f"{first}/".startswith(f"{second}/") or f"{second}/".startswith(f"{first}/")


def _uri_problems(path: str, link: DataLinkSpec) -> Iterator[Problem]:
    scheme, _, rest = link.uri.partition("://")
    if scheme != "s3":
        message = f"{link.uri!r} is not in S3, and FSx links nothing else; give s3://bucket/prefix/"
        yield Problem(path=f"{path}.uri", message=message)
    elif problem := bucket_name_problem(rest.partition("/")[0]):
        yield Problem(path=f"{path}.uri", message=f"{link.uri!r} names no bucket: {problem}")
