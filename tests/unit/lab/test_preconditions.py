"""A machine that cannot run a lab is refused with what to do about it."""

import platform
import subprocess
from pathlib import Path

import pytest

from lab import preconditions
from lab.errors import LabError
from lab.folders import BRIDGE
from lab.preconditions import require_lab_possible


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with every program, whose `unshare` refuses as the kernel does; the folder of its sysctls."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in preconditions.PROGRAMS:
        (programs / name).write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setattr(preconditions, "system_path", lambda: str(programs))
    monkeypatch.setattr(preconditions, "SYSCTL", tmp_path / "sys")
    return tmp_path / "sys"


@pytest.mark.parametrize(
    ("sysctl", "value", "remedy"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=16384"),
        ("kernel/unprivileged_userns_clone", "1", "--privileged"),
    ],
)
def test_a_machine_that_forbids_namespaces(machine: Path, sysctl: str, value: str, remedy: str) -> None:
    (machine / sysctl).parent.mkdir(parents=True)
    (machine / sysctl).write_text(f"{value}\n")
    with pytest.raises(
        LabError, match=r"user namespace .*\(unshare: unshare failed: Operation not permitted\)"
    ) as refused:
        require_lab_possible()
    assert remedy in str(refused.value)


def test_a_missing_program(machine: Path) -> None:
    (machine.parent / "bin" / "ip").unlink()
    with pytest.raises(LabError, match=r"the lab needs the program 'ip'.*apt install iproute2"):
        require_lab_possible()


def test_too_little_memory(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine.parent / "bin" / "unshare").write_text("#!/bin/sh\n")
    monkeypatch.setattr(preconditions, "NEEDED_MIB", 1 << 40)
    with pytest.raises(LabError, match=r"needs 1099511627776 MiB of memory, \d+ MiB are free"):
        require_lab_possible()
    monkeypatch.setattr(preconditions, "NEEDED_MIB", 1)
    require_lab_possible()


def test_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(LabError, match="the lab needs Linux, this is Darwin"):
        require_lab_possible()


def test_the_namespace_is_its_own() -> None:
    """The remedies' subject holds on the machine that runs the tests, or is refused for a reason."""
    refusal = preconditions.namespace_refusal()
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=False).stdout
    assert BRIDGE not in links  # the probe's bridge is in a namespace that is gone
    assert refusal is None or "; " in refusal
