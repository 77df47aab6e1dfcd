"""The account's limits, as a fault script sets them: addresses, VPCs, and vCPUs that run."""

from typing import Any

import pytest

from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import ApiError
from rehearsal.cloud.fault_injection import Gate
from rehearsal.cloud.store import Store
from rehearsal.faults import FaultScript
from rehearsal.providers.aws.capacity import NODE_GROUP, TEMPLATE
from rehearsal.providers.aws.quotas import ADDRESS, VPC


def thing(token: str, id: str, inputs: dict[str, Any]) -> Object:  # noqa: A002 (AWS's own word)
    return Object(token=token, id=id, called=id, region="us-east-1", inputs=inputs, outputs={}, status=Status.ACTIVE)


def gate(account: Account, **quotas: Any) -> Gate:
    return Gate(FaultScript.model_validate({"quotas": quotas}), account, Clock(quiet_s=0.0))


def pool(nodes: int, **template: Any) -> tuple[Account, Object]:
    """An account with a group of so many p5.48xlarge, which has 192 vCPUs."""
    account = Account(Store())
    account.add(thing(TEMPLATE, "lt-1", {"instanceType": "p5.48xlarge"} | template))
    inputs = {"launchTemplate": {"id": "lt-1"}, "subnetIds": [], "scalingConfig": {"desiredSize": nodes}}
    group = thing(NODE_GROUP, "cluster:train", inputs)
    account.add(group)
    return account, group


def test_one_address_more_than_the_account_may_have_is_refused() -> None:
    account = Account(Store())
    found = gate(account, elasticIps=1)
    found.before_create(ADDRESS)
    account.add(thing(ADDRESS, "eipalloc-1", {}))
    with pytest.raises(ApiError, match="AddressLimitExceeded"):
        found.before_create(ADDRESS)
    found.before_create(VPC)
    assert len(found.struck) == 1


def test_vcpus_that_run_are_counted_and_the_machines_above_do_not_start() -> None:
    account, group = pool(2)
    assert gate(account, vcpus=[{"family": "p5", "vcpus": 384}]).unready(group, "train") == ""
    small = gate(account, vcpus=[{"family": "p5", "vcpus": 192}])
    reason = small.unready(group, "train")
    assert "VcpuLimitExceeded" in reason
    assert "(p5: 384 needed)" in reason
    assert small.struck == [f"train: {reason}"]


def test_other_families_and_capacity_blocks_do_not_count() -> None:
    account, group = pool(2)
    assert gate(account, vcpus=[{"family": "g", "vcpus": 0}]).unready(group, "train") == ""
    assert gate(account, vcpus=[{"family": "p5", "spot": True, "vcpus": 0}]).unready(group, "train") == ""
    account, group = pool(2, instanceMarketOptions={"marketType": "capacity-block"})
    assert gate(account, vcpus=[{"family": "p5", "vcpus": 0}]).unready(group, "train") == ""
