"""Storage's plan: what it decides, what it refuses, what it costs."""

from decimal import Decimal
from typing import Any

import pytest

from components.errors import SpecError
from components.spec.storage import OnDestroy
from providers.aws.network.plan import plan_network
from providers.aws.storage.bill import bill
from providers.aws.storage.names import bucket_name_problem
from providers.aws.storage.plan import plan_storage
from providers.aws.storage.types import LustrePlan, StoragePlan
from providers.aws.types import AwsNodePoolPlan
from tests.unit.providers.aws.stacks import pool, stack

EFA_SIZE = {"capacityTib": 48, "throughputMbpsPerTib": 500}


def planned(*pools: AwsNodePoolPlan, stack_name: str = "aws-test", **keys: Any) -> StoragePlan:
    spec, settings = stack(**keys)
    nodes = pools or (pool(),)
    return plan_storage(spec, settings, nodes, plan_network(spec, settings, nodes), stack_name)


def lustre(*pools: AwsNodePoolPlan, **asked: Any) -> LustrePlan:
    plan = planned(*pools, storage={"fileSystem": asked}).file_system
    assert plan is not None
    return plan


def problems(*pools: AwsNodePoolPlan, **keys: Any) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        planned(*pools, **keys)
    return [(problem.path, problem.message) for problem in caught.value.problems]


def refusal(*pools: AwsNodePoolPlan, **asked: Any) -> tuple[str, str]:
    """Of a file system: path below it, and message, of the only problem."""
    ((path, message),) = problems(*pools, storage={"fileSystem": asked})
    return path.removeprefix("storage.fileSystem."), message


def reason(plan: StoragePlan, path: str) -> str:
    (found,) = [each.reason for each in plan.decisions if each.path == path]
    return found


@pytest.mark.parametrize("size", [1.2, 2.4, 4.8, 7.2, 48, 240])
def test_a_tib_is_a_thousand_gib_as_fsx_counts(size: float) -> None:
    assert lustre(capacityTib=size).capacity_gib == round(size * 1000)


@pytest.mark.parametrize(
    ("size", "remedy"),
    [(1, "take 1.2 or 2.4"), (1.3, "take 1.2 or 2.4"), (3.6, "take 2.4 or 4.8"), (50, "take 48 or 50.4")],
)
def test_refuses_a_size_off_the_grid(size: float, remedy: str) -> None:
    path, message = refusal(capacityTib=size)
    assert path == "capacityTib"
    assert f"{size:g} is no size" in message
    assert remedy in message


@pytest.mark.parametrize(("tier", "step"), [(125, 38.4), (250, 19.2), (500, 9.6), (1000, 4.8)])
def test_efa_where_nodes_zone_and_size_allow_it(tier: int, step: float) -> None:
    assert lustre(capacityTib=step, throughputMbpsPerTib=tier).efa
    assert lustre(capacityTib=round(3 * step, 1), throughputMbpsPerTib=tier).efa
    assert not lustre(capacityTib=round(step + 2.4, 1), throughputMbpsPerTib=tier).efa


def test_the_production_example_is_on_the_fabric_and_the_small_one_not() -> None:
    links = [{"path": "/data", "uri": "s3://example-training-data/tokens/"}]
    large = lustre(**EFA_SIZE, metadataIops=12000, links=links)
    assert (large.efa, large.zone, large.metadata_iops) == (True, "us-east-2b", 12000)
    small = planned(pool(machine_type="g6e.8xlarge"), storage={"fileSystem": {"capacityTib": 1.2}})
    assert small.file_system is not None
    assert not small.file_system.efa
    assert "multiples of 19.2" in reason(small, "storage.fileSystem.fabric")


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        ((pool(efa=False),), "no pool has a fabric"),
        ((pool(machine_type="trn2.48xlarge"),), "no pool has a fabric over which FSx"),
        ((pool(machine_type="p4d.24xlarge"),), "no pool has a fabric over which FSx"),
        ((pool(nodes=129, addresses=2),), "1032 EFA interfaces would reach it (train: 129 nodes of 8)"),
        ((pool(nodes=4, addresses=20_000),), "several /16 ranges"),
    ],
)
def test_efa_is_refused_where_asked_for_and_else_left_with_the_reason(
    pools: tuple[AwsNodePoolPlan, ...], said: str
) -> None:
    path, message = refusal(*pools, **EFA_SIZE, fabric=True)
    assert path == "fabric"
    assert said in message
    plan = planned(*pools, storage={"fileSystem": EFA_SIZE})
    assert plan.file_system is not None
    assert not plan.file_system.efa
    assert said in reason(plan, "storage.fileSystem.fabric")


