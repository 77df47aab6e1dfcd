"""Images: an image is where something has put it; a pull needs a path, and an identity for a registry of one's own."""

import re
from collections.abc import Iterator

from rehearsal.field.deployed import Deployment, Finding, every
from rehearsal.field.facts import RegistryRow
from rehearsal.field.pods import pods_of

PLACEHOLDER = re.compile(r"(^|[./-])(example\.(com|org|net)|your-|changeme|placeholder|todo)|[<>{}$]", re.IGNORECASE)
OCI = "OCI Distribution Specification, pull"
UNTAGGED = re.compile(r"[@:][^/]*$")


def images(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each image that no node can pull."""
    named = sorted(set(_named(deployment)))
    for image in named:
        yield from _judged(deployment, image)
    outside = [one for one in named if _registry(deployment, one) is None and "/" in one]
    ways = deployment.facts.ways_out
    if outside and ways and not any(one.token in ways for one in deployment.resources):
        message = f"nodes have no way out of their network, and {len(outside)} come from elsewhere ({outside[0]})"
        yield Finding(rule="images", subject="path to registries", message=message, source=OCI)


def _judged(deployment: Deployment, image: str) -> Iterator[Finding]:
    subject = f"image {short(image)}"
    if PLACEHOLDER.search(image):
        message = f"{image} stands for an image of one's own: nothing is there to pull"
        yield Finding(rule="images", subject=subject, message=message, source=OCI)
        return
    row = _registry(deployment, image)
    if row is None:
        return
    repository = UNTAGGED.sub("", image.partition("/")[2])
    reason = _absent(deployment, row, repository)
    if reason:
        yield Finding(rule="images", subject=subject, message=f"{image} is not there: {reason}", source=row.source)
    if row.pull_rights and not any(_grants(deployment, *right) for right in row.pull_rights):
        message = f"no identity of the nodes may pull {image}"
        yield Finding(rule="images", subject="right to pull", message=message, source=row.source)


def _absent(deployment: Deployment, row: RegistryRow, repository: str) -> str:
    """The reason for which the registry does not have it, "" where it may."""
    mirrors = [name for token, path in row.mirrors for one in deployment.of(token) for name in every(one.inputs, path)]
    if any(repository.startswith(f"{name}/") for name in mirrors):
        return ""
    pairs = [(token, path) for token, path in row.repositories]
    own = [str(name) for token, path in pairs for one in deployment.of(token) for name in every(one.inputs, path)]
    if repository not in own:
        there = f"only {', '.join(sorted(own))}" if own else "none"
        return f"the stack makes no repository {repository} ({there})"
    if not any(one.token.startswith(deployment.facts.pushers) for one in deployment.resources):
        return f"the repository {repository} is made by the same `up` and nothing pushes to it"
    return ""


def _grants(deployment: Deployment, token: str, path: str, pattern: str) -> bool:
    return any(re.search(pattern, str(value)) for one in deployment.of(token) for value in every(one.inputs, path))


def _registry(deployment: Deployment, image: str) -> RegistryRow | None:
    host = image.partition("/")[0]
    return next((row for row in deployment.facts.registries if re.fullmatch(row.host, host)), None)


def _named(deployment: Deployment) -> Iterator[str]:
    for body in deployment.objects:
        for pod in pods_of(body):
            for part in ("containers.image", "initContainers.image"):
                yield from (str(image) for image in every(pod.spec, part))
    for row in deployment.facts.images:
        for one in deployment.of(row.resource):
            yield from (str(image) for image in every(one.inputs, row.path))


def short(image: str) -> str:
    """The image without its registry and tag."""
    host, _, rest = image.partition("/")
    return UNTAGGED.sub("", rest if "." in host and rest else image)
