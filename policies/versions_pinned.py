"""What runs is what was chosen: no version that a cloud or a registry may change from one day to the next."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from policies.rule import Rule
from policies.values import UNKNOWN, at, entries


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Each version or image that is left open."""
    if look := _VERSIONED.get(kind):
        yield from look(inputs)
    elif kind.startswith("kubernetes:"):
        yield from _images(at(inputs, "spec"))


def _cluster(inputs: Mapping[str, Any]) -> Iterator[str]:
    if not at(inputs, "version"):
        yield "the cluster has no Kubernetes version, and gets the newest one of that day"


def _add_on(inputs: Mapping[str, Any]) -> Iterator[str]:
    version = at(inputs, "addonVersion")
    if version is not UNKNOWN and (not version or "eksbuild" not in str(version)):
        yield f"the add-on {at(inputs, 'addonName')} has {version!r} for a version"


def _chart(inputs: Mapping[str, Any]) -> Iterator[str]:
    if not at(inputs, "version"):
        yield f"the chart {at(inputs, 'chart')} has no version, and installs the newest one of that day"


def _model(inputs: Mapping[str, Any]) -> Iterator[str]:
    for container in (at(inputs, "primaryContainer"), *entries(inputs, "containers")):
        yield from _image(at(container, "image"))


def _job(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Batch takes its containers as a document in a text."""
    for name in ("containerProperties", "nodeProperties"):
        yield from _images(_document(at(inputs, name)))


def _controlled(inputs: Mapping[str, Any]) -> Iterator[str]:
    if at(inputs, "typeName") == "AWS::PCS::Cluster":
        state = _document(at(inputs, "desiredState"))
        if state is not None and not at(state, "Scheduler", "Version"):
            yield "the cluster has no Slurm version"


def _document(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _images(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _image(value.get("image"))
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


_VERSIONED: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "aws:eks/cluster:Cluster": _cluster,
    "aws:eks/addon:Addon": _add_on,
    "kubernetes:helm.sh/v3:Release": _chart,
    "aws:sagemaker/model:Model": _model,
    "aws:batch/jobDefinition:JobDefinition": _job,
    "aws:cloudcontrol/resource:Resource": _controlled,
}

RULE = Rule(
    name="versions-pinned",
    reason="few combinations of drivers, plugins and Kubernetes work together, and a change in mid-run drains nodes",
    remedy="name the version, as the tables versions.toml have them, and images by tag or digest",
    level="mandatory",
    check=check,
)
