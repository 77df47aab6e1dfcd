"""In which order a container's root is made."""

from pathlib import Path

from lab.node.mounts import BindMount, root_steps


def test_what_lies_in_another_mount_is_mounted_after_it(tmp_path: Path) -> None:
    checkout = BindMount(source=tmp_path, path="/tmp/checkout")  # noqa: S108  # a path in the container
    volumes = (BindMount(source=tmp_path, path="/data/deep"), BindMount(source=tmp_path, path="/tmp"))  # noqa: S108  # as above

    steps = root_steps(etc=tmp_path, shm=tmp_path, programs=(checkout,), volumes=volumes)

    places = [step["path"] for step in steps if step["how"] == "bind" and step["source"] == str(tmp_path)]
    assert places.index("/tmp") < places.index("/tmp/checkout")  # noqa: S108  # as above
    assert places[-1] != "/tmp"  # noqa: S108  # as above
