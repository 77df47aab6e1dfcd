"""Transitions: versions, sizes and names between two deployments."""

from typing import Any

import pytest

from rehearsal.field.facts import FieldFacts, NameRow, SizeRow, VersionRow
from rehearsal.field.transitions import transitions
from tests.unit.rehearsal.field.field_cases import built, deployment

FACTS = FieldFacts(
    nodes="aws",
    versions=(VersionRow(resource="c:Cluster", path="version", source="guide", followers=(("c:Group", "version"),)),),
    sizes=(SizeRow(resource="c:Disk", path="gib", source="guide"),),
    names=(NameRow(resource="c:Vault", path="name", held_h=168, source="guide"),),
)


def judged(old: Any, new: Any, *others: Any) -> list[str]:
    before = deployment(FACTS, resources=(old, *others))
    return [found.message for found in transitions(deployment(FACTS, resources=(new, *others), before=before))]


def cluster(version: str) -> Any:
    return built("c:Cluster", "k", {"version": version})


@pytest.mark.parametrize(
    ("old", "new"), [("1.34", "1.34"), ("1.34", "1.35"), ("1.34.2", "1.34.7"), ("v1.9", "v1.10.1")]
)
def test_a_version_may_move_one_minor_up(old: str, new: str) -> None:
    assert judged(cluster(old), cluster(new)) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [("1.34", "1.36", "one minor at a time"), ("1.35", "1.34", "never goes down"), ("1.33", "1.35-gke.1", "one minor")],
)
def test_a_skip_and_a_way_down_are_found(old: str, new: str, reason: str) -> None:
    assert reason in judged(cluster(old), cluster(new))[0]


def test_nodes_without_a_version_of_their_own_stay_behind() -> None:
    group = built("c:Group", "g", {})
    assert "g stays at 1.34" in judged(cluster("1.34"), cluster("1.35"), group)[0]
    assert judged(cluster("1.35"), cluster("1.35"), group) == []
    assert judged(cluster("1.34"), cluster("1.35"), built("c:Group", "g", {"version": "1.35"})) == []


def test_a_disk_only_grows() -> None:
    def disk(gib: int, name: str = "d") -> Any:
        return built("c:Disk", "d", {"gib": gib}, id=name)

    assert judged(disk(100), disk(200)) == []
    assert "only grows" in judged(disk(200), disk(100))[0]
    assert "what it held is gone" in judged(disk(200), disk(100, "another"))[0]
    assert judged(disk(200), disk(300, "another")) == []


def test_a_name_stays_taken_for_a_while() -> None:
    def vault(name: str, number: str) -> Any:
        return built("c:Vault", "v", {"name": name}, id=number)

    assert judged(vault("keys", "1"), vault("keys", "1")) == []
    assert judged(vault("keys", "1"), vault("keys-2", "2")) == []
    assert "stays taken for 168 h" in judged(vault("keys", "1"), vault("keys", "2"))[0]


@pytest.mark.parametrize(
    ("was", "now", "reason"), [("1.35", "1.36", "never ahead"), ("1.35", "1.33", "never go down"), ("1.34", "1.34", "")]
)
def test_nodes_are_neither_ahead_of_their_cluster_nor_go_down(was: str, now: str, reason: str) -> None:
    before = deployment(FACTS, resources=(cluster("1.35"), built("c:Group", "g", {"version": was})))
    after = deployment(
        FACTS, resources=(cluster("1.35"), built("c:Group", "g", {"version": now})), before=before
    )  # fmt: skip
    found = [one.message for one in transitions(after)]
    assert [reason in message for message in found] == ([True] if reason else [])


def in_cluster(kind: str, spec: dict[str, Any], *, version: str = "v1", uid: str = "1", name: str = "one") -> Any:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    return built(f"kubernetes:{version}:{kind}", "it", body, outputs={"metadata": {"uid": uid}})


def flavor(taint: str | None = "a", topology: str = "", **more: Any) -> Any:
    spec: dict[str, Any] = {"nodeLabels": {"pool": "a"}}
    if taint:
        spec["tolerations"] = [{"key": taint, "operator": "Exists"}]
    if topology:
        spec["topologyName"] = topology
    return in_cluster("ResourceFlavor", spec, version="kueue.x-k8s.io/v1beta2", **more)