def test_each_interface_of_a_node_is_one_of_the_1024_that_reach_it_over_efa() -> None:
    assert lustre(pool(nodes=128, addresses=2), **EFA_SIZE).efa
    assert lustre(pool(machine_type="g6e.12xlarge", nodes=1024, addresses=2), **EFA_SIZE).efa


def test_batch_reaches_it_over_tcp() -> None:
    batch = {"kind": "batch", "image": "train:1", "command": ["train"]}
    plan = planned(storage={"fileSystem": EFA_SIZE}, aws={"controlPlane": batch})
    assert plan.file_system is not None
    assert not plan.file_system.efa
    assert "Batch's images" in reason(plan, "storage.fileSystem.fabric")


def test_efa_can_be_declined() -> None:
    assert not lustre(**EFA_SIZE, fabric=False).efa


def test_it_stands_in_the_zone_of_the_largest_pool_with_a_fabric() -> None:
    serve = pool("serve", "g6.xlarge", nodes=500, zones=("us-east-2a",), efa=False)
    small = pool("small", nodes=2, zones=("us-east-2a",))
    plan = lustre(serve, small, pool(nodes=8, zones=("us-east-2c",)), **EFA_SIZE)
    assert (plan.zone, plan.subnet) == ("us-east-2c", "nodes-us-east-2c")


@pytest.mark.parametrize(
    ("asked", "path", "value", "remedy"),
    [
        ({"capacityTib": 2.4, "throughputMbpsPerTib": 200}, "throughputMbpsPerTib", "200 is no tier", "125, 250, 500"),
        ({"capacityTib": 2.4, "metadataIops": 2000}, "metadataIops", "2000 is none", "1500, 3000, 6000, 12000"),
        ({"capacityTib": 2.4, "metadataIops": 204_000}, "metadataIops", "204000", "up to 192000"),
        ({"capacityTib": 2.4, "scratch": True, "metadataIops": 1500}, "metadataIops", "1500 with scratch", "remove"),
        (
            {"capacityTib": 2.4, "scratch": True, "throughputMbpsPerTib": 250},
            "throughputMbpsPerTib", "250 with scratch", "remove",
        ),
        ({"capacityTib": 48, "scratch": True, "fabric": True}, "fabric", "a scratch file system has no EFA", "leave"),
        ({"capacityTib": 2.4, "scratch": True, "onDestroy": "keep"}, "onDestroy", "'keep' with scratch", "delete"),
        ({"capacityTib": 40, "throughputMbpsPerTib": 500, "fabric": True}, "capacityTib", "40 is no size", "40.8"),
        ({"tiering": {"throughputMbps": 5000}}, "tiering.throughputMbps", "5000 is not a multiple", "take 4000"),
        ({"tiering": {"throughputMbps": 2_004_000}}, "tiering.throughputMbps", "2004000", "take 2000000"),
        (
            {"tiering": {"throughputMbps": 4000, "readCacheGib": 16}},
            "tiering.readCacheGib", "16 is not between 32 and 131072", "leave it out",
        ),
        (
            {"tiering": {"throughputMbps": 4000}, "throughputMbpsPerTib": 250},
            "throughputMbpsPerTib", "250 with tiering", "remove",
        ),
        ({"tiering": {"throughputMbps": 4000}, "metadataIops": 1500}, "metadataIops", "1500", "6000, 12000"),
        ({"tiering": {"throughputMbps": 4000}, "scratch": True, "fabric": False}, "scratch", "with tiering", "remove"),
        (
            {"tiering": {"throughputMbps": 4000}, "links": [{"path": "/d", "uri": "s3://bucket/"}]},
            "links", "1 with tiering", "remove them",
        ),
        ({"capacityTib": 2.4, "links": [{"path": "/d", "uri": "gs://bucket/"}]}, "links.0.uri", "'gs://bucket/'", "s3://"),
        (
            {"capacityTib": 2.4, "links": [{"path": "/d", "uri": "s3://My_Bucket/"}]},
            "links.0.uri", "'My_Bucket'", "lower-case",
        ),
        (
            {
                "capacityTib": 2.4,
                "links": [{"path": "/d", "uri": "s3://bucket/a/"}, {"path": "/d/e", "uri": "s3://bucket/b/"}],
            },
            "links.1.path", "'/d/e' overlaps '/d'", "apart",
        ),
        (
            {"capacityTib": 2.4, "links": [{"path": f"/d{n}", "uri": f"s3://bucket/{n}/"} for n in range(9)]},
            "links", "9, and FSx takes 8", "remove some",
        ),
    ],
)  # fmt: skip
def test_refuses_a_file_system(asked: dict[str, Any], path: str, value: str, remedy: str) -> None:
    if "fabric" in asked and path == "capacityTib":
        found = dict(problems(storage={"fileSystem": asked}))
        where, message = path, found[f"storage.fileSystem.{path}"]
    else:
        where, message = refusal(**asked)
    assert where == path
    assert value in message
    assert remedy in message


