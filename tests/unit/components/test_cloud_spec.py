"""Mistakes of a user about a cluster on a cloud, and the words that put them right."""

from datetime import UTC, datetime
from typing import Any

import pytest

from components.errors import SpecError
from components.spec.cluster import PlacementKind
from components.spec.stack import StackSpec, parse_stack
from providers import clouds
from providers.aws.settings import AwsSpec, EksSpec, Tier

POOL = {"name": "train", "machineType": "p5.48xlarge"}
BLOCK = {"id": "cr-1", "zone": "us-east-2a", "startsAt": "2027-11-01T11:30:00Z", "endsAt": "2027-11-02T11:30:00Z"}


def parse(pool: dict[str, Any] | None = None, aws: Any = None, **cluster: Any) -> StackSpec:
    config: dict[str, Any] = {"cluster": {"cloud": "aws", "nodePools": [POOL | (pool or {})]} | cluster}
    if aws is not None:
        config["aws"] = aws
    return parse_stack({f"penstock:{key}": value for key, value in config.items()}, "x", clouds())


def refusals(pool: dict[str, Any] | None = None, aws: Any = None, **cluster: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(pool, aws, **cluster)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ({"capacity": "spott"}, ".capacity: 'spott' is not onDemand or spot, nor a mapping with reservation or"),
        ({"capacity": {"spot": {}, "onDemand": {}}}, ".capacity: give exactly one of onDemand, spot, reservation"),
        ({"capacity": {"spot": {"fallbak": "onDemand"}}}, ".capacity.spot.fallbak: unknown key; did you mean 'fallb"),
        (
            {"capacity": {"capacityBlock": BLOCK | {"startsAt": 3}}},
            ".capacity.capacityBlock.startsAt: 3 is not a point in time with its zone",
        ),
        (
            {"capacity": {"capacityBlock": BLOCK | {"startsAt": "2027-11-01"}}},
            ".capacity.capacityBlock.startsAt: '2027-11-01' is not a point in time with its zone, such as",
        ),
        (
            {"capacity": {"capacityBlock": BLOCK | {"endsAt": "2027-11-01T00:00:00Z"}}},
            ".capacity.capacityBlock.endsAt: 2027-11-01T00:00Z is not after startsAt",
        ),
        ({"placement": "crate"}, ".placement: 'crate' is not one of 'none', 'create', 'existing' or"),
        (
            {"placement": "existing"},
            ".placement: a group belongs to `existing`, and to nothing else; write {existing: GROUP}",
        ),
        ({"fabric": "none"}, ".fabric: 'none' is not a reason; omit it, or set `none:` under it to the reason"),
        ({"fabric": {"none": "no"}}, ".fabric.none: 'no' is not a reason of at least 8 characters"),
        ({"count": 3, "minCount": 4}, ".count: 3 is less than minCount (4)"),
        ({"count": 3, "maxCount": 2}, ".count: 3 is more than maxCount (2)"),
        ({"minCount": 4}, ".count: left out it is 1, which is less than minCount (4)"),
        ({"minCount": 4, "maxCount": 2}, ".minCount: 4 is more than maxCount (2)"),
        ({"labels": {"a": 1}}, ".labels.a: 1 is not text"),
        ({"taints": [{"key": "a", "effect": "NoSchedul"}]}, ".taints.0.effect: 'NoSchedul' is not one of"),
        ({"rootDiskGib": 5}, ".rootDiskGib: 5 is out of range; 20 or more is right"),
    ],
)
def test_a_mistake_in_a_pool_has_path_value_and_remedy(pool: dict[str, Any], expected: str) -> None:
    (problem,) = refusals(pool)
    assert problem.startswith("cluster.nodePools.train" + expected.partition(":")[0])
    assert expected in problem