def test_a_flavor_with_a_topology_never_changes() -> None:
    assert judged(flavor("a", "racks"), flavor("a", "racks")) == []
    assert judged(flavor("a"), flavor("b", "racks")) == []
    assert judged(flavor("a", "racks"), flavor("b", "racks", name="two")) == []
    for other in (flavor("b", "racks"), flavor(None, "racks"), flavor("a")):
        (message,) = judged(flavor("a", "racks"), other)
        assert message.endswith("cannot change; what is other needs another name")
    assert "spec.tolerations" in judged(flavor(None, "racks"), flavor("a", "racks"))[0]
    assert "its queues keep it from going" in judged(flavor("a", "racks"), flavor("b", "racks", uid="2"))[0]


def test_a_claim_of_a_given_volume_keeps_its_size_and_one_of_a_class_grows() -> None:
    def claim(gib: int, storage: str = "", uid: str = "1") -> Any:
        spec = {"resources": {"requests": {"storage": f"{gib}Gi"}}, "storageClassName": storage}
        return in_cluster("PersistentVolumeClaim", spec, uid=uid)

    assert judged(claim(4), claim(4)) == []
    assert judged(claim(4, "fast"), claim(8, "fast")) == []
    assert "one without a class never grows" in judged(claim(4), claim(8))[0]
    assert "never shrinks" in judged(claim(8, "fast"), claim(4, "fast"))[0]
    assert "storageClassName cannot change" in judged(claim(4, "fast"), claim(4, "slow"))[0]
    assert "what it held goes with it" in judged(claim(4, "fast"), claim(4, "slow", uid="2"))[0]


def test_a_selector_that_changes_is_another_workload() -> None:
    def workload(label: str, uid: str = "1") -> Any:
        return in_cluster("StatefulSet", {"selector": {"matchLabels": {"app": label}}}, version="apps/v1", uid=uid)

    assert judged(workload("a"), workload("a")) == []
    assert "spec.selector cannot change" in judged(workload("a"), workload("b"))[0]
    assert "all of its pods ended" in judged(workload("a"), workload("b", uid="2"))[0]


def test_a_job_that_follows_another_waits_until_that_is_gone() -> None:
    def gang(name: str, of_engine: str, claim: str = "data") -> Any:
        pod = {"containers": [{}], "volumes": [{"persistentVolumeClaim": {"claimName": claim}}]}
        jobs = [{"template": {"spec": {"template": {"spec": pod}}}}]
        body = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": name}}
        return built(
            "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet", of_engine, {**body, "spec": {"replicatedJobs": jobs}}
        )

    assert judged(gang("run-aaaa", "run"), gang("run-bbbb", "run")) == []
    assert judged(gang("run-aaaa", "run-aaaa"), gang("run-bbbb", "run-bbbb", "scratch")) == []
    (message,) = judged(gang("run-aaaa", "run-aaaa"), gang("run-bbbb", "run-bbbb"))
    assert message == "is made before run-aaaa goes: both write to data at once"


def test_the_pods_of_a_train_job_are_its_runtimes() -> None:
    pod = {"containers": [{}], "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}

    def runs(letter: str, of_engine: str) -> list[Any]:
        spec = {"template": {"spec": {"replicatedJobs": [{"template": {"spec": pod}}]}}}
        metadata = {"metadata": {"name": f"run-{letter}"}}
        runtime = {"kind": "TrainingRuntime", **metadata, "spec": spec}
        job = {"kind": "TrainJob", **metadata, "spec": {"runtimeRef": {"name": f"run-{letter}"}}}
        return [built("k:TrainingRuntime", f"runtime-{letter}", runtime), built("k:TrainJob", of_engine, job)]

    def told(old: list[Any], new: list[Any]) -> list[str]:
        after = deployment(FACTS, resources=tuple(new), before=deployment(FACTS, resources=tuple(old)))
        return [found.subject for found in transitions(after)]

    assert told(runs("a", "run"), runs("b", "run")) == []
    assert told(runs("a", "run-a"), runs("b", "run-b")) == ["TrainJob run-b"]
