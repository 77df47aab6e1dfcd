"""Network and storage of a stack in the simulated account: all of it comes up, and all of it can go."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from providers.aws.network.build import Network
from providers.aws.network.plan import plan_network
from providers.aws.storage.build import Storage
from providers.aws.storage.plan import plan_storage
from rehearsal.cloud.rules import Treatment
from tests.unit.providers.aws.stacks import pool, stack
from tests.unit.rehearsal.aws.on_simulated_aws import SimulatedAws

ALL = {
    "fileSystem": {
        "capacityTib": 48,
        "throughputMbpsPerTib": 500,
        "metadataIops": 12000,
        "links": [{"path": "/data", "uri": "s3://example-training-data/tokens/"}],
    },
    "objectStore": {},
    "sharedFileSystem": {},
}
AWS = {"registry": {"repositories": ["pretrain"]}, "expressStore": {"zoneId": "use2-az2"}}


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    simulated = SimulatedAws()
    yield simulated
    simulated.cloud.close()


def build(simulated: SimulatedAws, **keys: Any) -> None:
    spec, settings = stack(**keys)
    pools = (pool(), pool("serve", "g6.xlarge", nodes=4, zones=("us-east-2a", "us-east-2c"), efa=False))
    network = plan_network(spec, settings, pools)
    storage = plan_storage(spec, settings, pools, network, "aws-test")

    def program() -> Mapping[str, Any]:
        handle = Network("net", plan=network).handle
        fabric = handle.gang_security_group_id
        assert fabric is not None
        Storage("st", plan=storage, network=handle, clients={"fabric": fabric})
        return {}

    simulated.build(program)


@pytest.mark.parametrize("nat", ["perZone", "none"])
def test_it_comes_up_and_goes(aws: SimulatedAws, nat: str) -> None:
    build(aws, network={"nat": nat}, storage=ALL, aws=AWS)
    lacking = aws.requested(Treatment.KEPT)
    fetched = {"ecr:CreatePullThroughCacheRule"} & lacking
    assert bool(fetched) == (nat != "none"), "without NAT a registry fetches nothing"
    assert {"fsx:CreateFileSystem", "efs:CreateMountTarget", "s3:PutBucketEncryption"} <= aws.requested(
        Treatment.EXECUTED
    )
    aws.destroy()
    assert not aws.cloud.account.objects()


def test_another_process_goes_on_with_the_account(tmp_path: Path) -> None:
    """moto, which forgets, executes the log again and gives everything the identifier it had."""
    first = SimulatedAws(file=tmp_path / "account.sqlite")
    build(first, storage=ALL, aws=AWS)
    first.cloud.close()
    second = SimulatedAws(file=tmp_path / "account.sqlite")
    second.made = first.made
    assert len(second.cloud.account.objects()) == len(first.made)
    second.destroy()
    assert not second.cloud.account.objects()
    second.cloud.close()
