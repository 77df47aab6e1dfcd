"""Volumes on this machine, and the root of a container."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lab.node.files import write_folder
from lab.node.mounts import BindMount, root_steps
from lab.node.sandbox import etc_files
from lab.node.volumes import VolumeError, persistent_volume, select_files

SECRET = {
    "metadata": {"name": "s"},
    "data": {"a": base64.b64encode(b"1").decode(), "b": base64.b64encode(b"2").decode()},
}


def test_a_folder_changes_as_a_whole_and_leaves_nothing_of_the_old(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": (b"1", 0o644), "deep/b": (b"2", 0o600)})
    first = (tmp_path / "..data").resolve()

    write_folder(tmp_path, {"a": (b"3", 0o644)})

    assert (tmp_path / "a").read_bytes() == b"3"
    assert (tmp_path / "a").is_symlink()
    assert not (tmp_path / "deep").is_symlink()
    assert not first.exists()


def test_items_choose_keys_and_modes() -> None:
    assert select_files("Secret", SECRET, {}, 0o640) == {"a": (b"1", 0o640), "b": (b"2", 0o640)}
    chosen = {"items": [{"key": "b", "path": "x/y", "mode": 0o400}]}
    assert select_files("Secret", SECRET, chosen, 0o640) == {"x/y": (b"2", 0o400)}
    missing = {"items": [{"key": "c", "path": "c"}]}
    assert select_files("Secret", SECRET, missing | {"optional": True}, 0o640) == {}
    with pytest.raises(VolumeError, match="Secret s has no key 'c'"):
        select_files("Secret", SECRET, missing, 0o640)


def test_a_network_file_system_is_a_folder_of_the_lab(tmp_path: Path) -> None:
    lustre = persistent_volume(
        {"csi": {"driver": "fsx.csi.aws.com", "volumeHandle": "fs-1", "readOnly": True}}, tmp_path
    )
    nfs = persistent_volume({"nfs": {"server": "10.0.0.1", "path": "/../x"}}, tmp_path)

    assert lustre.path == tmp_path / "volumes/fsx.csi.aws.com/fs-1"
    assert (lustre.read_only, nfs.read_only) == (True, False)
    assert nfs.path.resolve().is_relative_to(tmp_path / "volumes/nfs")
    with pytest.raises(VolumeError, match="no such kind of persistent volume"):
        persistent_volume({"awsElasticBlockStore": {}}, tmp_path)


def test_a_mount_comes_after_what_it_lies_in(tmp_path: Path) -> None:
    volumes = [
        BindMount(source=tmp_path, path="/a/b/c"),
        BindMount(source=tmp_path, path="/a"),
        BindMount(source=tmp_path, path="/a/b"),
    ]

    paths = [step["path"] for step in root_steps(etc=tmp_path, shm=tmp_path, programs=(), volumes=volumes)]

    assert paths[-3:] == ["/a", "/a/b", "/a/b/c"]
    assert paths.index("/dev") < paths.index("/dev/null")
    assert paths.index("/etc") < paths.index("/etc/ssl")


def test_no_link_of_the_root_leads_out_of_it_while_it_is_made(tmp_path: Path) -> None:
    steps = root_steps(etc=tmp_path, shm=tmp_path, programs=(), volumes=())

    folders = [step["source"] for step in steps if step["how"] == "link" and not step["path"].startswith("/dev/")]
    assert folders
    assert not [target for target in folders if target.startswith("/")]


def test_a_pod_is_told_its_names() -> None:
    spec = {
        "nodeName": "n",
        "hostname": "rank-0",
        "subdomain": "ring",
        "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["x"]}],
    }
    pod = {"metadata": {"name": "p", "namespace": "ns"}, "spec": spec}

    files = etc_files(pod, "10.88.1.2")

    assert "10.88.1.2 rank-0.ring.ns.svc.cluster.local rank-0\n1.2.3.4 x\n" in files["hosts"]
    assert (
        "nameserver 10.96.0.10\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\n" in files["resolv.conf"]
    )
    assert files["hostname"] == "rank-0\n"
