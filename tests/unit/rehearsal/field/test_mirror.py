"""Mirrors: images that charts take from elsewhere than from the mirror of the others."""

from typing import Any

from rehearsal.field.mirror import images_of_charts, mirror
from tests.unit.rehearsal.field.field_cases import chart, deployment

HERE = "hub.corp.net:5000/m"
JOBSET = chart("jobset", image={"repository": f"{HERE}/registry.k8s.io/jobset/jobset"})


def judged(*charts: Any) -> list[str]:
    return [found.subject for found in mirror(deployment(charts=charts))]


def test_charts_without_a_mirror_may_take_images_from_anywhere() -> None:
    assert judged(chart("kueue"), chart("loki")) == []


def test_an_image_beside_the_mirror_is_found() -> None:
    assert judged(JOBSET, chart("kueue")) == ["kueue controllerManager.manager.image.repository"]
    elsewhere = {"loki": {"image": {"registry": f"{HERE}/docker.io"}}, "gateway": {"image": {"registry": "docker.io"}}}
    assert judged(JOBSET, chart("loki", **elsewhere)) == [
        "loki gateway.image.registry", "loki gateway.metrics.image.registry",
    ]  # fmt: skip


def test_all_images_behind_the_mirror_are_fine() -> None:
    moved = {"image_registry": f"{HERE}/docker.io"}
    assert judged(JOBSET, chart("volcano", basic=moved)) == []
    assert len(images_of_charts()["gpu-operator"]) > 10
