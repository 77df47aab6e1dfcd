"""A lab for the tests of this folder: brought up once, in a folder of its own, gone with the tests.

It has no controllers but Kubernetes' own. A test leaves it as it found it, or uses names, nodes and definitions that no
other test does. What needs another lab (with controllers, or one that is to die) brings up its own.
"""

from collections.abc import Iterator

import pytest

from components.kubernetes.api import KubernetesApi
from lab.lab import Lab, down, up
from lab.preconditions import namespace_refusal
from lab.programs import programs_for
from lab.shape import LabNode, LabShape, plain_shape
from tools.lab import Tools

GPUS = {"cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "8", "rdma/hca": "1"}
PLAIN = plain_shape(process=2, kwok=4)
SHAPE = LabShape(
    process=(
        *PLAIN.process,
        LabNode(name="whole-1", pool="whole", allocatable=GPUS),
        LabNode(name="whole-2", pool="whole", allocatable=GPUS),
        *(LabNode(name=f"wired-{index}", pool="wired") for index in range(4)),
    ),
    kwok=(
        *PLAIN.kwok,
        LabNode(name="kwok-short", pool="short", allocatable=GPUS | {"nvidia.com/gpu": "7"}),
        LabNode(name="kwok-unwired", pool="unwired", allocatable=GPUS | {"rdma/hca": "0"}),
    ),
)
"""Beside a plain lab's nodes, those of the acceptance gate's tests: whole ones, and ones that lack something."""


@pytest.fixture(scope="session", autouse=True)
def _namespaces() -> None:
    if refusal := namespace_refusal():
        pytest.skip(refusal)


@pytest.fixture(scope="session")
def shape() -> LabShape:
    return SHAPE


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The lab's programs: had from elsewhere or built where the cache lacks them, which takes minutes."""
    return programs_for(SHAPE)


@pytest.fixture(scope="session")
def lab(shape: LabShape, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab") / "home"
    yield up(home, shape, tools, stays=False)
    down(home)


@pytest.fixture
def api(lab: Lab) -> Iterator[KubernetesApi]:
    with KubernetesApi(lab.access()) as api:
        yield api