@pytest.mark.parametrize(
    ("aws", "expected"),
    [
        (
            {"controlPlane": {"kind": "ek"}},
            "aws.controlPlane.kind: 'ek' is not one of 'eks', 'pcs', 'batch'; did you mean",
        ),
        ({"controlPlane": {"tier": "xl"}}, "aws.controlPlane.tier: 'xl' is not one of 'standard', 'tier-xl'"),
        ({"controlPlane": {"teir": "x"}}, "aws.controlPlane.teir: unknown key; did you mean 'tier'?"),
        (
            {"controlPlane": {"reach": {"publicCidrs": ["10.0.0.0/44"]}}},
            "aws.controlPlane.reach.publicCidrs.0: '10.0.0.0/44' is",
        ),
        (
            {"controlPlane": {"kind": "pcs"}, "hyperPod": {"pools": ["a"], "lifecycleScripts": "s3://abc/x"}},
            "aws.hyperPod: runs on an EKS cluster, and controlPlane.kind is 'pcs'",
        ),
        (
            {"endpoints": [{"name": "x", "image": "y/z", "serve": {"kind": "realTime", "machineType": "g6"}}]},
            "aws.endpoints.x.serve.machineType: 'g6' is not SageMaker's name of a machine type",
        ),
        ({"tags": 3}, "aws.tags: 3 is not a mapping of keys to values"),
        ({"controlPlain": {}}, "aws.controlPlain: unknown key; did you mean 'controlPlane'?"),
    ],
)
def test_a_mistake_in_the_clouds_own_key(aws: dict[str, Any], expected: str) -> None:
    (problem,) = refusals(aws=aws)
    assert expected in problem


def test_mistakes_of_both_keys_come_together() -> None:
    found = refusals({"count": -1}, {"tags": 3}, kubernetesVersion="1.x")
    assert [problem.partition(":")[0] for problem in found] == [
        "cluster.kubernetesVersion",
        "cluster.nodePools.train.count",
        "aws.tags",
    ]


def test_another_clouds_key_is_refused() -> None:
    with pytest.raises(SpecError, match="aws: is for the cloud aws, and this stack is on local"):
        parse_stack(
            {"penstock:cluster": {"cloud": "local", "nodePools": [POOL]}, "penstock:aws": {}}, "x", clouds()
        )  # fmt: skip


def test_short_forms_mean_the_long_ones() -> None:
    spec = parse({"capacity": "spot", "placement": {"existing": "g"}}, {"controlPlane": {"tier": "tier-xl"}})
    (pool,) = spec.cluster.node_pools
    assert pool.capacity.spot is not None
    assert pool.placement is not None
    assert (pool.placement.kind, pool.placement.group) == (PlacementKind.EXISTING, "g")
    assert isinstance(spec.settings, AwsSpec)
    assert spec.settings.control_plane == EksSpec(tier=Tier.XL)


def test_without_the_clouds_key_its_defaults_hold() -> None:
    assert parse().settings == AwsSpec()


@pytest.mark.parametrize(
    "written", ["2027-12-31T00:00:00Z", "2027-12-31 00:00:00+00:00", "2027-12-31 00:00:00 +0000 UTC"]
)
def test_a_point_in_time_reads_the_same_in_each_hand(written: str) -> None:
    """As a user quotes it, as YAML's reader in Python hands it on, and as the engine does."""
    assert parse(expiresAt=written).cluster.expires_at == datetime(2027, 12, 31, tzinfo=UTC)


def test_a_point_in_time_is_kept_in_utc() -> None:
    """Plans and messages write it with a Z."""
    found = parse(expiresAt="2027-12-31T02:00:00+05:00").cluster.expires_at
    assert found is not None
    assert f"{found:%Y-%m-%dT%H:%MZ}" == "2027-12-30T21:00Z"


def test_a_point_in_time_after_the_last_year_is_told() -> None:
    (problem,) = refusals(expiresAt="9999-12-31T23:59:00-05:00")
    assert problem == "cluster.expiresAt: 9999-12-31T23:59:00-05:00 is outside the years 1 to 9999 in UTC"