def test_folders_side_by_side_do_not_overlap() -> None:
    links = [{"path": "/data", "uri": "s3://bucket/a/"}, {"path": "/data2", "uri": "s3://bucket/b/"}]
    assert len(lustre(capacityTib=2.4, links=links).links) == 2
    assert len(lustre(capacityTib=2.4, links=links[::-1]).links) == 2


def test_tiering_brings_its_metadata_and_efa() -> None:
    plan = lustre(tiering={"throughputMbps": 8000, "readCacheGib": 64})
    assert (plan.capacity_gib, plan.throughput_mbps_per_tib) == (None, None)
    assert (plan.throughput_mbps, plan.read_cache_gib, plan.metadata_iops, plan.efa) == (8000, 64, 6000, True)


def test_scratch_has_neither_throughput_nor_backup() -> None:
    plan = planned(storage={"fileSystem": {"capacityTib": 2.4, "scratch": True}})
    assert plan.file_system is not None
    assert plan.file_system.throughput_mbps_per_tib is None
    assert not plan.file_system.final_backup
    assert plan.volume.on_destroy is OnDestroy.DELETE
    assert "no backup" in reason(plan, "storage.fileSystem.onDestroy")


def test_a_kept_file_system_leaves_a_backup_and_its_key() -> None:
    kept = planned(storage={"fileSystem": {"capacityTib": 2.4}})
    assert kept.file_system is not None
    assert kept.file_system.final_backup
    assert kept.key_kept
    gone = planned(storage={"fileSystem": {"capacityTib": 2.4, "onDestroy": "delete"}})
    assert gone.file_system is not None
    assert not gone.file_system.final_backup
    assert not gone.key_kept


@pytest.mark.parametrize(
    ("storage", "path"),
    [
        ({"fileSystem": {"capacityTib": 2.4}, "sharedFileSystem": {}}, "/fsx/penstock/aws-test"),
        ({"sharedFileSystem": {"mountPath": "/home"}}, "/home/penstock/aws-test"),
        ({"fileSystem": {"capacityTib": 2.4}, "volume": {"path": "/fsx/runs"}}, "/fsx/runs"),
        ({"objectStore": {}}, ""),
    ],
)
def test_runs_lie_on_a_file_system(storage: dict[str, Any], path: str) -> None:
    plan = planned(storage=storage)
    assert plan.volume_path == path
    assert bool(plan.mounts) == bool(path)


@pytest.mark.parametrize(
    ("storage", "path", "value", "remedy"),
    [
        (
            {"fileSystem": {"capacityTib": 2.4}, "volume": {"path": "/scratch/runs"}},
            "storage.volume.path", "'/scratch/runs' is on no file system", "below /fsx",
        ),
        ({"volume": {"path": "~/runs"}}, "storage.volume.path", "'~/runs'", "add storage.fileSystem"),
        (
            {"fileSystem": {"capacityTib": 2.4, "onDestroy": "delete"}, "volume": {"onDestroy": "keep"}},
            "storage.volume.onDestroy", "'keep', but the file system", "storage.fileSystem.onDestroy",
        ),
        (
            {"fileSystem": {"capacityTib": 2.4, "mountPath": "/data"}, "sharedFileSystem": {"mountPath": "/data/home"}},
            "storage.sharedFileSystem.mountPath", "'/data/home' and fileSystem.mountPath '/data' overlap", "apart",
        ),
        ({"objectStore": {"name": "My.Bucket"}}, "storage.objectStore.name", "'My.Bucket'", "lower-case"),
    ],
)  # fmt: skip
def test_refuses(storage: dict[str, Any], path: str, value: str, remedy: str) -> None:
    ((where, message),) = problems(storage=storage)
    assert where == path
    assert value in message
    assert remedy in message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ab", "2 characters"),
        ("a" * 64, "64 characters"),
        ("-bucket", "no dash at the ends"),
        ("bucket-", "no dash at the ends"),
        ("a..b", "two dots"),
        ("192.168.5.4", "looks like an address"),
        ("xn--bucket", "'xn--'"),
        ("sthree-bucket", "'sthree-'"),
        ("amzn-s3-demo-bucket", "'amzn-s3-demo-'"),
        ("bucket-s3alias", "'-s3alias'"),
        ("bucket--ol-s3", "'--ol-s3'"),
        ("bucket.mrap", "'.mrap'"),
        ("bucket--x-s3", "'--x-s3'"),
        ("bucket--table-s3", "'--table-s3'"),
        ("example-training.data-2", ""),
    ],
)
def test_names_of_buckets(name: str, said: str) -> None:
    mistake = bucket_name_problem(name)
    assert said in mistake
    assert bool(said) == bool(mistake)


