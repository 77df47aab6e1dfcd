"""Images: repositories that are not made, that nothing fills, placeholders, rights and paths."""

from typing import Any

import pytest

from rehearsal.field.deployed import InstalledChart, MachinePool, StoredImage
from rehearsal.field.facts import FieldFacts, ImageRow, RegistryRow
from rehearsal.field.images import images
from tests.unit.rehearsal.field.field_cases import built, deployment, job

FACTS = FieldFacts(
    nodes="aws",
    registries=(
        RegistryRow(
            host=r"own\.cloud", repositories=(("c:Repository", "name"),), mirrors=(("c:Mirror", "prefix"),),
            mirror_needs_way_out=True,
            pull_rights=(("c:Grant", "role", "Pull"),), source="the registry's guide",
        ),
    ),
    images=(ImageRow(resource="c:JobDefinition", path="properties.container.image"),),
    pushers=("c:Build",),
    ways_out=("c:Nat",),
)  # fmt: skip
REPOSITORY, BUILD = built("c:Repository", "r", {"name": "team/train"}), built("c:Build", "b")
GRANT, NAT = built("c:Grant", "g", {"role": "MayPull"}), built("c:Nat", "n")


def judged(image: str, *resources: Any) -> list[str]:
    return [found.message for found in images(deployment(FACTS, objects=(job(image=image),), resources=resources))]


def test_an_image_that_the_stack_builds_is_there() -> None:
    assert judged("own.cloud/team/train:1", REPOSITORY, BUILD, GRANT) == []
    assert judged("own.cloud/team/train@sha256:00", REPOSITORY, BUILD, GRANT) == []


def test_a_repository_of_another_name_does_not_hold_it() -> None:
    found = judged("own.cloud/penstock-team/train:1", REPOSITORY, BUILD, GRANT)
    assert "makes no repository penstock-team/train (only team/train)" in found[0]


def test_a_repository_that_nothing_pushes_to_is_empty() -> None:
    assert "nothing pushes to it" in judged("own.cloud/team/train:1", REPOSITORY, GRANT)[0]


def test_a_mirror_fetches_what_is_below_its_prefix() -> None:
    mirror = built("c:Mirror", "m", {"prefix": "team/quay"})
    assert judged("own.cloud/team/quay/coreos/etcd:1", mirror, GRANT, NAT) == []
    assert len(judged("own.cloud/team/quayside/etcd:1", mirror, GRANT, NAT)) == 1


def test_a_mirror_fetches_nothing_new_for_a_network_without_a_way_out() -> None:
    mirror = built("c:Mirror", "m", {"prefix": "team/quay"})
    assert "only where the network has a way out" in judged("own.cloud/team/quay/coreos/etcd:1", mirror, GRANT)[0]


def test_nodes_without_a_right_do_not_pull() -> None:
    assert judged("own.cloud/team/train:1", REPOSITORY, BUILD) == [
        "no identity of the nodes may pull own.cloud/team/train:1"
    ]


@pytest.mark.parametrize("image", ["registry.example.com/train:1", "your-registry/train:1", "host/<team>/train:1"])
def test_a_placeholder_is_not_there(image: str) -> None:
    assert "stands for an image" in judged(image, NAT)[0]


def test_a_public_image_needs_a_way_out() -> None:
    assert judged("quay.io/team/train:1", NAT) == []
    assert "no way out" in judged("quay.io/team/train:1")[0]


def test_an_image_in_json_of_another_service_is_judged() -> None:
    one = built("c:JobDefinition", "d", {"properties": '{"container": {"image": "own.cloud/team/train:1"}}'})
    found = list(images(deployment(FACTS, resources=(one, GRANT))))
    assert [item.subject for item in found] == ["image team/train"]


STORED = StoredImage(name="own.cloud/lab/penstock", tag="0.1.0-efa", digest="sha256:12", architectures=("arm64",))


def pulled(image: str, pool: MachinePool, **spec: Any) -> list[str]:
    pods = (job(image=image, **spec),)
    return [
        found.message
        for found in images(deployment(FACTS, objects=pods, resources=(GRANT,), images=(STORED,), pools=(pool,)))
    ]


@pytest.mark.parametrize("image", ["own.cloud/lab/penstock:0.1.0-efa", "own.cloud/lab/penstock@sha256:12"])
def test_an_image_that_was_pushed_before_is_there_by_tag_and_by_digest(image: str) -> None:
    assert pulled(image, MachinePool(name="train", labels={"pool": "train"}, architecture="arm64")) == []


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("own.cloud/lab/penstock:0.2.0-efa", "its repository holds 0.1.0-efa"),
        ("own.cloud/lab/penstock@sha256:34", "its repository holds 0.1.0-efa"),
        ("own.cloud/penstock:0.1.0-efa", "nobody has put it there"),
    ],
)
def test_another_tag_digest_or_path_is_not_there(image: str, words: str) -> None:
    (told,) = pulled(image, MachinePool(name="train", labels={"pool": "train"}, architecture="arm64"))
    assert words in told


def test_an_image_for_another_processor_than_the_nodes_is_found() -> None:
    (told,) = pulled("own.cloud/lab/penstock:0.1.0-efa", MachinePool(name="train", labels={"pool": "train"}))
    assert told == "own.cloud/lab/penstock:0.1.0-efa is for arm64, and nodes of train are amd64"


def test_the_gates_own_pods_are_judged_too() -> None:
    pod = {"spec": {"containers": [{"image": "own.cloud/lab/penstock:9"}]}}
    check = {"spec": {"template": pod}}
    gate = built("penstock:kubernetes:Gate", "g", {"pools": [{"check": check, "probe": pod}], "probe": pod})
    found = [one.message for one in images(deployment(FACTS, resources=(gate, GRANT), images=(STORED,)))]
    assert len(found) == 1
    assert "its repository holds 0.1.0-efa" in found[0]


KUEUE = "registry.k8s.io/kueue/kueue:v0.18.3"


def without_way_out(mirror: str, *stored: StoredImage, resources: Any = ()) -> list[str]:
    values = {"controllerManager": {"manager": {"image": {"repository": f"{mirror}registry.k8s.io/kueue/kueue"}}}}
    one = deployment(
        FACTS, charts=(InstalledChart(chart="kueue", values=values),), images=stored, resources=(*resources, GRANT)
    )
    return [found.message for found in images(one)]


def test_a_chart_pulls_from_the_mirror_what_was_copied_there() -> None:
    copied = StoredImage(name="own.cloud/lab/registry.k8s.io/kueue/kueue", tag="v0.18.3")
    assert without_way_out("own.cloud/lab/", copied) == []
    (told,) = without_way_out("own.cloud/lab/", StoredImage(name=copied.name, tag="v0.18.2"))
    assert f"{KUEUE} of kueue is not there (behind own.cloud/lab)" in told


def test_a_chart_pulls_nothing_from_the_internet_without_a_way_out() -> None:
    (told,) = without_way_out("")
    assert f"{KUEUE} of kueue is not there (where it is published)" in told
    assert without_way_out("", resources=(NAT,)) == []