OF_AWS = {"penstock:cluster": {"cloud": "aws", "region": "us-east-2"}}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("aws:endpoints", [{"eks": "http://localhost"}], "known are allowedAccountIds, assumeRole"),
        ("aws:assumeRole", {"roleArn": "arn:aws:iam::111122223333:role/x", "externalId": "7"}, "externalId"),
        ("aws:allowedAccountIds", [111122223333], "write it in quotes"),
        ("gcp:project", "p", "would be passed over; remove it"),
        ("azure-native:location", "westeurope", "would be passed over; remove it"),
    ],
)
def test_a_key_that_no_provider_would_get_is_refused_by_name(key: str, value: object, words: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_stack({**OF_AWS, key: value}, "x", clouds())
    (told,) = [str(problem) for problem in refused.value.problems if problem.path.startswith(key)]
    assert words in told


def test_accounts_are_allowed_or_forbidden() -> None:
    allowed = {"aws:allowedAccountIds": ["111122223333"]}
    with pytest.raises(SpecError, match="the provider takes one of the two"):
        parse_stack({**OF_AWS, **allowed, "aws:forbiddenAccountIds": ["444455556666"]}, "x", clouds())


def test_keys_of_the_own_provider_and_of_other_programs_are_kept() -> None:
    keys = {"aws:profile": "ml", "aws:assumeRoles": [{"roleArn": "arn:aws:iam::111122223333:role/x"}], "mine:key": 3}
    pools = {"nodePools": [{"name": "work", "machineType": "m7i.xlarge", "count": 1}]}
    spec = parse_stack({"penstock:cluster": {**OF_AWS["penstock:cluster"], **pools}, **keys}, "x", clouds())
    assert spec.account is not None
    assert spec.account.model_dump(include={"profile"}) == {"profile": "ml"}
    (told,) = spec.warnings
    assert told.startswith("mine:key: passed over, as penstock's program reads no such key; penstock's keys begin with")


POOLS = {"nodePools": [{"name": "work", "machineType": "m7i.xlarge", "count": 1}]}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("mycompany:trainig", "did you mean 'penstock:training'?"),
        ("own:trainig", "did you mean 'penstock:training'?"),
        ("own:team", "penstock's keys begin with 'penstock:'"),
        ("pulumi:tags", ""),
    ],
)
def test_a_key_that_nobody_reads_is_told(key: str, words: str) -> None:
    config = {"penstock:cluster": {**OF_AWS["penstock:cluster"], **POOLS}, key: {}}
    spec = parse_stack(config, "x", clouds(), project="own")
    told = f"{key}: passed over, as penstock's program reads no such key; {words}"
    assert spec.warnings == ((told,) if words else ())


@pytest.mark.parametrize("key", ["asw:allowedAccountIds", "AWS:profile", "awss:assumeRole", "kubernets:context"])
def test_a_guard_is_not_lost_by_two_letters(key: str) -> None:
    config = {"penstock:cluster": {**OF_AWS["penstock:cluster"], **POOLS}, key: ["1"]}
    with pytest.raises(SpecError) as refused:
        parse_stack(config, "x", clouds(), project="own")
    (told,) = map(str, refused.value.problems)
    assert told.startswith(f"{key}: no provider is called {key.partition(':')[0]!r}; did you mean '")


@pytest.mark.parametrize("prefix", ["penstok", "pentsock", "penstocks", "Penstock", "enstock", "pennstock"])
def test_a_misspelled_prefix_of_penstocks_does_not_pass(prefix: str) -> None:
    config = {"penstock:cluster": {**OF_AWS["penstock:cluster"], **POOLS}, f"{prefix}:inference": {}}
    with pytest.raises(SpecError, match="did you mean 'penstock:inference'"):
        parse_stack(config, "x", clouds(), project="own")
