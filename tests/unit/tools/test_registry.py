"""Programs out of images of a registry on loopback: found in the right layer, verified, or refused with a reason."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tools.web import MANIFEST, TOKEN, Web, layer, sha256
from tools.download import UnavailableError
from tools.registry import ImageReference, extract_program
from tools.steps import SetupError, Step

NAME, TAG = "team/program", "v1.0.0"
BASE = layer({"etc/passwd": b"root", "manager": b"an old one"})


def extract(web: Web, folder: Path, *, digest: str = "", architecture: str = "amd64") -> bytes:
    image = ImageReference(registry=web.address, repository=NAME, tag=TAG, digest=digest)
    extract_program(image, architecture, folder / "program", Step("downloading"))
    assert (folder / "program").stat().st_mode & 0o100
    assert [path.name for path in folder.iterdir() if path.name != "cache"] == ["program"]
    return (folder / "program").read_bytes()


def blobs(web: Web) -> list[str]:
    return [path.rpartition("/")[2] for path, _ in web.asked if "/blobs/" in path]


@pytest.mark.parametrize("token", ["", TOKEN], ids=["open", "token"])
def test_the_entrypoint_of_this_architecture(web: Web, tmp_path: Path, token: str) -> None:
    web.token = token
    web.put_image(NAME, TAG, [BASE, layer({"./manager": b"the program"})])
    assert extract(web, tmp_path) == b"the program"
    assert sha256(BASE) not in blobs(web), "layers below the one that has it are not asked for"


def test_the_token_is_asked_for_once_and_stays_with_the_registry(web: Web, tmp_path: Path) -> None:
    web.token = TOKEN
    top = layer({"manager": b"the program"})
    web.put_image(NAME, TAG, [top])
    blob = f"/v2/{NAME}/blobs/{sha256(top)}"
    web.files["/store"], web.redirects[blob] = web.files[blob], f"{web.address}/store"
    assert extract(web, tmp_path) == b"the program"
    assert [path for path, _ in web.asked].count("/token") == 1
    assert "/store" not in [path for path, _ in web.authorized]


def test_a_token_that_ends_before_the_layer_does(web: Web, tmp_path: Path) -> None:
    web.token, web.renewed = TOKEN, "another"
    top = layer({"manager": os.urandom(1000)})
    web.put_image(NAME, TAG, [top])
    web.cut[f"/v2/{NAME}/blobs/{sha256(top)}"] = len(top) // 2 + 1
    assert len(extract(web, tmp_path)) == 1000
    assert [path for path, _ in web.asked].count("/token") == 2
    assert web.requests(sha256(top)) == ["", *[f"bytes={len(top) // 2 + 1}-"] * 2], "what arrived is kept"


def test_a_pinned_digest_is_what_is_asked_for(web: Web, tmp_path: Path) -> None:
    digest = web.put_image(NAME, TAG, [layer({"manager": b"the program"})])
    web.put_image(NAME, TAG, [layer({"manager": b"what the tag became"})])
    assert extract(web, tmp_path, digest=digest) == b"the program"


def test_a_manifest_without_an_index(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [layer({"manager": b"the program"})])
    web.files[f"/v2/{NAME}/manifests/{TAG}"] = web.files[f"/v2/{NAME}/manifests/only"]
    assert extract(web, tmp_path) == b"the program"


@pytest.mark.parametrize(
    ("config", "upper"),
    [
        ({"Entrypoint": ["manager"], "WorkingDir": "/opt"}, layer({"opt/manager": b"the program"})),
        ({"Cmd": ["/manager", "--flag"]}, layer({"manager": b"the program"})),
        ({"Entrypoint": ["/bin/manager"]}, layer({"usr/bin/manager": b"the program"}, {"bin": "usr/bin"})),
        ({"Entrypoint": ["/manager"]}, layer({"opt/real": b"the program"}, {"manager": "opt/real"})),
        ({"Entrypoint": ["/a/manager"]}, layer({"opt/real": b"the program"}, {"a/manager": "../opt/real"})),
    ],
    ids=["working directory", "command", "linked folder", "linked file", "relative link"],
)
def test_paths_within_the_image(web: Web, tmp_path: Path, config: dict[str, Any], upper: bytes) -> None:
    web.put_image(NAME, TAG, [BASE, upper], **config)
    assert extract(web, tmp_path) == b"the program"


def test_a_link_into_a_lower_layer(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [layer({"opt/real": b"the program"}), layer({}, {"manager": "/opt/real"})])
    assert extract(web, tmp_path) == b"the program"


@pytest.mark.parametrize("marker", [".wh.manager", ".wh..wh..opq"])
def test_what_an_upper_layer_deleted_is_not_taken_from_below(web: Web, tmp_path: Path, marker: str) -> None:
    web.put_image(NAME, TAG, [BASE, layer({marker: None})])
    with pytest.raises(UnavailableError, match="a layer deletes /manager"):
        extract(web, tmp_path)


def test_a_whiteout_hides_lower_layers_only(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [BASE, layer({".wh.manager": None, "manager": b"the program"})])
    assert extract(web, tmp_path) == b"the program"


def test_the_whiteout_of_another_file_hides_nothing(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [BASE, layer({".wh.manager2": None, "opt/.wh..wh..opq": None})])
    assert extract(web, tmp_path) == b"an old one"


@pytest.mark.parametrize("what", ["index", "manifest", "config", "layer"])
def test_anything_that_is_not_its_digest_is_refused(web: Web, tmp_path: Path, what: str) -> None:
    digest = web.put_image(NAME, TAG, [layer({"manager": b"the program"})])
    manifest = web.files[f"/v2/{NAME}/manifests/only"]
    described = json.loads(manifest)
    path = {
        "index": f"manifests/{digest}",
        "manifest": f"manifests/{sha256(manifest)}",
        "config": f"blobs/{described['config']['digest']}",
        "layer": f"blobs/{described['layers'][0]['digest']}",
    }[what]
    web.files[f"/v2/{NAME}/{path}"] += b" "
    with pytest.raises(SetupError, match="do not use this network"):
        extract(web, tmp_path, digest=digest)
    assert not (tmp_path / "program").exists()


def test_another_architecture(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [BASE])
    with pytest.raises(UnavailableError, match=r"program:v1.0.0 has nothing for linux on arm64"):
        extract(web, tmp_path, architecture="arm64")


def test_a_layer_that_this_python_cannot_read(web: Web, tmp_path: Path) -> None:
    content = b"\x28\xb5\x2f\xfd and what follows"
    config = web.put_blob(NAME, json.dumps({"config": {"Entrypoint": ["/manager"]}}).encode())
    zstd = {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": web.put_blob(NAME, content)}
    web.put_manifest(NAME, TAG, {"mediaType": MANIFEST, "config": {"digest": config}, "layers": [zstd]})
    with pytest.raises(UnavailableError, match=r"cannot read a layer of application/vnd.oci.image.layer.v1.tar\+zstd"):
        extract(web, tmp_path)


def test_links_in_a_circle(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [layer({}, {"manager": "other", "other": "manager"})])
    with pytest.raises(UnavailableError, match="lead in circles"):
        extract(web, tmp_path)


def test_an_image_without_the_program(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [layer({"something": b"else"})])
    with pytest.raises(UnavailableError, match="has no /manager"):
        extract(web, tmp_path)


def test_an_image_that_is_not_there(web: Web, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="answers 404"):
        extract(web, tmp_path)


def test_a_registry_that_wants_a_login(web: Web, tmp_path: Path) -> None:
    web.put_image(NAME, TAG, [BASE])
    web.token, web.scheme = TOKEN, "Basic"
    with pytest.raises(UnavailableError, match="asks for a login"):
        extract(web, tmp_path)
