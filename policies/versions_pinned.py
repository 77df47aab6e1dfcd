"""Software runs at the version that was chosen: none that a cloud or a registry may change from one day to the next."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.clouds import CLOUDS
from policies.facts import Versioned
from policies.rule import Rule
from policies.values import at


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Each version or image that is left open."""
    software = [each for cloud in CLOUDS for each in cloud.versions(kind, inputs)]
    images = [each for cloud in CLOUDS for each in cloud.images(kind, inputs)]
    if kind == "kubernetes:helm.sh/v3:Release":
        software.append(Versioned(software=f"the chart {at(inputs, 'chart')}", version=at(inputs, "version")))
    elif kind.startswith("kubernetes:"):
        images.append(at(inputs, "spec"))
    for each in software:
        if not each.version:
            yield f"{each.software} has no version, and gets the newest one of that day"
        elif not each.is_exact:
            yield f"{each.software} has {each.version!r} for a version"
    for image in images:
        yield from _image(image) if isinstance(image, str) else _images(image)


def _images(value: Any) -> Iterator[str]:
    """Open images anywhere in a document, each under the key `image`; a `version` beside it is its tag."""
    if isinstance(value, Mapping):
        image, tag = value.get("image"), value.get("version")
        yield from _image(f"{image}:{tag}" if isinstance(image, str) and isinstance(tag, str) and tag else image)
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for child in children:
        yield from _images(child)


def _image(image: Any) -> Iterator[str]:
    """By digest, or by a tag that is not the registry's newest."""
    if not isinstance(image, str):
        return
    _, colon, tag = image.rpartition("/")[2].partition(":")
    if not colon or tag == "latest":
        yield f"the image {image} is the one pushed last, whichever that is"


RULE = Rule(
    name="versions-pinned",
    reason="few combinations of drivers, plugins and Kubernetes work together, and a change in mid-run drains nodes",
    remedy="name the version, as the tables versions.toml have them, and images by tag or digest",
    level="mandatory",
    check=check,
)