def test_a_stack_too_long_for_a_bucket_needs_a_name() -> None:
    long = "aws-" + "a" * 44
    ((path, message),) = problems(stack_name=long, storage={"objectStore": {}})
    assert path == "storage.objectStore.name"
    assert "give a name" in message
    assert planned(stack_name=long, storage={"objectStore": {"name": "example"}}).object_store is not None


def test_an_express_store_is_in_a_zone_of_the_region() -> None:
    ((path, message),) = problems(aws={"expressStore": {"zoneId": "use1-az4"}})
    assert path == "aws.expressStore.zoneId"
    assert "use2-az1, use2-az2, use2-az3" in message
    plan = planned(aws={"expressStore": {"zoneId": "use2-az2"}}).express_store
    assert plan is not None
    assert plan.keep


def test_an_express_store_goes_where_the_bucket_goes() -> None:
    plan = planned(storage={"objectStore": {"onDestroy": "delete"}}, aws={"expressStore": {"zoneId": "use2-az2"}})
    assert plan.express_store is not None
    assert not plan.express_store.keep
    assert not plan.key_kept


def test_repositories_and_mirrors_bear_the_stacks_name() -> None:
    plan = planned(aws={"registry": {"repositories": ["pretrain"]}}).registry
    assert plan is not None
    assert plan.repositories == {"pretrain": "aws-test/pretrain"}
    assert plan.mirrors == {
        "aws-test/public.ecr.aws": "public.ecr.aws",
        "aws-test/registry.k8s.io": "registry.k8s.io",
        "aws-test/quay.io": "quay.io",
    }


def test_refuses_names_of_a_registry() -> None:
    ((path, message),) = problems(aws={"registry": {"repositories": ["a", "a"]}})
    assert (path, "'a' is given twice" in message) == ("aws.registry.repositories", True)
    found = problems(stack_name="aws-with-a-long-name", aws={"registry": {}})
    assert {path for path, _ in found} == {"aws.registry.mirrors"}
    assert all("longer than 30" in message for _, message in found)


def test_tells_all_mistakes_at_once() -> None:
    storage = {
        "fileSystem": {"capacityTib": 3, "metadataIops": 7},
        "objectStore": {"name": "A"},
        "volume": {"path": "/x"},
    }
    with pytest.raises(SpecError):
        planned(storage=storage)
    storage["objectStore"] = {"name": "A_B"}
    assert len(problems(storage=storage, aws={"expressStore": {"zoneId": "use1-az4"}})) == 5


def test_a_mount_target_stands_in_each_zone_once() -> None:
    shared = planned(pool(nodes=4096, addresses=50), storage={"sharedFileSystem": {}}).shared_file_system
    assert shared is not None
    assert shared.subnets == ("nodes-us-east-2a", "nodes-us-east-2b")


def test_nothing_asked_is_nothing_stored() -> None:
    plan = planned()
    assert plan.empty
    assert bill(plan, "us-east-2") == ()


def test_bills_by_size_and_does_not_know_use() -> None:
    storage = {"fileSystem": EFA_SIZE, "objectStore": {}, "sharedFileSystem": {}}
    lines = {line.what: line.usd_per_hour for line in bill(planned(storage=storage), "us-east-2")}
    lustre_cost = lines.pop("FSx for Lustre, GiB at 500 MB/s per TiB")
    assert lustre_cost is not None
    assert lustre_cost.quantize(Decimal("0.01")) == (48_000 * Decimal("0.34") / 730).quantize(Decimal("0.01"))
    assert lines["bucket"] is None
    assert lines["EFS file system"] is None
    assert all(line.usd_per_hour is None for line in bill(planned(storage=storage), "eu-west-1"))
    tiering = bill(planned(storage={"fileSystem": {"tiering": {"throughputMbps": 4000}}}), "us-east-2")
    assert tiering[0].usd_per_hour is None
