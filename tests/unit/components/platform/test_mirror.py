"""A mirror moves every image that a chart can name: by the keys of the charts, and over all stacks that are shipped."""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import components.platform
from components.platform.plan import plan_platform
from components.platform.values import value_at
from components.platform.versions import versions
from tests.unit.components.platform.requests import EFA, GPUS, NEURON, RDMA, facts, request

KEYS = Path(components.platform.__file__).parent / "value_keys"
MIRROR = "mirror.example/hub"

NOT_PULLED = {
    "cert-manager": {"imageRegistry": "an older way to name what the repositories name"},
    "external-dns": {"provider.webhook.image.repository": "a provider of the user's own", "registry": "of DNS records"},
    "gpu-operator": {
        "vgpuManager.repository": "built by the user: NVIDIA publishes none",
        "draDriver.repository": "off; nvidia-dra-driver is an add-on of its own",
    },
    "fluent-bit": {"testFramework.*": "pulled by `helm test` alone", "hotReload.*": "off"},
    "kube-prometheus-stack": {"global.imageRegistry": "the registry of each image is moved"},
    "kubeflow-trainer": {"dataCache.*": "off", "runtimes.*": "off: penstock renders runtimes of its own"},
    "kueue": {"kueueViz.*": "off"},
    "metrics-server": {"addonResizer.*": "off"},
    "volcano": {"basic.*_image_name": "names below the registry that is moved"},
    "weka-csi": {"images.csidriverTag": "a tag"},
    "loki": {"*": "one process: of its parts the single binary, gateway and their metrics alone are rendered"},
    "neuron": {"scheduler.*": "off"},
    "nvsentinel": {"*": "the chart's images are not known; the plan warns"},
    "network-operator": {
        "node-feature-discovery.*": "off; an add-on of its own",
        "sriov-network-operator.*": "off",
        "maintenance-operator-chart.*": "off",
    },
    "topograph": {"tests.image.repository": "pulled by `helm test` alone"},
}
"""Values that name images which no stack pulls, by chart, with the reason."""

IMAGE = re.compile(r"(^|\.)(repository|registry|imageRegistry)$|(^|\.)images\.[A-Za-z]+$|_image_name$")


def paths(tree: Any, below: str = "") -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from paths(value, f"{below}.{key}" if below else str(key))
    elif tree == "str" and IMAGE.search(below):
        yield below


def moves(known: Mapping[str, str], path: str) -> bool:
    """True for a path that is moved, one whose registry is, and one of a chart that has one registry for all."""
    registry = path.removesuffix("repository") + "registry"
    return path in known or registry in known or any(key.startswith("global.") for key in known)


@pytest.mark.parametrize("name", sorted(file.stem for file in KEYS.glob("*.json")))
def test_every_image_that_a_chart_can_name_is_moved_or_not_pulled(name: str) -> None:
    known = versions()[name].images
    exempt = NOT_PULLED.get(name, {})
    found = paths(json.loads((KEYS / f"{name}.json").read_text())["values"])
    left = [path for path in found if not moves(known, path) and not any(_fits(path, row) for row in exempt)]
    assert left == []


def _fits(path: str, row: str) -> bool:
    return fnmatchcase(path, row)


@pytest.mark.parametrize("pool", [GPUS, RDMA, EFA, NEURON])
@pytest.mark.parametrize(
    "addons", [("jobset", "kueue"), ("volcano",), ("jobset", "kai-scheduler"), ("slurm", "slurm-operator")]
)
def test_all_that_a_platform_installs_comes_from_its_mirror(pool: Any, addons: tuple[str, ...]) -> None:
    regional = "1.dkr.ecr.r-1.amazonaws.com/eks/aws-efa-k8s-device-plugin"
    known = facts(addon_values={"efa-device-plugin": {"image": {"repository": regional}}})
    asked = request(pool, facts=known, scheduler_addons=addons, platform={"registryMirror": MIRROR})
    plan = plan_platform(asked)
    for addon in plan.addons:
        images = {path for path in versions()[addon.name].images if not path.endswith(("tag", "_version"))}
        for path in images if addon.release else ():
            assert addon.release is not None
            assert str(value_at(addon.release.values, path)).startswith(f"{MIRROR}/"), (addon.name, path)


def test_a_regions_own_registry_is_moved_too() -> None:
    known = facts(addon_values={"efa-device-plugin": {"image": {"repository": "1.dkr.ecr.r-1.amazonaws.com/eks/efa"}}})
    plan = plan_platform(request(EFA, facts=known, platform={"registryMirror": MIRROR}))
    (efa,) = [one for one in plan.addons if one.name == "efa-device-plugin"]
    assert efa.release is not None
    assert efa.release.values["image"]["repository"] == f"{MIRROR}/1.dkr.ecr.r-1.amazonaws.com/eks/efa"


def test_a_mirror_says_what_it_must_hold_and_what_it_does_not_move() -> None:
    asked = request(GPUS, addons={"nvsentinel": True}, platform={"registryMirror": MIRROR})
    bare, holds = [one for one in plan_platform(asked).warnings if one.startswith("platform.registryMirror")]
    assert "the images of nvsentinel are not moved" in bare
    assert "nvcr.io" in holds
    assert "registry.k8s.io" in holds
    assert not [one for one in plan_platform(request(GPUS)).warnings if "registryMirror" in one]
