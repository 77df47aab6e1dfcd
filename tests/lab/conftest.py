"""A lab for the tests of this folder: brought up once, in a folder of its own, gone with the tests."""

from collections.abc import Iterator

import pytest

from providers.existing.api import KubernetesApi
from rehearsal.lab.lab import Lab, down, up
from rehearsal.lab.preconditions import namespace_refusal
from rehearsal.lab.programs import programs_for
from rehearsal.lab.shape import LabShape, plain_shape
from tools.lab import Tools


@pytest.fixture(scope="session", autouse=True)
def _namespaces() -> None:
    if refusal := namespace_refusal():
        pytest.skip(refusal)


@pytest.fixture(scope="session")
def shape() -> LabShape:
    return plain_shape(process=2, kwok=4)


@pytest.fixture(scope="session")
def tools(shape: LabShape) -> Tools:
    """The lab's programs: built here where the cache lacks them, which takes minutes."""
    return programs_for(shape)


@pytest.fixture(scope="session")
def lab(shape: LabShape, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that is up: its tests leave it as they found it."""
    home = tmp_path_factory.mktemp("lab") / "home"
    yield up(home, shape, tools, stays=False)
    down(home)


@pytest.fixture
def api(lab: Lab) -> Iterator[KubernetesApi]:
    with KubernetesApi(lab.access()) as api:
        yield api
