"""Programs that stand for images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lab.node.images import CHECKOUT, UnknownImageError, image_content, read_images

PROGRAMS = {
    name: f"/programs/{name}"
    for name in ("kueue", "jobset", "trainer", "kuberay", "vc-scheduler", "vc-controller-manager", "vc-webhook-manager")
}


@pytest.mark.parametrize(
    ("reference", "program", "path"),
    [
        ("us-central1-docker.pkg.dev/k8s-staging-images/kueue/kueue:release-0.18", "kueue", "/manager"),
        ("registry.k8s.io/kueue/kueue@sha256:0a1b", "kueue", "/manager"),
        ("us-central1-docker.pkg.dev/k8s-staging-images/jobset/jobset:v0.12.0", "jobset", "/manager"),
        ("ghcr.io/kubeflow/trainer/trainer-controller-manager:v2.2.0", "trainer", "/manager"),
        ("quay.io/kuberay/operator:v1.5.0", "kuberay", "/manager"),
        ("docker.io/volcanosh/vc-scheduler:v1.14.1", "vc-scheduler", "/vc-scheduler"),
    ],
)
def test_the_charts_images_are_the_built_programs(reference: str, program: str, path: str) -> None:
    content = image_content(reference, read_images(), PROGRAMS)

    assert [(mount.source, mount.path, mount.read_only) for mount in content.mounts] == [
        (Path(PROGRAMS[program]), path, True)
    ]
    assert content.entrypoint == (path,)


def test_an_image_has_its_scripts_and_the_python_that_runs_them() -> None:
    content = image_content("docker.io/volcanosh/vc-webhook-manager:v1.14.1", read_images(), PROGRAMS)

    places = {mount.path: mount.source for mount in content.mounts}
    assert places["/vc-webhook-manager"] == Path(PROGRAMS["vc-webhook-manager"])
    assert os.access(places["/gen-admission-secret.sh"], os.X_OK)
    assert str(CHECKOUT) in places or any(CHECKOUT.is_relative_to(place) for place in places)
    assert content.entrypoint == ("/vc-webhook-manager",)


@pytest.mark.parametrize(
    "reference", ["ghcr.io/acme/penstock-workload:1", "penstock.dev/workload", "penstock-workload-cuda"]
)
def test_the_workload_is_this_checkout_in_this_python(reference: str) -> None:
    content = image_content(reference, read_images(), {})

    places = [Path(mount.path) for mount in content.mounts]
    assert all(mount.read_only and str(mount.source) == mount.path for mount in content.mounts)
    for needed in (CHECKOUT, Path(sys.prefix)):
        assert any(needed.is_relative_to(place) for place in places)
    assert content.env["PATH"].startswith(str(Path(sys.executable).parent))


@pytest.mark.parametrize(
    ("reference", "message"),
    [("nginx:1", "no program for image 'nginx:1'"), ("quay.io/kuberay/operator:v1", "which this lab was not given")],
)
def test_an_image_that_nothing_stands_for_is_refused(reference: str, message: str) -> None:
    with pytest.raises(UnknownImageError, match=message):
        image_content(reference, read_images(), {})
