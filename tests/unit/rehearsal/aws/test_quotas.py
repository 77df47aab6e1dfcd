"""The account's limits, as a fault script sets them: addresses, VPCs, and vCPUs that run."""

from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.fault_injection import FaultInjector
from rehearsal.cloud.store import Store
from rehearsal.faults import FaultScript, read_faults
from rehearsal.providers.aws.capacity import NODE_GROUP, TEMPLATE
from rehearsal.providers.aws.quotas import ADDRESS, VPC
from rehearsal.providers.aws.rules import RULES


def thing(token: str, id: str, inputs: dict[str, Any]) -> Object:  # noqa: A002 (AWS's own word)
    return Object(token=token, id=id, called=id, region="us-east-1", inputs=inputs, outputs={}, status=Status.ACTIVE)


def injector(account: Account, **quotas: Any) -> FaultInjector:
    return FaultInjector(FaultScript.model_validate({"quotas": quotas}), account, Clock(quiet_s=0.0))


def pool(nodes: int, **template: Any) -> tuple[Account, Object]:
    """An account with a group of so many p5.48xlarge, which has 192 vCPUs."""
    account = Account(Store(), RULES)
    account.add(thing(TEMPLATE, "lt-1", {"instanceType": "p5.48xlarge"} | template))
    inputs = {"launchTemplate": {"id": "lt-1"}, "subnetIds": [], "scalingConfig": {"desiredSize": nodes}}
    group = thing(NODE_GROUP, "cluster:train", inputs)
    account.add(group)
    return account, group


def test_one_address_more_than_the_account_may_have_is_refused() -> None:
    account = Account(Store(), RULES)
    found = injector(account, elasticIps=1)
    found.before_create(ADDRESS)
    account.add(thing(ADDRESS, "eipalloc-1", {}))
    with pytest.raises(CloudApiError, match="AddressLimitExceeded"):
        found.before_create(ADDRESS)
    found.before_create(VPC)
    assert len(found.injected) == 1


def test_vcpus_that_run_are_counted_and_the_machines_above_do_not_start() -> None:
    account, group = pool(2)
    assert injector(account, vcpus=[{"family": "p5", "vcpus": 384}]).unready(group, "train") == ""
    small = injector(account, vcpus=[{"family": "p5", "vcpus": 192}])
    reason = small.unready(group, "train")
    assert "VcpuLimitExceeded" in reason
    assert "(p5: 384 needed)" in reason
    assert small.injected == [f"train: {reason}"]


def test_other_families_and_capacity_blocks_do_not_count() -> None:
    account, group = pool(2)
    assert injector(account, vcpus=[{"family": "g", "vcpus": 0}]).unready(group, "train") == ""
    assert injector(account, vcpus=[{"family": "p5", "spot": True, "vcpus": 0}]).unready(group, "train") == ""
    account, group = pool(2, instanceMarketOptions={"marketType": "capacity-block"})
    assert injector(account, vcpus=[{"family": "p5", "vcpus": 0}]).unready(group, "train") == ""


def test_a_limit_that_aws_does_not_have_is_refused_with_its_path() -> None:
    with pytest.raises(SpecError) as refused:
        injector(Account(Store(), RULES), elasticIp=1, vcpus=[{"family": "p55", "vcpus": 1}])
    paths = {problem.path for problem in refused.value.problems}
    assert paths == {"quotas.elasticIp", "quotas.vcpus.0.family"}


def test_a_wrong_limit_is_told_with_the_scripts_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("quotas: {elasticIp: 1}")
    with pytest.raises(SpecError) as refused:
        FaultInjector(read_faults(file), Account(Store(), RULES), Clock(quiet_s=0.0))
    assert str(refused.value).startswith(f"{file}: 1 problem, nothing was created\n  quotas.elasticIp: unknown key")


def test_a_quota_that_refused_nothing_is_named_with_the_most_that_was_used() -> None:
    account, group = pool(2)
    found = injector(
        account, vpcs=1, elasticIps=2, vcpus=[{"family": "p5", "vcpus": 384}, {"family": "g", "spot": True, "vcpus": 0}]
    )
    found.unready(group, "train")
    found.before_create(ADDRESS)
    found.before_create(VPC)
    account.add(thing(VPC, "vpc-1", {}))
    with pytest.raises(CloudApiError):
        found.before_create(VPC)
    assert found.unused_faults() == (
        "quota elasticIps of 2 (1 used)",
        "quota vcpus of p5 of 384 (384 used)",
        "quota vcpus of g, spot of 0 (nothing counts against it)",
    )
