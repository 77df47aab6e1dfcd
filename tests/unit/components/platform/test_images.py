"""The images of add-ons, held to what versions.toml says of the same charts."""

import pytest

from components.platform.images import pulled_images
from components.platform.request import TAGS
from components.platform.versions import versions


@pytest.mark.parametrize("addon", sorted(pulled_images()))
def test_every_image_comes_from_where_the_chart_says_and_has_a_fixed_tag(addon: str) -> None:
    row = versions()[addon]
    known = tuple(image for path, image in row.images.items() if not path.endswith(TAGS))
    pulled = pulled_images()[addon]
    for image in (*pulled.always, *(image for images in pulled.where.values() for image in images)):
        assert image.startswith(("{", *known)), (image, known)
        name, _, tag = image.rpartition(":")
        assert name
        assert tag[0].isalnum()
        assert tag != "latest"


@pytest.mark.parametrize("addon", sorted(pulled_images()))
def test_no_registry_that_a_mirror_moves_is_without_an_image(addon: str) -> None:
    """A chart's value that moves an image, of which none is listed, would be pulled and never copied; those of parts
    that are off by default have no row.
    """
    hosts = {image.partition("/")[0] for path, image in versions()[addon].images.items() if not path.endswith(TAGS)}
    pulled = pulled_images()[addon]
    listed = {
        image.partition("/")[0] for image in (*pulled.always, *(i for images in pulled.where.values() for i in images))
    }
    assert addon == "efa-device-plugin" or hosts <= listed, hosts - listed


def test_tags_are_those_of_the_version_that_is_installed() -> None:
    for addon in ("kueue", "jobset", "keda", "gpu-operator", "cert-manager", "volcano"):
        version = versions()[addon].app_version.removeprefix("v")
        assert all(image.endswith((f":{version}", f":v{version}")) for image in pulled_images()[addon].always), addon
