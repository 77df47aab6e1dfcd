"""Images: an image is where something has put it, for the processors of the nodes; a pull needs a path, and an identity
for a registry of one's own.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.chart_pulls import pulled_by_charts
from rehearsal.field.deployed import Deployment, Finding, at, every
from rehearsal.field.existing import leads_out
from rehearsal.field.facts import RegistryRow
from rehearsal.field.pods import pods_of, why_elsewhere

PLACEHOLDER = re.compile(r"(^|[./-])(example\.(com|org|net)|your-|changeme|placeholder|todo)|[<>{}$]", re.IGNORECASE)
KEYS = "training.image or inference.image"
OCI = "OCI Distribution Specification, pull"
UNTAGGED = re.compile(r"[@:][^/]*$")


GATE = "penstock:kubernetes:Gate"
INDEX = "OCI Image Format Specification, Image Index: a runtime takes the manifest of its own architecture"


def images(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each image that no node can pull."""
    pods = list(_pods(deployment))
    named = sorted({*_named(deployment), *(image for spec in pods for image in _images_in(spec))})
    for image in named:
        yield from _judged(deployment, image)
    for spec in pods:
        for image in _images_in(spec):
            yield from _for_others(deployment, spec, image)
    yield from pulled_by_charts(deployment)
    outside = [one for one in named if _registry(deployment, one) is None and "/" in one]
    if outside and not leads_out(deployment):
        message = f"nodes have no way out of their network, and {len(outside)} come from elsewhere ({outside[0]})"
        yield Finding(rule="images", subject="path to registries", message=message, source=OCI)


def _judged(deployment: Deployment, image: str) -> Iterator[Finding]:
    subject = f"image {short(image)}"
    if PLACEHOLDER.search(image):
        message = f"{image} stands for an image of one's own: nothing is there to pull; name yours in {KEYS}"
        yield Finding(rule="images", subject=subject, message=message, source=OCI)
        return
    row = _registry(deployment, image)
    if row is None:
        return
    repository = UNTAGGED.sub("", image.partition("/")[2])
    reason = _absent(deployment, row, image, repository)
    if reason:
        yield Finding(rule="images", subject=subject, message=f"{image} is not there: {reason}", source=row.source)
    if row.pull_rights and not any(_grants(deployment, *right) for right in row.pull_rights):
        message = f"no identity of the nodes may pull {image}"
        yield Finding(rule="images", subject="right to pull", message=message, source=row.source)


def _absent(deployment: Deployment, row: RegistryRow, image: str, repository: str) -> str:
    """The reason for which the registry does not have it, "" where it may."""
    mirrors = [name for token, path in row.mirrors for one in deployment.of(token) for name in every(one.inputs, path)]
    if any(one.is_named(image) for one in deployment.images):
        return ""
    if any(repository.startswith(f"{name}/") for name in mirrors):
        return _never_fetched(deployment, row)
    for token, path, fetches in row.places:
        for one in deployment.of(token):
            if image.startswith(f"{at(one.outputs, path)}/"):
                return (
                    _never_fetched(deployment, row) if at(one.inputs, fetches) else _never_pushed(deployment, one.name)
                )
    beside = sorted({one.tag for one in deployment.images if one.name == UNTAGGED.sub("", image)})
    if beside:
        return f"its repository holds {', '.join(beside)}"
    pairs = [(token, path) for token, path in row.repositories]
    own = [str(name) for token, path in pairs for one in deployment.of(token) for name in every(one.inputs, path)]
    if repository not in own:
        there = f"only {', '.join(sorted(own))}" if own else "none"
        return f"nobody has put it there, and the stack makes no repository {repository} ({there})"
    return _never_pushed(deployment, repository)


def _never_pushed(deployment: Deployment, repository: str) -> str:
    """The reason for which a repository of the stack has no image, "" where something may have put one there."""
    if any(one.token.startswith(deployment.facts.pushers) for one in deployment.resources):
        return ""
    return f"the repository {repository} is made by the same `up` and nothing pushes to it"


def _never_fetched(deployment: Deployment, row: RegistryRow) -> str:
    """The reason for which a mirror does not fetch what it has not, "" where it does."""
    if not row.mirror_needs_way_out or leads_out(deployment):
        return ""
    return "a mirror fetches an image for the first time only where the network has a way out"


def _for_others(deployment: Deployment, spec: Mapping[str, Any], image: str) -> Iterator[Finding]:
    """An image that is there, and not for the processors of the nodes that its pod goes to."""
    stored = next((one for one in deployment.images if one.is_named(image)), None)
    for pool in deployment.pools if stored else ():
        if stored and pool.architecture not in stored.architectures and not why_elsewhere(pool, spec):
            built = ", ".join(stored.architectures)
            message = f"{image} is for {built}, and nodes of {pool.name} are {pool.architecture}"
            yield Finding(rule="images", subject=f"image {short(image)}", message=message, source=INDEX)


def _grants(deployment: Deployment, token: str, path: str, pattern: str) -> bool:
    return any(re.search(pattern, str(value)) for one in deployment.of(token) for value in every(one.inputs, path))


def _registry(deployment: Deployment, image: str) -> RegistryRow | None:
    host, _, repository = image.partition("/")
    rows = (row for row in deployment.facts.registries if re.fullmatch(row.host, host))
    return next((row for row in rows if not (row.open and re.match(row.open, repository))), None)


def _pods(deployment: Deployment) -> Iterator[Mapping[str, Any]]:
    """Of every object, and of the gate, which makes its pods itself."""
    bodies = [*deployment.objects]
    for gate in deployment.of(GATE):
        bodies += [*every(gate.inputs, "pools.check"), *every(gate.inputs, "pools.probe"), *every(gate.inputs, "probe")]
    for body in bodies:
        yield from (pod.spec for pod in pods_of(body) if body)


def _images_in(spec: Mapping[str, Any]) -> Iterator[str]:
    for part in ("containers.image", "initContainers.image"):
        yield from (str(image) for image in every(spec, part))


def _named(deployment: Deployment) -> Iterator[str]:
    for row in deployment.facts.images:
        for one in deployment.of(row.resource):
            yield from (str(image) for image in every(one.inputs, row.path))


def short(image: str) -> str:
    """The image without its registry and tag."""
    host, _, rest = image.partition("/")
    return UNTAGGED.sub("", rest if "." in host and rest else image)
