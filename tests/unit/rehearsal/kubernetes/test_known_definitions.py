"""Definitions that the simulated Kubernetes has for the add-ons' kinds."""

import pytest

from components.kubernetes.definitions import custom_kinds
from components.platform.catalog import ADDONS
from tests.unit.components.platform.requests import GPUS, RDMA, facts, request

ASKED = request(GPUS, RDMA, facts=facts(system_selector={"pool": "system"}), scheduler_addons=tuple(ADDONS))


@pytest.mark.parametrize("name", sorted(ADDONS))
def test_every_definition_that_an_addon_waits_for_is_known(name: str) -> None:
    known = {kind.definition for kind in custom_kinds().values()}
    assert set(ADDONS[name].plan(ASKED).crds) <= known
